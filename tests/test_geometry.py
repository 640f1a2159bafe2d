# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about depth, disparity and the pinhole camera."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf.geometry.camera import distance_to_planar_depth, pinhole_intrinsics
from depth_anything_hf.geometry.disparity import depth_to_disparity, disparity_to_depth


SPECIAL_DEPTHS = np.array([[0.5, 2.0, math.inf], [math.nan, 0.0, -1.0]], dtype=np.float32)
SPECIAL_DISPARITIES = np.array([[2.0, 0.5, 0.0], [math.nan, math.nan, math.nan]], dtype=np.float32)


def test_special_depths_become_the_documented_disparities() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        disparity = depth_to_disparity(SPECIAL_DEPTHS)
    assert disparity.dtype == np.float32
    np.testing.assert_array_equal(disparity, SPECIAL_DISPARITIES)


def test_torch_and_numpy_agree() -> None:
    disparity = depth_to_disparity(torch.from_numpy(SPECIAL_DEPTHS))
    assert isinstance(disparity, torch.Tensor) and disparity.dtype == torch.float32
    np.testing.assert_array_equal(disparity.numpy(), SPECIAL_DISPARITIES)


def test_disparity_comes_back_as_depth() -> None:
    disparity = np.array([2.0, 0.0, -0.0, math.nan, -1.0, math.inf])
    expected = np.array([0.5, math.inf, math.inf, math.nan, math.nan, 0.0])
    np.testing.assert_array_equal(disparity_to_depth(disparity), expected)
    np.testing.assert_array_equal(disparity_to_depth(torch.from_numpy(disparity)).numpy(), expected)
    depth = np.random.default_rng(0).uniform(0.1, 100, (8, 9)).astype(np.float32)
    np.testing.assert_allclose(disparity_to_depth(depth_to_disparity(depth)), depth, rtol=1e-6)


def test_gradient_passes_through_valid_depth() -> None:
    depth = torch.tensor([2.0, 4.0, 0.0, math.inf], requires_grad=True)
    depth_to_disparity(depth).nansum().backward()
    assert depth.grad is not None
    torch.testing.assert_close(depth.grad, torch.tensor([-0.25, -0.0625, 0.0, 0.0]))


@pytest.mark.parametrize("values", [np.array([1, 2]), torch.tensor([1, 2])])
def test_integers_are_refused(values: Any) -> None:
    with pytest.raises(TypeError, match="floating point"):
        depth_to_disparity(values)
    with pytest.raises(TypeError, match="floating point"):
        disparity_to_depth(values)


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
