# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Line charts with axes, numbers and a legend, drawn without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont


WHITE, INK, GRID, FRAME = (255, 255, 255), (40, 40, 40), (230, 230, 230), (150, 150, 150)
# Okabe and Ito's colours, which colour-blind readers tell apart, with a grey for the yellow.
COLOURS = (
    *((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)),
    *((86, 180, 233), (230, 159, 0), (90, 90, 90), (0, 0, 0)),
)
TEXT_PIXELS, TITLE_PIXELS = 13, 16
MARGIN, ROW_PIXELS, SWATCH_PIXELS = 10, 18, 20
# So many points or fewer are marked by dots, since a line alone does not show where they lie.
MARKED_POINTS = 30
MOST_TICKS = 6
DASH_PIXELS = 6
# Lines are drawn in parts of a pixel.
SHIFT = 4


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: in the legend.
        x: increasing numbers.
        y: as many; what is not finite is left out.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the finite points as two float64 arrays (N,)."""
        x, y = np.asarray(self.x, dtype=np.float64), np.asarray(self.y, dtype=np.float64)
        finite = np.isfinite(x) & np.isfinite(y)
        return x[finite], y[finite]


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_label: str = "",
    may_be_logarithmic: bool = True,
    size: tuple[int, int] = (320, 640),
) -> np.ndarray:
    """Draw curves over a common axis, with a legend where they are several.

    Args:
        curves: those without a finite point are left out, legend included.
        title: above the chart.
        x_label: below the chart.
        may_be_logarithmic: upwards, where positive values span more than a factor of 10.
        size: height and width in pixels, at least 160 x 240.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ValueError: no curve has a finite point, or the size is too small.
    """
    height, width = size
    if height < 160 or width < 240:
        raise ValueError(f"a chart needs at least 160 x 240 pixels (height x width), got {height} x {width}")
    shown = [(curve.name, *curve.points()) for curve in curves]
    shown = [(name, x, y) for name, x, y in shown if x.size]
    if not shown:
        raise ValueError(f"the chart {title!r} has no finite point to show")
    axes = _Axes.around([x for _, x, _ in shown], [y for _, _, y in shown], may_be_logarithmic)
    font, bold = load_font(TEXT_PIXELS), load_font(TITLE_PIXELS)
    y_ticks, x_ticks = axes.y_ticks(), linear_ticks(*axes.x_limits)
    left = MARGIN + 6 + max(round(font.getlength(number_text(tick))) for tick in y_ticks)
    names = [name for name, _, _ in shown]
    legend_rows = _legend_rows(names, font, width - left - MARGIN) if len(names) > 1 else []
    top = MARGIN + TITLE_PIXELS + 8 + ROW_PIXELS * len(legend_rows)
    right, bottom = width - 2 * MARGIN, height - MARGIN - TEXT_PIXELS - 8 - (ROW_PIXELS if x_label else 0)

    def place(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        across, upwards = axes.shares(x, y)
        return np.stack([left + across * (right - left), bottom - upwards * (bottom - top)], axis=1)

    canvas = np.full((height, width, 3), WHITE, dtype=np.uint8)
    for tick in y_ticks:
        ((_, row),) = place(np.array([axes.x_limits[0]]), np.array([tick]))
        cv2.line(canvas, (left, round(row)), (right, round(row)), GRID)
    for tick in x_ticks:
        ((column, _),) = place(np.array([tick]), np.array([axes.y_limits[0]]))
        cv2.line(canvas, (round(column), top), (round(column), bottom), GRID)
    cv2.rectangle(canvas, (left, top), (right, bottom), FRAME)
    for index, (_, x, y) in enumerate(shown):
        colour, points = COLOURS[index % len(COLOURS)], np.rint(place(x, y) * 2**SHIFT).astype(np.int32)
        # Where there are more curves than colours, the second round is dashed.
        lines = [points] if index < len(COLOURS) else _dashes(points)
        cv2.polylines(canvas, lines, False, colour, 2, cv2.LINE_AA, SHIFT)
        if len(points) <= MARKED_POINTS:
            for point in points:
                cv2.circle(canvas, (int(point[0]), int(point[1])), 3 << SHIFT, colour, cv2.FILLED, cv2.LINE_AA, SHIFT)

    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    draw.text((left, MARGIN), title, INK, font=bold)
    for tick in y_ticks:
        ((_, row),) = place(np.array([axes.x_limits[0]]), np.array([tick]))
        draw.text((left - 6, row), number_text(tick), INK, font=font, anchor="rm")
    for tick in x_ticks:
        ((column, _),) = place(np.array([tick]), np.array([axes.y_limits[0]]))
        # The number at the right end stays inside.
        half = font.getlength(number_text(tick)) / 2
        draw.text((min(column, width - half - 2), bottom + 6), number_text(tick), INK, font=font, anchor="mt")
    if x_label:
        draw.text(((left + right) / 2, height - MARGIN), x_label, INK, font=font, anchor="mb")
    _draw_legend(draw, legend_rows, font, left, MARGIN + TITLE_PIXELS + 8)
    return np.asarray(picture)


def _dashes(points: np.ndarray) -> list[np.ndarray]:
    """Return the dashes of a line through points (N, 2), in parts of a pixel."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    dash = DASH_PIXELS << SHIFT
    ends = (np.clip(start + np.array([0, dash]), 0, along[-1]) for start in np.arange(0, along[-1], 2 * dash))
    lines = (np.stack([np.interp(end, along, points[:, axis]) for axis in (0, 1)], axis=1) for end in ends)
    return [np.rint(line).astype(np.int32) for line in lines]


