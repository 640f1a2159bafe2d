# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Line charts: where lines lie, what axes say, and what is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.visualization.charts import (
    COLOURS,
    Curve,
    _logarithmic_ticks,
    line_chart,
    linear_ticks,
    number_text,
)


def places_of(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of a colour, (N, 2)."""
    return np.argwhere((picture == np.array(colour)).all(axis=2))


def test_a_rising_line_goes_up_to_the_right_over_the_whole_chart():
    picture = line_chart([Curve("a", range(100), range(100))], title="Rising")
    assert picture.shape == (320, 640, 3) and picture.dtype == np.uint8
    places = places_of(picture, COLOURS[0])
    leftmost, rightmost = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    assert leftmost[0] > rightmost[0] + 150 and rightmost[1] > leftmost[1] + 500
    # Straight: the middle lies between the ends.
    middle = places[np.abs(places[:, 1] - (leftmost[1] + rightmost[1]) // 2).argmin()]
    assert abs(middle[0] - (leftmost[0] + rightmost[0]) / 2) < 4


def test_values_of_several_magnitudes_are_drawn_on_a_logarithmic_axis():
    steps = np.arange(100)
    straight = line_chart([Curve("a", steps, 10.0 ** (-steps / 25))], title="Falling")
    places = places_of(straight, COLOURS[0])
    ends = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    middle = places[np.abs(places[:, 1] - (ends[0][1] + ends[1][1]) // 2).argmin()]
    assert abs(middle[0] - (ends[0][0] + ends[1][0]) / 2) < 4
    bent = line_chart([Curve("a", steps, 10.0 ** (-steps / 25))], title="Falling", may_be_logarithmic=False)
    places = places_of(bent, COLOURS[0])
    middle = places[np.abs(places[:, 1] - (ends[0][1] + ends[1][1]) // 2).argmin()]
    assert middle[0] > (places[:, 0].min() + places[:, 0].max()) / 2 + 60


def test_every_curve_has_its_colour_and_a_legend_only_where_they_are_several():
    two = line_chart([Curve("first", [1, 2], [0, 0]), Curve("second", [1, 2], [1, 1])], title="Two")
    top = two[:60]
    assert all(len(places_of(top, colour)) > 20 for colour in COLOURS[:2])
    one = line_chart([Curve("first", [1, 2], [0, 1])], title="One")
    assert not len(places_of(one[:30], COLOURS[0]))


def test_more_curves_than_colours_differ_by_dashes():
    count = len(COLOURS) + 1
    rows = [np.full(40, float(index)) for index in range(count)]
    picture = line_chart(
        [Curve("", range(40), row) for row in rows], title="", may_be_logarithmic=False, size=(480, 640)
    )
    places = places_of(picture, COLOURS[0])
    # The last curve lies above all others, the first one below, both of one colour; the legend is higher still.
    first = places[places[:, 0] == places[:, 0].max()][:, 1]
    middle = [row for row in set(places[:, 0].tolist()) if (places[:, 0] == row).sum() > 100]
    last = places[places[:, 0] == min(middle)][:, 1]
    assert (np.diff(np.sort(first)) == 1).all(), "whole"
    gaps = np.diff(np.sort(last))
    assert (gaps > 1).sum() > 20 and gaps.max() < 12, "dashed from end to end"
    assert last.min() - first.min() < 12 and first.max() - last.max() < 24


def test_a_legend_that_is_too_long_goes_on_in_another_row():
    curves = [Curve(f"a rather long name {index}", [0, 1], [index, index]) for index in range(8)]
    picture = line_chart(curves, title="Many")
    assert all(len(places_of(picture, colour)) for colour in COLOURS)


def test_what_is_not_finite_is_left_out():
    whole = line_chart([Curve("a", [1, 3, 4], [1, 3, 4])], title="Gap")
    gap = line_chart(
        [Curve("a", [1, 2, 3, 4], [1, math.nan, 3, 4]), Curve("b", [1, 2], [math.inf, math.nan])], title="Gap"
    )
    assert np.array_equal(whole, gap)
    with pytest.raises(ValueError, match="the chart 'Nothing' has no finite point to show"):
        line_chart([Curve("a", [1], [math.nan])], title="Nothing")


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
def test_a_constant_and_a_single_point_can_be_drawn(value):
    for x in ([1.0, 2.0], [7.0]):
        picture = line_chart([Curve("a", x, [value] * len(x))], title="Constant", x_label="step")
        rows = places_of(picture, COLOURS[0])[:, 0]
        assert 100 < rows.mean() < 200


def test_a_chart_too_small_for_its_axes_is_refused():
    with pytest.raises(ValueError, match=r"at least 160 x 240 pixels \(height x width\), got 100 x 640"):
        line_chart([Curve("a", [1, 2], [1, 2])], title="Small", size=(100, 640))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3]),
        (0, 160_000, [0, 50_000, 100_000, 150_000]),
        (1e-6, 5e-6, [1e-6, 2e-6, 3e-6, 4e-6, 5e-6]),
    ],
)
def test_linear_ticks_are_round_numbers(low, high, ticks):
    assert linear_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.03, 1.1, [0.05, 0.1, 0.2, 0.5, 1]),
        (0.9, 1100, [1, 3, 10, 30, 100, 300, 1000]),
        (1e-5, 2, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]),
        (1e-12, 1, [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]),
    ],
)
def test_logarithmic_ticks_are_few(low, high, ticks):
    assert _logarithmic_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (1e-5, "1e-5"),
        (5e-6, "5e-6"),
        (2.5e-5, "2.5e-5"),
        (160000, "160,000"),
        (-0.2, "-0.2"),
    ],
)
def test_numbers_of_ticks_are_brief(value, text):
    assert number_text(value) == text
