# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The rays of a camera's pixels, and distance along them as depth along the optical axis."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .camera import distance_to_planar_depth
from .intrinsics import CameraIntrinsics


NEWTON_STEPS = 20
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
    if not camera.has_distortion and camera.distortion_model == "opencv":
        return distance_to_planar_depth(distance, camera.matrix)
    cosines = _fisheye_cosines(camera) if camera.distortion_model == "fisheye" else _distorted_cosines(camera)
    depth: np.ndarray = distance * cosines
    return depth


def _distorted_cosines(camera: CameraIntrinsics) -> np.ndarray:
    across, down = np.meshgrid(np.arange(camera.width, dtype=np.float64), np.arange(camera.height, dtype=np.float64))
    pixels = np.stack([across.ravel(), down.ravel()], axis=1)[:, None]
    points = cv2.undistortPoints(pixels, camera.matrix, np.array(camera.distortion))[:, 0]
    cosines: np.ndarray = 1 / np.sqrt((points**2).sum(axis=1) + 1)
    return cosines.reshape(camera.height, camera.width)


def _fisheye_cosines(camera: CameraIntrinsics) -> np.ndarray:
    """Return cos(theta) where theta (1 + k1 theta^2 + k2 theta^4 + ...) is the distance from the principal point.

    That is the model of `cv2.fisheye`, whose own `undistortPoints` gives tan(theta), and so no angle near 90 degrees.
    """
    across = (np.arange(camera.width) - camera.cx) / camera.fx
    down = (np.arange(camera.height)[:, None] - camera.cy) / camera.fy
    radius = np.sqrt(across**2 + down**2)
    factors = np.array([1.0, *(camera.distortion or (0.0,) * 4)])
    theta = radius.copy()
    powers = 2 * np.arange(5)
    for _ in range(NEWTON_STEPS):
        squares = theta[..., None] ** powers
        value, slope = theta * (squares @ factors), squares @ (factors * (powers + 1))
        theta -= (value - radius) / np.where(slope > 0, slope, np.nan)
    squares = theta[..., None] ** powers
    is_inverse = np.abs(theta * (squares @ factors) - radius) < 1e-9
    cosines: np.ndarray = np.where(is_inverse & (theta >= 0) & (theta < RIGHT_ANGLE), np.cos(theta), np.nan)
    return cosines
