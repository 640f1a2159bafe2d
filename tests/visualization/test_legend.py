# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The bar beside a coloured map."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.visualization.colour_tables import colour_table
from depth_anything_hf.visualization.legend import _ticks, add_legend


def test_the_picture_stays_and_the_bar_runs_from_the_last_colour_above_to_the_first() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    shown = add_legend(picture, 0.1, 1.0, "viridis", is_depth=True)
    assert shown.shape[0] == 300 and 230 < shown.shape[1] < 330
    np.testing.assert_array_equal(shown[:, :200], picture)
    bar = shown[:, 210]
    table = colour_table("viridis")
    rows = np.flatnonzero((bar != 255).any(axis=1))
    np.testing.assert_array_equal(bar[rows[[0, -1]]], table[[255, 0]])
    # Text in ink beside it.
    assert (shown[:, 230:] < 100).all(axis=2).any()


@pytest.mark.parametrize(("low", "high"), [(0.1, 1.0), (0.0, 0.5), (0.2, 0.21), (0.001, 5.0)])
def test_metres_stand_where_their_colours_are(low: float, high: float) -> None:
    ticks = _ticks(low, high, is_depth=True, room=12)
    assert len(ticks) >= 2
    for share, depth in ticks:
        assert low + share * (high - low) == pytest.approx(1 / depth, rel=0.01) and 0 <= share <= 1.001
    assert (np.diff([share for share, _ in ticks]) < 0).all()


def test_disparity_has_plain_numbers_and_flat_maps_one() -> None:
    assert [tick for _, tick in _ticks(-2.0, 8.0, is_depth=False, room=12)] == pytest.approx([-2, 0, 2, 4, 6, 8])
    assert _ticks(0.5, 0.5, is_depth=True, room=9) == [(0.5, 2.0)]
    assert _ticks(0.0, 0.0, is_depth=True, room=9) == []
    for size in ((1, 1), (30, 3000), (2000, 40)):
        assert add_legend(np.zeros((*size, 3), np.uint8), 0.0, 0.0, is_depth=True).shape[0] == max(120, size[0])
