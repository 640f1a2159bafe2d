# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distance along rays becomes planar depth, for points that OpenCV projects by its own models."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depth_anything_hf.geometry import CameraIntrinsics, ray_distance_to_depth


OPENCV = CameraIntrinsics(160, 120, 110.0, 115.0, 82.0, 57.0, distortion=(-0.2, 0.05, 0.002, -0.001))
FISHEYE = CameraIntrinsics(
    160, 120, 60.0, 61.0, 80.0, 59.0, distortion=(-0.03, 0.004, -0.001, 0.0002), distortion_model="fisheye"
)


@pytest.mark.parametrize("camera", [OPENCV, FISHEYE], ids=["opencv", "fisheye"])
def test_points_that_opencv_projects(camera: CameraIntrinsics) -> None:
    """A map that is the distance of one point everywhere has its depth at the point's pixel."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = np.array([rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4), 1]) * rng.uniform(0.5, 20)
        if camera is FISHEYE:
            pixel, _ = cv2.fisheye.projectPoints(
                point[None, None], np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion)
            )
        else:
            pixel, _ = cv2.projectPoints(
                point[None], np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion)
            )
        across, down = pixel.ravel()
        depth = ray_distance_to_depth(np.full((120, 160), np.linalg.norm(point)), camera)
        around = depth[int(down) : int(down) + 2, int(across) : int(across) + 2]
        assert around.min() <= point[2] * (1 + 1e-6) and around.max() >= point[2] * (1 - 1e-6)


def test_a_strong_distortion_is_inverted_exactly_and_nowhere_that_it_has_no_inverse() -> None:
    # Lines from the middle: r (1 - 0.2 r^2) rises up to r = 1.29, which is at 0.861 of the focal length.
    camera = CameraIntrinsics(401, 3, 200.0, 200.0, 200.0, 1.0, distortion=(-0.2, 0.0, 0.0, 0.0))
    depth = ray_distance_to_depth(np.ones((3, 401)), camera)[1]
    radius = np.linspace(0, 1.1, 6)
    pixels = 200 + 200 * radius * (1 - 0.2 * radius**2)
    np.testing.assert_allclose(np.interp(pixels, np.arange(401), depth), 1 / np.hypot(1, radius), rtol=1e-3)
    assert np.isnan(depth[[0, 20, 380, 400]]).all() and np.isfinite(depth[30:371]).all()


def test_a_pinhole_and_a_fisheye_beyond_a_right_angle() -> None:
    distance = np.full((3, 401), 2.0)
    distance[1, 0] = np.inf
    pinhole = CameraIntrinsics.from_focal_length(200, 3, 401)
    np.testing.assert_allclose(ray_distance_to_depth(distance, pinhole)[0, 400], 2 / np.sqrt(2 + 1 / 200**2))
    fisheye = CameraIntrinsics(401, 3, 100.0, 100.0, 200.0, 1.0, distortion_model="fisheye")
    depth = ray_distance_to_depth(distance, fisheye)
    np.testing.assert_allclose(depth[1, 200:350], 2 * np.cos(np.arange(150) / 100))
    # 200 px are 2 rad, behind the camera.
    assert np.isnan(depth[1, [0, 400]]).all()
    with pytest.raises(ValueError, match="expected a map of 401 x 3 pixels, got 4 x 4"):
        ray_distance_to_depth(np.ones((4, 4)), fisheye)
