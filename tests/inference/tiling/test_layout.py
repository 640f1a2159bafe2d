# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where tiles lie: they cover every pixel, and their weights sum to one and vary smoothly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from depth_anything_hf.inference.tiling.layout import TileLayout
from depth_anything_hf.utils.option_errors import OptionError


@pytest.mark.parametrize(
    ("size", "tile", "overlap"),
    [((100, 150), 40, 10), ((41, 300), 40, 20), ((30, 200), 40, 1), ((40, 40), 40, 10), ((61, 99), 60, 30)],
)
def test_weights_sum_to_one_everywhere(size: tuple[int, int], tile: int, overlap: int) -> None:
    layout = TileLayout(tile, overlap)
    total, tiles = np.zeros(size), list(layout.tiles(*size))
    for each in tiles:
        assert (each.height, each.width) == (min(tile, size[0]), min(tile, size[1]))
        assert (each.down > 0).all() and (each.across > 0).all()
        total[each.box] += each.down[:, None] * each.across
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert len(tiles) == layout.count(*size)


def test_neighbours_share_the_overlap_at_least_and_are_spread_evenly() -> None:
    lefts = sorted({tile.left for tile in TileLayout(40, 10).tiles(40, 100)})
    assert lefts == [0, 30, 60]
    assert sorted({tile.left for tile in TileLayout(40, 10).tiles(40, 101)}) == [0, 20, 41, 61]


def test_a_tile_fades_out_towards_its_neighbours_and_not_at_the_border() -> None:
    first, *_, last = TileLayout(40, 10).tiles(40, 100)
    assert first.across[0] == 1 and last.across[-1] == 1
    assert first.across[-1] < 0.01 and last.across[0] < 0.01
    assert np.abs(np.diff(first.across)).max() < 0.16
    assert (first.down == 1).all()


def test_tiles_of_the_models_size_by_default() -> None:
    assert TileLayout.make(None, None, 518) == TileLayout(518, 130)
    assert TileLayout.make(1036, None, 518) == TileLayout(1036, 259)
    assert TileLayout.make(None, 64, 518) == TileLayout(518, 64)


@pytest.mark.parametrize(
    ("tile", "overlap", "message"),
    [
        (
            100,
            100,
            "tile_overlap must be smaller than the tile, at most half of it, got 100 and tile_size 100",
        ),
        (100, 300, "tile_overlap must be smaller than the tile"),
        (100, 51, "tile_overlap must be at most half of the tile, 50, got 51"),
        (100, 0, "tile_overlap must be a whole number of at least 1 pixels, got 0"),
        (27, 4, "tile_size must be a whole number of at least 28 pixels, got 27"),
        (99.5, 4, "tile_size must be a whole number of at least 28 pixels, got 99.5"),
        (True, 4, "tile_size must be"),
    ],
)
def test_tiles_that_cannot_be_are_refused_by_name(tile: Any, overlap: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("(", r"\(")):
        TileLayout.make(tile, overlap, 518)


def test_a_model_without_a_size_needs_one_for_tiles() -> None:
    with pytest.raises(OptionError, match="this model keeps the size of images; give tile_size"):
        TileLayout.make(None, None, None)
    assert TileLayout.make(100, None, None).overlap == 25
