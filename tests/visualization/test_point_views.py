# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points in space as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.visualization import draw_points


RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_a_point_is_where_the_camera_sees_it_and_hides_what_lies_behind():
    # The camera steps back by 0.15 of the median depth 4: distances 2.6, 4.6 and 6.6.
    points = np.array([[0.0, 0.0, 2.0], [0.92, -0.46, 4.0], [0.0, 0.0, 6.0], [np.nan, 0, 4], [50, 0, 4]])
    colours = np.array([RED, BLUE, BLUE, BLUE, BLUE], dtype=np.uint8)
    picture = draw_points(points, colours, side=100)
    assert picture.shape == (100, 100, 3) and picture.dtype == np.uint8
    assert tuple(picture[50, 50]) == RED
    # Column 100 * (0.92 / 4.6 + 0.5), row 100 * (-0.46 / 4.6 + 0.5).
    assert tuple(picture[40, 70]) == BLUE
    assert (picture != 255).any(axis=2).sum() == 2


def test_points_turn_around_the_vertical_axis_through_their_middle():
    points = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 4.0], [0.0, 0.0, 6.0]])
    colours = np.array([RED, (0, 0, 0), BLUE], dtype=np.uint8)
    # A quarter turn: the nearest goes to the left, the farthest to the right, at the distance 4.6 of the middle.
    picture = draw_points(points, colours, degrees=90, side=100)
    assert tuple(picture[50, round(100 * (0.5 - 2 / 4.6))]) == RED
    assert tuple(picture[50, 50]) == (0, 0, 0)
    assert tuple(picture[50, round(100 * (0.5 + 2 / 4.6))]) == BLUE


@pytest.mark.parametrize(
    ("points", "colours", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 2), np.uint8), "points and colours"),
        (np.zeros((3, 3)), np.zeros((2, 3), np.uint8), "points and colours"),
        (np.full((3, 3), np.nan), np.zeros((3, 3), np.uint8), "at least one finite point"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points, colours, message):
    with pytest.raises(ValueError, match=message):
        draw_points(points, colours)
