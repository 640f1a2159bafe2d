# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures without the distortion of their lens, and the camera that they then have."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .intrinsics import CameraIntrinsics


# Rows and columns of places at which the order of neighbours is looked at.
GRID = 64


def undistort(image: np.ndarray, intrinsics: CameraIntrinsics) -> tuple[np.ndarray, CameraIntrinsics]:
    """Straighten a picture by OpenCV, at its own size and without borders that hold nothing.

    Args:
        image: (H, W) or (H, W, channels), of the size of `intrinsics`.
        intrinsics: with or without distortion.

    Returns:
        The picture, and its pinhole camera: a new matrix, no distortion, and a note. Both are as given where there is
        no distortion.

    Raises:
        ValueError: a picture of another size, or coefficients for which there is no such pinhole camera, or whose
            picture is folded.
    """
    if image.shape[:2] != (intrinsics.height, intrinsics.width):
        raise ValueError(
            f"expected a picture of {intrinsics.width} x {intrinsics.height} pixels, got {image.shape[1]} x "
            f"{image.shape[0]}; scale the camera first"
        )
    if not intrinsics.has_distortion:
        return image, intrinsics
    size, matrix = (intrinsics.width, intrinsics.height), intrinsics.matrix
    coefficients = np.array(intrinsics.distortion or (0,) * 4, dtype=np.float64)
    if intrinsics.distortion_model == "fisheye":
        new = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(
            matrix, coefficients, size, np.eye(3), balance=0.0
        )
    else:
        new, _ = cv2.getOptimalNewCameraMatrix(matrix, coefficients, size, 0.0, size)
    fx, fy, cx, cy = (float(new[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    try:
        straight = replace(
            intrinsics,
            fx=fx,
            fy=fy,
            cx=cx,
            cy=cy,
            distortion=(),
            distortion_model="opencv",
            notes=(*intrinsics.notes, f"undistorted ({intrinsics.distortion_model})"),
        )
    except ValueError as error:
        raise ValueError(
            f"the distortion {list(intrinsics.distortion)} ({intrinsics.source}) cannot be undone at this "
            f"size: {error}"
        ) from error
    if _is_folded(straight, intrinsics, coefficients):
        raise ValueError(
            f"the distortion {list(intrinsics.distortion)} ({intrinsics.source}) cannot be undone at this size: the "
            "straight picture would show places twice or mirrored; check coefficients, focal length and size (a "
            "pinhole camera sees less than 180 degrees)"
        )
    if intrinsics.distortion_model == "fisheye":
        picture = cv2.fisheye.undistortImage(image, matrix, coefficients, Knew=straight.matrix)
    else:
        picture = cv2.undistort(image, matrix, coefficients, None, straight.matrix)
    return picture, straight


def _is_folded(straight: CameraIntrinsics, bent: CameraIntrinsics, coefficients: np.ndarray) -> bool:
    """Return whether neighbours in the straight picture come from the bent one in mirrored order anywhere."""
    places = [np.linspace(0, side - 1, GRID) for side in (straight.width, straight.height)]
    rays = np.ones((GRID * GRID, 1, 3))
    rays[:, 0, 0] = np.tile((places[0] - straight.cx) / straight.fx, GRID)
    rays[:, 0, 1] = np.repeat((places[1] - straight.cy) / straight.fy, GRID)
    project = cv2.fisheye.projectPoints if bent.distortion_model == "fisheye" else cv2.projectPoints
    pixels = project(rays, np.zeros(3), np.zeros(3), bent.matrix, coefficients)[0].reshape(GRID, GRID, 2)
    across, down = np.diff(pixels, axis=1)[:-1], np.diff(pixels, axis=0)[:, :-1]
    return bool((across[..., 0] * down[..., 1] <= across[..., 1] * down[..., 0]).any())
