# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the tiles of a picture lie, and how much each counts at every pixel."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...utils.option_errors import OptionError


SMALLEST_TILE = 28
# By default, neighbours share this part of a tile's side.
DEFAULT_OVERLAP_SHARE = 0.25
LARGEST_OVERLAP_SHARE = 0.5


@dataclass(frozen=True)
class Tile:
    """A rectangle of a picture, in pixels.

    Attributes:
        top: first row.
        left: first column.
        height: rows.
        width: columns.
        down: weight of each row, float32 (height,).
        across: weight of each column, float32 (width,); those of all tiles at a pixel sum to one.
    """

    top: int
    left: int
    height: int
    width: int
    down: np.ndarray
    across: np.ndarray

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class TileLayout:
    """The size of tiles and how far neighbours overlap.

    Attributes:
        tile_size: side of a tile, pixels of the picture.
        overlap: pixels that neighbours share at least.

    Raises:
        OptionError: no whole numbers, a tile smaller than `SMALLEST_TILE`, or an overlap that is not at least one
            pixel and at most half of the tile.
    """

    tile_size: int
    overlap: int

    def __post_init__(self) -> None:
        _check_pixels("tile_size", self.tile_size, SMALLEST_TILE)
        _check_pixels("tile_overlap", self.overlap, 1)
        if self.overlap >= self.tile_size:
            raise OptionError(
                f"tile_overlap must be smaller than the tile, at most half of it, got {self.overlap} and tile_size "
                f"{self.tile_size}; take an overlap of {round(self.tile_size * DEFAULT_OVERLAP_SHARE)}, or a larger "
                "tile"
            )
        if self.overlap > self.tile_size * LARGEST_OVERLAP_SHARE:
            raise OptionError(
                f"tile_overlap must be at most half of the tile, {self.tile_size // 2}, got {self.overlap}; beyond "
                "that three tiles and more lie on each other, at many times the cost"
            )

    @classmethod
    def make(cls, tile_size: int | None, overlap: int | None, input_size: int | None) -> TileLayout:
        """Take the tiles that are asked for; None: tiles of the model's size, a quarter of which overlaps.

        Raises:
            OptionError: see above, or no size of the model either.
        """
        if tile_size is None and input_size is None:
            raise OptionError("this model keeps the size of images; give tile_size, the side of a tile in pixels")
        chosen = input_size if tile_size is None else tile_size
        _check_pixels("tile_size", chosen, SMALLEST_TILE)
        assert chosen is not None
        return cls(chosen, round(chosen * DEFAULT_OVERLAP_SHARE) if overlap is None else overlap)

    def tiles(self, height: int, width: int) -> Iterator[Tile]:
        """Yield the tiles of a picture by rows; a side that is shorter than a tile is one tile's.

        They are spread evenly, so that neighbours may share more than `overlap`.
        """
        rows, columns = (_intervals(length, self.tile_size, self.overlap) for length in (height, width))
        for top, down in rows:
            for left, across in columns:
                yield Tile(top, left, len(down), len(across), down, across)

    def count(self, height: int, width: int) -> int:
        """Return the number of tiles of a picture."""
        return math.prod(len(_starts(length, self.tile_size, self.overlap)) for length in (height, width))


def _check_pixels(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise OptionError(f"{name} must be a whole number of at least {least} pixels, got {value!r}")


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    if tile >= length:
        return [0]
    steps = math.ceil((length - tile) / (tile - overlap))
    return [round(step * (length - tile) / steps) for step in range(steps + 1)]


def _intervals(length: int, tile: int, overlap: int) -> list[tuple[int, np.ndarray]]:
    """Return the first pixel of each tile along one side, and the weights of its pixels, which sum to one."""
    starts = _starts(length, tile, overlap)
    size = min(tile, length)
    weights = []
    for index, start in enumerate(starts):
        weight = np.ones(size)
        if index:
            ramp = _rise(starts[index - 1] + size - start)
            weight[: len(ramp)] *= ramp
        if index + 1 < len(starts):
            ramp = _rise(start + size - starts[index + 1])
            weight[size - len(ramp) :] *= ramp[::-1]
        weights.append(weight)
    total = np.zeros(length)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + size] += weight
    return [
        (start, (weight / total[start : start + size]).astype(np.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]


def _rise(length: int) -> np.ndarray:
    """Return a smooth rise from 0 to 1 without kinks at its ends: 3 x^2 - 2 x^3."""
    place = (np.arange(length) + 0.5) / length
    rise: np.ndarray = place * place * (3 - 2 * place)
    return rise
