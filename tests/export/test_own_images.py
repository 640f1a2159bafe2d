# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is found on held-out pictures, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.export.own_images import compare_on


def maps(noise: float) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 24 * 24).reshape(1, 24, 24)
    return [ramp + noise * random.standard_normal(ramp.shape) for _ in range(5)]


def compared(noise: float):
    images = [np.full((1, 3, 24, 24), index, np.float32) for index in range(5)]
    found, expected = maps(noise), maps(0)
    return compare_on(
        images, lambda image: found[int(image[0, 0, 0, 0])], lambda image: expected[int(image[0, 0, 0, 0])]
    )


def test_a_file_that_is_nearly_right_is_accepted() -> None:
    found = compared(0.01)
    assert found.images == 5 and found.refusal() is None
    assert math.isclose(found.mean, 0.01 * math.sqrt(2 / math.pi), rel_tol=0.1)
    assert found.order > 0.999 and found.correlation > 0.998


def test_a_file_that_orders_pixels_otherwise_is_refused() -> None:
    refusal = compared(0.1).refusal()
    assert refusal is not None and "5 pictures" in refusal and "int8-weights" in refusal
    constant = compare_on([np.zeros((1, 3, 24, 24), np.float32)], lambda _: np.ones((1, 24, 24)), lambda _: maps(0)[0])
    assert constant.order == 0.5 and constant.correlation == 0 and constant.refusal() is not None


def test_maps_of_one_value_cannot_be_compared() -> None:
    flat = np.ones((1, 24, 24))
    found = compare_on([np.zeros((1, 3, 24, 24), np.float32)], lambda _: flat, lambda _: flat)
    assert math.isnan(found.order) and found.refusal() is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    broken = maps(0)[0]
    broken[0, 3, 3] = value
    images = [np.full((1, 3, 24, 24), index, np.float32) for index in range(2)]
    found = compare_on(images, lambda image: maps(0)[0] if image.any() else broken, lambda _: maps(0)[0])
    assert "not finite" in str(found.refusal()) and found.largest == math.inf and found.order == 0.5
