# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The bar beside a coloured map that says which colour is which value, in metres or in a map's own numbers."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from .charts import linear_ticks, load_font, number_text
from .colour_tables import DEFAULT_COLOUR_MAP, colour_table
from .encode import as_rgb


WHITE, INK = (255, 255, 255), (40, 40, 40)
# Of the picture's height, within limits that can be read.
TEXT_SHARE, SMALLEST_TEXT, LARGEST_TEXT = 1 / 28, 11, 48
SMALLEST_HEIGHT = 120
# Depths that are written, from near to far: of each power of ten these.
STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
METRES, DISPARITY = "metres", "disparity, no unit; larger is nearer"


def add_legend(
    picture: np.ndarray, minimum: float, maximum: float, name: str = DEFAULT_COLOUR_MAP, *, is_depth: bool
) -> np.ndarray:
    """Put a bar of the colours with numbers to the right of a coloured map, near above.

    Args:
        picture: uint8 (H, W, 3) RGB, as `colour_map` makes it of disparity, or of 1 / depth.
        minimum: disparity of the first colour, 1/m for depth.
        maximum: disparity of the last colour.
        name: of the colours.
        is_depth: whether the numbers are to be metres, which are then in unequal distances, as the colours are.

    Returns:
        uint8 (H or 120, W + bar, 3); low pictures get white below.

    Raises:
        ValueError: another picture, or no such colours.
    """
    picture = as_rgb(picture)
    height = max(picture.shape[0], SMALLEST_HEIGHT)
    text = min(LARGEST_TEXT, max(SMALLEST_TEXT, round(height * TEXT_SHARE)))
    font, gap = load_font(text), max(4, text // 2)
    top, bottom, thickness = gap + text // 2, height - gap - text // 2 - 1, 2 * text
    ticks = _ticks(minimum, maximum, is_depth, room=(bottom - top) / (1.6 * text))
    words = [(share, f"{number_text(value)} m" if is_depth else number_text(value)) for share, value in ticks]
    label = METRES if is_depth else DISPARITY
    text_width = max((math.ceil(font.getlength(word)) for _, word in words), default=0)
    width = 4 * gap + thickness + text_width + round(1.5 * text)
    canvas = np.full((height, picture.shape[1] + width, 3), WHITE, dtype=np.uint8)
    canvas[: picture.shape[0], : picture.shape[1]] = picture
    left = picture.shape[1] + gap
    rows = np.linspace(255, 0, bottom - top + 1)
    canvas[top : bottom + 1, left : left + thickness] = colour_table(name)[np.rint(rows).astype(int)][:, None]
    drawn = Image.fromarray(canvas)
    draw = ImageDraw.Draw(drawn)
    for share, word in words:
        row = bottom - share * (bottom - top)
        draw.line((left + thickness, row, left + thickness + gap // 2, row), INK, max(1, text // 12))
        draw.text((left + thickness + gap, row), word, INK, font=font, anchor="lm")
    _draw_upwards(drawn, label, text, right=canvas.shape[1] - gap // 2)
    return np.asarray(drawn)


def _ticks(minimum: float, maximum: float, is_depth: bool, room: float) -> list[tuple[float, float]]:
    """Return (share of the bar from below, number) of the numbers, so many as there is room for."""
    if not maximum > minimum:
        return [(0.5, 1 / maximum if is_depth and maximum > 0 else maximum)] if maximum or not is_depth else []
    if not is_depth:
        return [((tick - minimum) / (maximum - minimum), tick) for tick in linear_ticks(minimum, maximum)]
    nearest, farthest = 1 / maximum, 1 / minimum if minimum > 0 else 100 / maximum
    powers = range(math.floor(math.log10(nearest)) - 1, math.ceil(math.log10(farthest)) + 1)
    depths = [step * 10.0**power for power in powers for step in STEPS]
    shares = [((1 / depth - minimum) / (maximum - minimum), depth) for depth in depths if nearest <= depth <= farthest]
    ticks: list[tuple[float, float]] = []
    for share, depth in shares:
        if not ticks or ticks[-1][0] - share >= 1 / max(room, 1):
            ticks.append((share, depth))
    # Between ends that are close to one another there may be no two round numbers.
    ends = [(1.0, float(f"{nearest:.3g}")), (0.0, float(f"{farthest:.3g}"))]
    return ticks if len(ticks) > 1 else ends


def _draw_upwards(picture: Image.Image, label: str, text: int, right: int) -> None:
    """Write a line upwards, as small as its length needs, in the middle of the picture's height."""
    length = load_font(text).getlength(label)
    font = load_font(max(8, min(text, math.floor(text * picture.height * 0.95 / length))))
    size = (math.ceil(font.getlength(label)), math.ceil(font.size * 1.3))
    line = Image.new("RGB", size, WHITE)
    ImageDraw.Draw(line).text((0, size[1] / 2), label, INK, font=font, anchor="lm")
    line = line.transpose(Image.Transpose.ROTATE_90)
    picture.paste(line, (right - line.width, max(0, (picture.height - line.height) // 2)))
