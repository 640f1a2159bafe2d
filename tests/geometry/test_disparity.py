# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about depth and disparity."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

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


@pytest.mark.parametrize("make", [np.float32, lambda value: np.array([value], dtype=np.float32), torch.tensor])
def test_a_depth_whose_inverse_overflows_is_invalid(make) -> None:
    disparity = depth_to_disparity(make(1e-39))
    assert np.isnan(np.asarray(disparity)).all() and disparity.dtype in (np.float32, torch.float32)
