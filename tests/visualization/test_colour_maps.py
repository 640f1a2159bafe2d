# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about colour maps, error maps and 16-bit greys."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from depth_anything_hf.visualization.colour_maps import colour_map, error_map, from_uint16, to_uint16


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def inferno(code: int) -> list[int]:
    blue, green, red = cv2.applyColorMap(np.array([[code]], np.uint8), cv2.COLORMAP_INFERNO)[0, 0].tolist()
    return [red, green, blue]


def test_colours_run_from_minimum_to_maximum_and_special_values_have_their_own() -> None:
    values = np.array([[0.0, 1.0, math.inf, -math.inf, math.nan, 0.5]], dtype=np.float32)
    colours = colour_map(values, 0.0, 1.0)[0].tolist()
    assert colours == [
        inferno(0),
        inferno(255),
        inferno(255),
        inferno(0),
        [128, 128, 128],
        inferno(128),
    ]


def test_one_outlier_does_not_change_the_other_colours() -> None:
    ramp = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    spoiled = ramp.copy()
    spoiled[50, 50] = 1e9
    difference = np.abs(colour_map(ramp).astype(int) - colour_map(spoiled))
    difference[50, 50] = 0
    assert difference.max() <= 6


@pytest.mark.parametrize("value", [3.0, 0.0, -2.0])
def test_a_constant_map_takes_the_middle_colour(value: float) -> None:
    assert colour_map(np.full((2, 3), value, np.float32)).reshape(-1, 3).tolist() == [inferno(128)] * 6


def test_maps_without_a_valid_pixel_are_grey_or_far() -> None:
    assert (colour_map(np.full((2, 2), math.nan)) == 128).all()
    assert colour_map(np.full((1, 1), math.inf)).tolist() == [[inferno(255)]]


def test_a_single_given_limit_beyond_the_values_is_no_error() -> None:
    values = np.array([[1.0, 2.0]])
    assert colour_map(values, minimum=5.0)[0].tolist() == [inferno(0)] * 2
    assert colour_map(values, maximum=0.5)[0].tolist() == [inferno(255)] * 2


def test_bad_maps_and_limits_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2, 1\)"):
        colour_map(np.zeros((2, 2, 1)))
    with pytest.raises(ValueError, match=r"minimum must not be above maximum, got 2\.0 and 1\.0"):
        colour_map(np.zeros((2, 2)), 2.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        colour_map(np.zeros((2, 2)), 0.0, math.inf)


def test_error_is_dark_where_maps_agree_and_bright_where_they_do_not() -> None:
    truth = np.array([[1.0, 2.0, math.inf, math.inf, math.nan]])
    prediction = np.array([[1.0, 4.0, math.inf, 7.0, 1.0]])
    colours = error_map(prediction, truth, maximum=2.0)[0].tolist()
    assert colours == [inferno(0), inferno(255), inferno(0), inferno(255), [128, 128, 128]]


def test_errors_of_two_predictions_of_one_truth_share_their_colours() -> None:
    truth = np.linspace(0, 1, 101).reshape(1, -1)
    assert error_map(truth + 0.12, truth)[0, 50].tolist() == inferno(128)
    assert error_map(truth + 0.06, truth)[0, 50].tolist() == inferno(64)
    with pytest.raises(ValueError, match="same height and width"):
        error_map(truth, truth.T)


def test_sixteen_bits_invert_to_half_a_step() -> None:
    values = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    codes, minimum, maximum = to_uint16(values)
    assert codes.dtype == np.uint16 and codes.min() == 1 and codes.max() == 65535
    assert (minimum, maximum) == (values.min(), values.max())
    restored = from_uint16(codes, minimum, maximum)
    assert restored.dtype == np.float32
    assert np.abs(restored - values).max() <= 0.51 * (maximum - minimum) / 65534


@pytest.mark.parametrize("outlier", [1e6, -1e6, math.inf, -math.inf])
def test_an_outlier_takes_no_codes_from_the_others(outlier: float) -> None:
    values = np.linspace(1.0, 9.0, 100).reshape(10, 10)
    values[3, 4] = outlier
    codes, minimum, maximum = to_uint16(values)
    assert codes[3, 4] == (65535 if outlier > 0 else 1)
    others = values != outlier
    assert np.ptp(codes[others].astype(int)) > 65535 // 6
    np.testing.assert_allclose(from_uint16(codes, minimum, maximum)[others], values[others], atol=5 * 8 / 65534)


def test_no_value_has_a_code_of_its_own() -> None:
    codes, minimum, maximum = to_uint16(np.array([[2.0, 4.0, math.nan, math.inf, -math.inf]]))
    assert codes.tolist() == [[1, 65535, 0, 65535, 1]] and (minimum, maximum) == (2.0, 4.0)
    assert np.isnan(from_uint16(codes, minimum, maximum)).tolist() == [[False, False, True, False, False]]


@pytest.mark.parametrize(
    "values", [[[7.0, 7.0, math.nan]], [[-3.5]], [[0.0, 0.0]], [[5.0] * 99 + [1e9]], [[1.0, 1e9]]]
)
def test_constant_maps_and_few_pixels_are_exact(values: list[list[float]]) -> None:
    np.testing.assert_array_equal(from_uint16(*to_uint16(np.array(values))), np.float32(values))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_without_a_finite_value_all_codes_are_0(value: float) -> None:
    codes, minimum, maximum = to_uint16(np.full((2, 2), value))
    assert not codes.any() and (minimum, maximum) == (0.0, 0.0)
    assert np.isnan(from_uint16(codes, minimum, maximum)).all()
