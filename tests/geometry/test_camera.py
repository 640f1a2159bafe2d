# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the pinhole camera."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.geometry.camera import distance_to_planar_depth, pinhole_intrinsics


@pytest.mark.parametrize(("height", "width", "field_of_view_degrees"), [(48, 64, 60.0), (33, 21, 90.0), (1, 1, 35.0)])
def test_image_borders_span_the_field_of_view(height: int, width: int, field_of_view_degrees: float) -> None:
    intrinsics = pinhole_intrinsics(height, width, field_of_view_degrees)
    assert intrinsics.dtype == np.float64
    assert intrinsics[0, 0] == intrinsics[1, 1]
    assert (intrinsics[0, 2], intrinsics[1, 2]) == (width / 2 - 0.5, height / 2 - 0.5)
    left, right = (np.array([-0.5, width - 0.5]) - intrinsics[0, 2]) / intrinsics[0, 0]
    assert math.degrees(math.atan(right) - math.atan(left)) == pytest.approx(field_of_view_degrees)


@pytest.mark.parametrize(
    ("height", "width", "angle"), [(0, 4, 60), (4, 0, 60), (4, 4, 0), (4, 4, 180), (4, 4, math.nan)]
)
def test_impossible_cameras_are_refused(height: int, width: int, angle: float) -> None:
    with pytest.raises(ValueError, match="got"):
        pinhole_intrinsics(height, width, angle)


def test_distance_of_known_points_becomes_their_z() -> None:
    intrinsics = pinhole_intrinsics(30, 40, 75.0)
    intrinsics[0, 2] += 3.25
    depth = np.random.default_rng(0).uniform(1, 9, (30, 40))
    rows, columns = np.mgrid[0:30, 0:40]
    points = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(intrinsics).T * depth[..., None]
    distance = np.linalg.norm(points, axis=-1)
    np.testing.assert_allclose(distance_to_planar_depth(distance, intrinsics), depth, rtol=1e-12)
    np.testing.assert_allclose(distance_to_planar_depth(distance[None], intrinsics)[0], depth, rtol=1e-12)


def test_sky_and_invalid_distances_stay() -> None:
    planar = distance_to_planar_depth(np.array([[math.inf, math.nan]]), pinhole_intrinsics(1, 2, 60.0))
    assert np.isposinf(planar[0, 0]) and np.isnan(planar[0, 1])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"distance must be \(\.\.\., H, W\)"):
        distance_to_planar_depth(np.ones(3), np.eye(3))
    with pytest.raises(ValueError, match=r"distance must be \(\.\.\., H, W\)"):
        distance_to_planar_depth(np.ones((3, 3)), np.eye(4))