@dataclass(frozen=True)
class _Axes:
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    is_logarithmic: bool

    @classmethod
    def around(cls, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray], may_be_logarithmic: bool) -> _Axes:
        """Choose limits that hold all points, with a little room above and below."""
        x, y = np.concatenate(xs), np.concatenate(ys)
        low, high = float(y.min()), float(y.max())
        is_logarithmic = may_be_logarithmic and low > 0 and high > 10 * low
        if is_logarithmic:
            room = (high / low) ** 0.05
            limits = (low / room, high * room)
        else:
            # A constant gets room of its own size.
            room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
            limits = (low - room, high + room)
        first, last = float(x.min()), float(x.max())
        return cls((first, last) if last > first else (first - 1, last + 1), limits, is_logarithmic)

    def shares(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where values lie between the limits, 0..1 to the right and upwards."""
        low, high = self.y_limits
        if self.is_logarithmic:
            y, low, high = np.log(y), math.log(low), math.log(high)
        return (x - self.x_limits[0]) / (self.x_limits[1] - self.x_limits[0]), (y - low) / (high - low)

    def y_ticks(self) -> list[float]:
        return _logarithmic_ticks(*self.y_limits) if self.is_logarithmic else linear_ticks(*self.y_limits)


def linear_ticks(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between two numbers."""
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between two numbers, or fewer of them where they are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors, every in (((1, 2, 5), 1), ((1, 3), 1), *(((1,), each) for each in range(1, len(powers) + 1))):
        ticks = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS + 1:
            return ticks
    return []


def number_text(value: float) -> str:
    """Write a tick's number as briefly as it is exact: 0.05, 1e-05, 160,000."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e7:
        text = f"{value:,.6f}".rstrip("0").rstrip(".")
        return text if text not in ("0", "-0") else f"{value:.0e}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _legend_rows(names: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> list[list[tuple[int, str, float]]]:
    """Lay the entries of a legend out in rows of a width, each as (index, name, left edge)."""
    rows: list[list[tuple[int, str, float]]] = []
    left = math.inf
    for index, name in enumerate(names):
        needed = SWATCH_PIXELS + 5 + font.getlength(name) + 16
        if left + needed > width + 16:
            rows.append([])
            left = 0.0
        rows[-1].append((index, name, left))
        left += needed
    return rows


def _draw_legend(
    draw: ImageDraw.ImageDraw,
    rows: Sequence[Sequence[tuple[int, str, float]]],
    font: ImageFont.FreeTypeFont,
    left: int,
    top: int,
) -> None:
    for number, row in enumerate(rows):
        middle = top + number * ROW_PIXELS + ROW_PIXELS // 2 - 2
        for index, name, offset in row:
            start = left + offset
            draw.line((start, middle, start + SWATCH_PIXELS, middle), COLOURS[index % len(COLOURS)], 3)
            if index >= len(COLOURS):
                third = SWATCH_PIXELS // 3
                draw.line((start + third, middle, start + 2 * third, middle), WHITE, 3)
            draw.text((start + SWATCH_PIXELS + 5, middle), name, INK, font=font, anchor="lm")


def load_font(pixels: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font in a size.

    Raises:
        ValueError: Pillow was built without FreeType.
    """
    font = ImageFont.load_default(size=pixels)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ValueError(
            "Pillow was built without FreeType, which draws the text of charts; install Pillow from its wheel"
        )
    return font


__all__ = ["Curve", "line_chart", "linear_ticks", "load_font", "number_text"]
