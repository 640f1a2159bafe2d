# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw what tiles show at their borders, magnified: a single pass, tiles put side by side, and `predict_tiled`.

    python benchmarks/tile_seams.py runs/quickstart/teacher renders/images/000002.png seams.jpg --tile_size 259

Below each map stands a part of it, two tiles wide, around the corner of tiles whose neighbours differ most where they
are put side by side without any alignment; ticks on its frame say where tiles end. Those of a row or column that
overlap are cut in the middle of what they share. Each part has colours of its own range.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.layout import TileLayout
from depth_anything_hf.visualization import colour_map, encode_jpeg, encode_png, sheet


TICK_PIXELS = 10
FRAME_PIXELS = 12


def borders(layout: TileLayout, size: tuple[int, int]) -> list[list[int]]:
    """Return the rows, then the columns, in the middle of what two tiles share."""
    tiles = list(layout.tiles(*size))
    spans = ({(tile.top, tile.height) for tile in tiles}, {(tile.left, tile.width) for tile in tiles})
    return [
        [(first + length + second) // 2 for (first, length), (second, _) in pairwise(each)]
        for each in map(sorted, spans)
    ]


def side_by_side_tiles(predictor: DepthPredictor, image: np.ndarray, layout: TileLayout) -> np.ndarray:
    """Predict each tile by itself, float32 (H, W), as it comes."""
    size = (image.shape[0], image.shape[1])
    ends = [[0, *each, length] for each, length in zip(borders(layout, size), size, strict=True)]
    joined, tiles = np.empty(size, np.float32), iter(layout.tiles(*size))
    for top, bottom in pairwise(ends[0]):
        for left, right in pairwise(ends[1]):
            tile = next(tiles)
            values = predictor.predict(np.ascontiguousarray(image[tile.box]))
            inside = values[top - tile.top : bottom - tile.top, left - tile.left : right - tile.left]
            joined[top:bottom, left:right] = inside
    return joined


def worst_corner(values: np.ndarray, rows: list[int], columns: list[int], reach: int) -> tuple[int, int]:
    """Return the corner of four tiles across whose borders the values step most."""

    def step(row: int, column: int) -> float:
        down, across = slice(max(0, row - reach), row + reach), slice(max(0, column - reach), column + reach)
        return float(
            np.abs(values[row, across] - values[row - 1, across]).mean()
            + np.abs(values[down, column] - values[down, column - 1]).mean()
        )

    return max(((row, column) for row in rows for column in columns), key=lambda place: step(*place))


def with_ticks(part: np.ndarray, rows: list[int], columns: list[int]) -> np.ndarray:
    """Frame a part, with ticks at these places, from 0 to 1 of its sides."""
    framed: np.ndarray = np.pad(
        part, ((FRAME_PIXELS, FRAME_PIXELS), (FRAME_PIXELS, FRAME_PIXELS), (0, 0)), constant_values=255
    )
    for places, axis in ((rows, 0), (columns, 1)):
        for place in places:
            for edge in (slice(0, TICK_PIXELS), slice(framed.shape[1 - axis] - TICK_PIXELS, None)):
                box = [edge, edge]
                box[axis] = slice(FRAME_PIXELS + place - 1, FRAME_PIXELS + place + 1)
                framed[tuple(box)] = 0
    return framed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path, help=".jpg or .png")
    parser.add_argument("--tile_size", type=int, default=259, help="pixels of the picture")
    parser.add_argument("--height", type=int, default=300, help="of each map in the figure")
    arguments = parser.parse_args()
    predictor = DepthPredictor.from_pretrained(arguments.model, batch_size=4)
    image = read_image(arguments.picture)
    size, layout = (image.shape[0], image.shape[1]), TileLayout.make(arguments.tile_size, None, predictor.input_size)
    rows, columns = borders(layout, size)
    if not rows or not columns:
        parser.error(f"a picture of {size[1]} x {size[0]} has no corner of four tiles of {arguments.tile_size}")
    pasted = side_by_side_tiles(predictor, image, layout)
    maps = [predictor.predict(image), pasted, predictor.predict_tiled(image, tile_size=arguments.tile_size)]
    reach = arguments.tile_size
    top, left = (place - reach for place in worst_corner(pasted, rows, columns, reach // 2))
    top, left = (int(np.clip(start, 0, length - 2 * reach)) for start, length in zip((top, left), size, strict=True))
    box = (slice(top, top + 2 * reach), slice(left, left + 2 * reach))
    scale, inner = arguments.height / (2 * reach), arguments.height
    ticks = [
        [round((place - start) * scale) for place in each if 0 < place - start < 2 * reach]
        for each, start in ((rows, top), (columns, left))
    ]

    wholes = [image, *(colour_map(each) for each in maps)]
    parts = [
        with_ticks(cv2.resize(part, (inner, inner), interpolation=cv2.INTER_AREA), *ticks)
        for part in (image[box], *(colour_map(each[box]) for each in maps))
    ]
    figure = sheet([wholes, parts], arguments.height)
    encode = encode_png if arguments.out.suffix == ".png" else encode_jpeg
    arguments.out.write_bytes(encode(figure))
    print(f"{arguments.out}: columns {left} to {left + 2 * reach}, rows {top} to {top + 2 * reach}")


if __name__ == "__main__":
    main()
