# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Levels, largest values and cut parts of labels."""

from __future__ import annotations

import numpy as np
import pytest
from checked_scenes import scene

from depth_anything_hf.data.checks.label_values import cut_part, largest_value, levels_of


def test_levels_are_found_where_all_values_are_multiples_up_to_255():
    depth = scene(0)[1]
    assert levels_of(depth) is None
    count, step = levels_of(np.rint(depth / depth.max() * 255) * (depth.max() / 255))
    assert 20 < count <= 255 and step == pytest.approx(depth.max() / 255, rel=1e-3)
    # A wall in whole millimetres has few levels, and each could have been another.
    wall = np.linspace(1.0, 1.2, 19200).reshape(120, 160)
    assert levels_of(np.rint(wall * 1000) / 1000) is None


def test_the_largest_value_is_told_with_what_it_is_in_the_file_and_where():
    depth = scene(0)[1] * np.random.default_rng(0).normal(1, 1e-3, (120, 160))
    assert largest_value(depth, None) is None
    sky = depth.copy()
    sky[:30] = 65.535
    stored = np.rint(sky * 1000).astype(np.uint16)
    found = largest_value(sky, stored)
    assert found.is_above and found.stored == 65535 and found.share == pytest.approx(0.25)
    assert found.next == pytest.approx(depth[30:].max())
    holes = depth.copy()
    holes[::9, ::7] = 100
    assert not largest_value(holes, None).is_above


def test_a_part_that_was_cut_off_ends_in_a_straight_line():
    depth = scene(0)[1]
    assert cut_part(depth) is None
    half = depth.copy()
    half[:, 80:] = np.nan
    assert cut_part(half) == ("right", 0.5)
    # Sky without a value ends in a rugged line, and a laser sees few pixels.
    rugged = depth.copy()
    for column in range(160):
        rugged[: 40 + column % 40, column] = np.nan
    assert cut_part(rugged) is None
    laser = np.full_like(depth, np.nan)
    laser[60::5, ::4] = depth[60::5, ::4]
    assert cut_part(laser) is None
