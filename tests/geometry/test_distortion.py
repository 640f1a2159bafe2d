# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Undistorted pictures show each direction where the new matrix says."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from depth_anything_hf.geometry.distortion import undistort
from depth_anything_hf.geometry.intrinsics import CameraIntrinsics


BENT: list[dict[str, Any]] = [
    {"distortion": (-0.28, 0.09, 0.001, -0.002)},
    {"distortion": (0.12, -0.05, 0.0, 0.0, 0.01)},
    {"distortion": (-0.05, 0.01, 0.002, -0.001), "distortion_model": "fisheye"},
    {"distortion": (0, 0, 0, 0), "distortion_model": "fisheye"},
]
NAMES = ["barrel", "pincushion", "fisheye", "equidistant"]


@pytest.mark.parametrize("bent", BENT, ids=NAMES)
def test_a_mark_at_a_known_direction_lies_where_the_new_matrix_puts_it(bent: dict[str, Any]) -> None:
    camera = CameraIntrinsics(320, 240, 260.0, 262.0, 163.0, 117.0, "test", **bent)
    directions = np.array([[[0.3, 0.2, 1.0]], [[-0.35, -0.1, 1.0]], [[0.0, 0.25, 1.0]]])
    coefficients = np.array(camera.distortion, dtype=np.float64)
    project = cv2.fisheye.projectPoints if camera.distortion_model == "fisheye" else cv2.projectPoints
    zeros = np.zeros(3)
    if camera.distortion_model == "fisheye":
        pixels, _ = project(directions, zeros, zeros, camera.matrix, coefficients)
    else:
        pixels, _ = project(directions, zeros, zeros, camera.matrix, coefficients)
    columns, rows = np.meshgrid(np.arange(320), np.arange(240))
    for direction, (x, y) in zip(directions.reshape(-1, 3), pixels.reshape(-1, 2), strict=True):
        blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))
        straight, pinhole = undistort((255 * blob).astype(np.uint8), camera)
        weights = straight.astype(float)
        found = (weights * columns).sum() / weights.sum(), (weights * rows).sum() / weights.sum()
        expected = pinhole.matrix @ direction
        np.testing.assert_allclose(found, expected[:2], atol=0.2)
    assert not pinhole.has_distortion and "undistorted" in pinhole.notes[-1] and pinhole.source == "test"


@pytest.mark.parametrize("bent", BENT, ids=NAMES)
def test_the_borders_hold_picture(bent: dict[str, Any]) -> None:
    camera = CameraIntrinsics(320, 240, 260.0, 262.0, 159.5, 119.5, **bent)
    straight, _ = undistort(np.full((240, 320, 3), 200, np.uint8), camera)
    assert straight.shape == (240, 320, 3) and (straight[2:-2, 2:-2] >= 190).all()


def test_without_distortion_nothing_changes() -> None:
    camera = CameraIntrinsics(4, 3, 2.0, 2.0, 1.5, 1.0, distortion=(0.0, 0.0, 0.0, 0.0))
    image = np.zeros((3, 4), np.uint8)
    assert undistort(image, camera) == (image, camera)


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a picture of 4 x 3 pixels, got 3 x 4"):
        undistort(np.zeros((4, 3), np.uint8), CameraIntrinsics(4, 3, 2.0, 2.0, 1.5, 1.0))


@pytest.mark.parametrize("factor", [1, 2])
def test_coefficients_that_fold_the_picture_are_refused(factor: int) -> None:
    # r (1 - 0.6 r^2) falls from r = 0.745 on; the corners are at 0.87.
    size = {"width": 640 * factor, "height": 480 * factor, "fx": 458.0 * factor, "fy": 458.0 * factor}
    camera = CameraIntrinsics(**size, cx=319.5 * factor, cy=239.5 * factor, distortion=(-0.6, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"\[-0.6, 0.0, 0.0, 0.0\] \(given\) cannot be undone .* twice or mirrored"):
        undistort(np.zeros((camera.height, camera.width), np.uint8), camera)
    narrow = CameraIntrinsics(
        **{**size, "fx": 900.0 * factor, "fy": 900.0 * factor}, cx=319, cy=239, distortion=(-0.6, 0, 0, 0)
    )
    undistort(np.zeros((camera.height, camera.width), np.uint8), narrow)
    beyond = CameraIntrinsics(
        **{**size, "fx": 120.0 * factor, "fy": 120.0 * factor}, cx=319, cy=239, distortion_model="fisheye"
    )
    with pytest.raises(ValueError, match="less than 180 degrees"):
        undistort(np.zeros((camera.height, camera.width), np.uint8), beyond)
