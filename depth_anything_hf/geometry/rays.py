# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The rays of a camera's pixels, and distance along them as depth along the optical axis."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from .camera import distance_to_planar_depth
from .intrinsics import CameraIntrinsics


# Pixels: OpenCV's iteration, which by default ends after five steps, and how exactly the way back leads to a pixel.
TERMINATION = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-4)
SAME_PIXEL = 1e-2
# Radians; Newton's method doubles the digits with each step.
NEWTON_STEPS, PRECISION = 30, 1e-10
RIGHT_ANGLE = math.pi / 2


def ray_distance_to_depth(distance: np.ndarray, camera: CameraIntrinsics) -> np.ndarray:
    """Convert distance from the camera's centre to depth along the optical axis (planar z).

    Args:
        distance: (H, W) metres, of the size of the camera; `+inf` and NaN stay what they are.
        camera: a pinhole, with or without a distortion of OpenCV, or a fisheye of OpenCV.

    Returns:
        (H, W) planar z, metres, float64: NaN where a ray does not look forward (a fisheye beyond 90 degrees), or where
        the distortion has no inverse.

    Raises:
        ValueError: another size.
    """
    if distance.shape != (camera.height, camera.width):
        raise ValueError(
            f"expected a map of {camera.width} x {camera.height} pixels, got {distance.shape[1]} x {distance.shape[0]}"
        )
    if not camera.has_distortion:
        return distance_to_planar_depth(distance, camera.matrix)
    depth: np.ndarray = distance * _cosines(camera)
    return depth


@lru_cache(maxsize=4)
def _cosines(camera: CameraIntrinsics) -> np.ndarray:
    """Return the cosine of the angle between each pixel's ray and the optical axis: (H, W) float64, not to be written.

    All maps of a source have one camera.
    """
    cosines = _fisheye_cosines(camera) if camera.distortion_model == "fisheye" else _distorted_cosines(camera)
    cosines.flags.writeable = False
    return cosines


def _distorted_cosines(camera: CameraIntrinsics) -> np.ndarray:
    across, down = np.meshgrid(np.arange(camera.width, dtype=np.float64), np.arange(camera.height, dtype=np.float64))
    pixels = np.stack([across.ravel(), down.ravel()], axis=1)[:, None]
    matrix, coefficients = camera.matrix, np.array(camera.distortion, dtype=np.float64)
    # OpenCV 5 has one function for both.
    undistort: Any = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)
    points = undistort(pixels, matrix, coefficients, R=None, P=None, criteria=TERMINATION)[:, 0]
    rays = np.pad(points, ((0, 0), (0, 1)), constant_values=1)
    back, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), matrix, coefficients)
    # Where the curve of the distortion falls, no ray leads to the pixel.
    is_inverse = np.abs(back - pixels).max(axis=(1, 2)) <= SAME_PIXEL
    cosines: np.ndarray = np.where(is_inverse, 1 / np.linalg.norm(rays, axis=1), np.nan)
    return cosines.reshape(camera.height, camera.width)


def _fisheye_cosines(camera: CameraIntrinsics) -> np.ndarray:
    """Return cos(theta) where theta (1 + k1 theta^2 + k2 theta^4 + ...) is the distance from the principal point.

    That is the model of `cv2.fisheye`, whose own `undistortPoints` gives tan(theta), and so no angle near 90 degrees.
    """
    across = (np.arange(camera.width) - camera.cx) / camera.fx
    down = (np.arange(camera.height)[:, None] - camera.cy) / camera.fy
    radius = np.sqrt(across**2 + down**2)
    k1, k2, k3, k4 = camera.distortion or (0.0,) * 4
    theta = radius.copy()
    for _ in range(NEWTON_STEPS):
        square = theta * theta
        value = theta * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
        slope = 1 + square * (3 * k1 + square * (5 * k2 + square * (7 * k3 + square * 9 * k4)))
        excess = value - radius
        if np.nanmax(np.abs(excess), initial=0.0) < PRECISION:
            break
        # Where the curve falls there is no inverse.
        theta -= excess / np.where(slope > 0, slope, np.nan)
    is_inverse = (np.abs(excess) < PRECISION) & (theta >= 0) & (theta < RIGHT_ANGLE)
    cosines: np.ndarray = np.where(is_inverse, np.cos(theta), np.nan)
    return cosines
