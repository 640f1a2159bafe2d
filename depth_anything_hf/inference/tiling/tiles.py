# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Large pictures by overlapping tiles, each aligned to a coarser map of the whole, and blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import cv2
import numpy as np

from .layout import Tile, TileLayout
from .local_alignment import fit_to_reference, from_domain, sample_map, to_domain
from .part_passes import Part, PartPredictor, predict_parts


# Cells along a tile's side in which it is compared with the coarser map.
FEWEST_CELLS, MOST_CELLS = 12, 64
# A picture is shrunk by averaging to so many times the model's size before the processor, which does not average,
# resizes it: without that a large picture turns to noise.
SHRUNK_TO = 2
# Between the sizes of two levels.
LEVEL_RATIO = 2


def predict_tiled(
    predictor: PartPredictor,
    image: np.ndarray,
    layout: TileLayout,
    on_part: Callable[[int, int], object] | None = None,
) -> np.ndarray:
    """Predict a picture by tiles, from the whole picture over coarser tiles to those of the layout.

    Each level doubles the resolution: its tiles are aligned to the level before, whose pixels are two of its own, and
    blended with smooth weights. What two neighbours disagree about thus never shows as a line.

    Args:
        predictor: whose passes run.
        image: uint8 (H, W, 3); one of a single tile is predicted as without tiles.
        layout: of the tiles.
        on_part: is called after each pass with the number of those done and of all.

    Returns:
        float32 (H, W): disparity in the scale and shift of the pass over the whole picture, or metres.

    Raises:
        RuntimeError: a tile cannot be predicted.
    """
    if layout.count(*image.shape[:2]) == 1:
        return predictor.predict(image)
    done, passes = count(1), count_passes((image.shape[0], image.shape[1]), layout)

    def tell() -> None:
        if on_part is not None:
            on_part(next(done), passes)

    kind = predictor.prediction_kind
    side = layout.tile_size if predictor.input_size is None else predictor.input_size
    most = side * (1 if predictor.input_size is None else SHRUNK_TO)
    (whole,) = predict_parts(predictor, [("the whole picture", lambda: shrink(image, most / min(image.shape[:2])))])
    tell()
    reference = to_domain(whole, kind)
    floor, spread = min(0.0, float(whole.min())), float(reference.std())
    for factor in _factors(image.shape[:2], layout):
        level = shrink(image, 1 / factor)
        reference = _predict_level(predictor, level, layout, reference, spread, tell)
    if kind == "disparity":
        # Disparity below zero is behind infinity.
        np.maximum(reference, floor, out=reference)
        return reference
    return from_domain(reference, kind)


def count_passes(size: tuple[int, int], layout: TileLayout) -> int:
    """Return how many images the model sees for a picture of a size (height, width)."""
    if layout.count(*size) == 1:
        return 1
    levels = (_shrunk_size(size, 1 / factor) for factor in _factors(size, layout))
    return 1 + sum(layout.count(*each) for each in levels)


def shrink(image: np.ndarray, factor: float) -> np.ndarray:
    """Return a picture at `factor` of its size by averaging; the picture itself where the factor is not below 1."""
    if factor >= 1:
        return image
    height, width = _shrunk_size((image.shape[0], image.shape[1]), factor)
    shrunk: np.ndarray = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk


def _shrunk_size(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _factors(size: tuple[int, int], layout: TileLayout) -> list[int]:
    """Return by how much the picture is shrunk at each level of tiles, the coarsest first, the last by 1."""
    factors = [1]
    while min(size) / (factors[0] * LEVEL_RATIO) >= LEVEL_RATIO * layout.tile_size * 0.75:
        factors.insert(0, factors[0] * LEVEL_RATIO)
    return factors


def _predict_level(
    predictor: PartPredictor,
    image: np.ndarray,
    layout: TileLayout,
    reference: np.ndarray,
    spread: float,
    tell: Callable[[], None],
) -> np.ndarray:
    """Return the blended tiles of a picture, float32 (H, W), in the domain of the reference, which has this spread."""
    height, width = image.shape[:2]
    joined = np.zeros((height, width), dtype=np.float32)
    has_scale = predictor.prediction_kind == "disparity"
    tiles = list(layout.tiles(height, width))

    def cut(tile: Tile) -> np.ndarray:
        return np.ascontiguousarray(image[tile.box])

    def parts() -> Iterator[Part]:
        for tile in tiles:
            yield f"the tile at row {tile.top}, column {tile.left}", partial(cut, tile)

    for tile, values in zip(tiles, predict_parts(predictor, parts()), strict=True):
        found = to_domain(values, predictor.prediction_kind)
        aligned = _align(found, tile, (height, width), reference, spread, has_scale)
        aligned *= tile.across
        aligned *= tile.down[:, None]
        joined[tile.box] += aligned
        tell()
    return joined


def _align(
    found: np.ndarray, tile: Tile, size: tuple[int, int], reference: np.ndarray, spread: float, has_scale: bool
) -> np.ndarray:
    """Bring the map of a tile to the reference, at the tile's size; where it has nothing to say, take the latter."""
    ratios = [reference.shape[side] / size[side] for side in (0, 1)]
    cells = [
        int(np.clip(round(length * ratio), FEWEST_CELLS, MOST_CELLS))
        for length, ratio in zip((tile.height, tile.width), ratios, strict=True)
    ]

    def wanted(rows: int, columns: int) -> np.ndarray:
        """The reference at so many places of the tile, in the middle of cells."""
        places = [
            (start + (np.arange(number) + 0.5) * length / number) * ratio - 0.5
            for start, length, number, ratio in zip(
                (tile.top, tile.left), (tile.height, tile.width), (rows, columns), ratios, strict=True
            )
        ]
        return sample_map(reference, *places)

    coarse = cv2.resize(found, (cells[1], cells[0]), interpolation=cv2.INTER_AREA)
    fit = fit_to_reference(coarse, wanted(*cells), has_scale=has_scale, spread=spread)
    if fit is None:
        return wanted(tile.height, tile.width)
    return fit.apply(_resize(found, tile.height, tile.width))


def _resize(values: np.ndarray, height: int, width: int) -> np.ndarray:
    if values.shape == (height, width):
        return values
    is_smaller = height < values.shape[0]
    resized: np.ndarray = cv2.resize(
        values, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    )
    return resized
