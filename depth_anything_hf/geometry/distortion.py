# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures without the distortion of their lens, and the camera that they then have."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .intrinsics import CameraIntrinsics


def undistort(image: np.ndarray, intrinsics: CameraIntrinsics) -> tuple[np.ndarray, CameraIntrinsics]:
    """Straighten a picture by OpenCV, at its own size and without borders that hold nothing.

    Args:
        image: (H, W) or (H, W, channels), of the size of `intrinsics`.
        intrinsics: with or without distortion.

    Returns:
        The picture, and its pinhole camera: a new matrix, no distortion, and a note. Both are as given where there is
        no distortion.

    Raises:
        ValueError: a picture of another size, or coefficients for which there is no such pinhole camera.
    """
    if image.shape[:2] != (intrinsics.height, intrinsics.width):
        raise ValueError(
            f"expected a picture of {intrinsics.width} x {intrinsics.height} pixels, got {image.shape[1]} x "
            f"{image.shape[0]}; scale the camera first"
        )
    if not intrinsics.has_distortion:
        return image, intrinsics
    size, matrix = (intrinsics.width, intrinsics.height), intrinsics.matrix
    coefficients = np.array(intrinsics.distortion or (0.0,) * 4)
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
    if intrinsics.distortion_model == "fisheye":
        picture = cv2.fisheye.undistortImage(image, matrix, coefficients, Knew=straight.matrix)
    else:
        picture = cv2.undistort(image, matrix, coefficients, None, straight.matrix)
    return picture, straight
