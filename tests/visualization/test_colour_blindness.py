# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours of maps, charts and marks as readers see them who confuse some."""

from __future__ import annotations

import numpy as np
import pytest
from readable_pages import READERS, lab, smallest_difference

from depth_anything_hf.demo.layout import FIRST_COLOUR_MAPS
from depth_anything_hf.visualization.charts import COLOURS
from depth_anything_hf.visualization.colour_tables import COLOUR_MAPS, DEFAULT_COLOUR_MAP, colour_table
from depth_anything_hf.visualization.figures import BLUE, ORANGE, mark_pairs


GREYS = [(code,) * 3 for code in range(0, 256, 5)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["inferno", "cividis", "viridis", "magma", "plasma", "gray"])
def test_these_maps_grow_in_brightness_for_all_readers(name: str, reader: str) -> None:
    brightness = lab(colour_table(name), reader)[:, 0]
    # 16 steps, as tables of 8 bits go back by one here and there.
    assert (np.diff(brightness[::16]) > 0).all() and np.ptp(brightness) > 55


@pytest.mark.parametrize("name", ["turbo", "Spectral_r", "jet"])
def test_these_do_not(name: str) -> None:
    assert (np.diff(lab(colour_table(name), "deuteranopia")[::16, 0]) < 0).any()


def test_cividis_is_the_same_to_readers_without_green_and_the_default_is_for_all() -> None:
    change = {}
    for name in ("cividis", "turbo"):
        normal, other = (lab(colour_table(name), reader) for reader in ("all colours", "deuteranopia"))
        change[name] = np.linalg.norm(normal - other, axis=1).max()
    assert change["cividis"] < 15 and change["turbo"] > 40
    assert DEFAULT_COLOUR_MAP == "inferno" and "cividis" in COLOUR_MAPS and "cividis" in FIRST_COLOUR_MAPS


@pytest.mark.parametrize("reader", READERS)
def test_curves_and_marks_differ(reader: str) -> None:
    assert smallest_difference(COLOURS, reader) > 15
    assert smallest_difference([BLUE, ORANGE], reader) > 80
    assert min(smallest_difference([ORANGE, grey], reader) for grey in GREYS) > 45
    # What they replace: red and green are near to each other without green, red to grey without red.
    assert smallest_difference([(0, 200, 0), (230, 0, 0)], "deuteranopia") < 15


def test_wrong_pairs_have_a_cross_besides_another_colour() -> None:
    points = np.array([[40, 20]]), np.array([[40, 100]])
    grey = np.full((80, 120), 60, np.uint8)
    right, wrong = (mark_pairs(grey, *points, np.array([order])) for order in (True, False))
    for picture, colour in ((right, BLUE), (wrong, ORANGE)):
        # The line has soft borders.
        assert picture[40, 20].tolist() == list(colour) and np.abs(picture[40, 45].astype(int) - colour).max() < 40
    # The arms of the cross reach above the line; a pair that is right has the picture there.
    assert (np.abs(wrong[36, 55:66].astype(int) - ORANGE).max(axis=1) < 80).any() and (right[36, 55:66] == 60).all()
