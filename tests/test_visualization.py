# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about colour maps, 16-bit greys, error maps, sheets and encoded pictures."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.visualization.colour_maps import colour_map, error_map, to_uint16
from depth_anything_hf.visualization.encode import encode_jpeg, encode_png
from depth_anything_hf.visualization.figures import GAP_PIXELS, line_plot, sheet, side_by_side, thicken


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plain(height: int, width: int, grey: int) -> np.ndarray:
    return np.full((height, width, 3), grey, dtype=np.uint8)


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
    assert codes.dtype == np.uint16 and codes.min() == 0 and codes.max() == 65535
    restored = minimum + codes / 65535 * (maximum - minimum)
    assert np.abs(restored - values).max() <= 0.51 * (maximum - minimum) / 65535


def test_sixteen_bits_of_special_values() -> None:
    codes, minimum, maximum = to_uint16(np.array([[2.0, 4.0, math.nan, math.inf, -math.inf]]))
    assert codes.tolist() == [[0, 65535, 0, 65535, 0]] and (minimum, maximum) == (2.0, 4.0)
    assert to_uint16(np.full((1, 2), 7.0))[0].tolist() == [[0, 0]]
    assert to_uint16(np.full((1, 2), math.nan))[1:] == (0.0, 0.0)


def test_a_row_has_one_height_and_white_gaps() -> None:
    row = side_by_side([plain(10, 20, 0), plain(5, 5, 100)], height=10)
    assert row.shape == (10, 20 + GAP_PIXELS + 10, 3)
    assert (row[:, :20] == 0).all() and (row[:, 20 : 20 + GAP_PIXELS] == 255).all() and (row[:, -10:] == 100).all()


def test_a_sheet_aligns_columns_and_leaves_missing_cells_white() -> None:
    picture = sheet([[plain(8, 8, 10), plain(8, 8, 20)], [plain(8, 4, 30)], []], height=8)
    assert picture.shape == (3 * 8 + 2 * GAP_PIXELS, 16 + GAP_PIXELS, 3)
    second = picture[8 + GAP_PIXELS : 16 + GAP_PIXELS]
    assert (second[:, 2:6] == 30).all() and (second[:, :2] == 255).all() and (second[:, 6:] == 255).all()
    assert (picture[-8:] == 255).all()


def test_a_sheet_takes_the_tallest_height_and_grey_images() -> None:
    assert sheet([[np.zeros((6, 3), np.uint8), plain(4, 4, 9)]]).shape == (6, 3 + GAP_PIXELS + 6, 3)
    with pytest.raises(ValueError, match="at least one image"):
        sheet([[], []])
    with pytest.raises(ValueError, match="float64"):
        sheet([[np.zeros((2, 2, 3))]])


@pytest.mark.parametrize(
    ("dtype", "shape"), [(np.uint8, (7, 9, 3)), (np.uint8, (7, 9)), (np.uint16, (7, 9))], ids=["rgb", "grey", "grey16"]
)
def test_png_is_lossless_and_keeps_the_channel_order(dtype: type, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, size=shape, dtype=dtype, endpoint=True)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


def test_jpeg_is_close_and_keeps_the_channel_order() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 0] = 200
    decoded = np.asarray(Image.open(io.BytesIO(encode_jpeg(image)))).astype(int)
    assert np.abs(decoded - image).max() <= 6


def test_what_no_picture_format_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        encode_png(np.zeros((2, 2, 3), np.float32))
    with pytest.raises(ValueError, match=r"\(2, 2, 4\)"):
        encode_png(np.zeros((2, 2, 4), np.uint8))


# Sparse maps and curves


def test_sparse_measurements_are_thickened_and_dense_maps_stay() -> None:
    sparse = np.full((20, 30), np.nan, dtype=np.float32)
    sparse[5, 10], sparse[5, 12], sparse[15, 29] = 1.0, 3.0, -2.0
    grown = thicken(sparse, radius=1)
    assert np.isfinite(grown).sum() == 9 + 9 - 3 + 6
    assert grown[4, 9] == 1.0 and grown[5, 11] == 3.0 and grown[14, 28] == -2.0 and np.isnan(grown[0, 0])
    dense = np.where(np.arange(600).reshape(20, 30) % 2, 1.0, np.nan).astype(np.float32)
    np.testing.assert_array_equal(thicken(dense), dense)
    assert np.isnan(thicken(np.full((3, 3), np.nan))).all()


def test_a_falling_curve_falls_in_the_picture() -> None:
    plot = line_plot(np.arange(50), np.linspace(5.0, 1.0, 50))
    blue = (plot[..., 2].astype(int) - plot[..., 0]) > 100
    columns = np.flatnonzero(blue.any(axis=0))
    first, last = (np.flatnonzero(blue[:, column]).mean() for column in (columns[0], columns[-1]))
    assert plot.shape == (280, 720, 3) and first < 40 < 230 < last
    # Half-way in time is half-way up, on a logarithmic scale where the values span more than a factor of ten.
    for values in (np.linspace(5.0, 1.0, 51), np.geomspace(1000.0, 1.0, 51)):
        plot = line_plot(np.arange(51), values)
        blue = (plot[..., 2].astype(int) - plot[..., 0]) > 100
        columns = np.flatnonzero(blue.any(axis=0))
        middle = np.flatnonzero(blue[:, (columns[0] + columns[-1]) // 2]).mean()
        assert middle == pytest.approx((12 + 252) / 2, abs=4)


def test_points_that_are_not_finite_are_left_out_of_a_curve() -> None:
    expected = line_plot(np.array([0.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.5]))
    found = line_plot(np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, np.nan, 2.0, 1.5]))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="at least two"):
        line_plot(np.array([0.0, 1.0]), np.array([np.nan, 1.0]))
