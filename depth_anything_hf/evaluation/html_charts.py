# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Curves and intervals as inline SVG for the report page; the page's style gives the colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from .html_report import SERIES_COLOURS, Html


WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 54, 20, 20, 42
# Of a letter of a row's name, on the wide side.
NAME_PIXELS = 6.2


def line_chart(
    series: Mapping[str, tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]],
    *,
    title: str,
    x_label: str = "step",
    y_label: str = "",
    logarithmic: bool = False,
    max_points: int = 600,
) -> Html:
    """Draw curves as inline SVG with ticks and a legend.

    Args:
        series: name to (x, y), equally long. Points that are not finite, or not positive on a logarithmic axis, break
            the line.
        title: caption above.
        x_label: horizontal axis.
        y_label: vertical axis.
        logarithmic: logarithmic vertical axis.
        max_points: longer curves are thinned to this many evenly picked points.

    Raises:
        ValueError: x and y of a series differ in length.
    """
    curves = {name: _thin(name, x, y, logarithmic, max_points) for name, (x, y) in series.items()}
    points = np.concatenate([np.zeros((0, 2)), *curves.values()])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return _empty_figure(title)
    x_axis = _Axis.over(points[:, 0], LEFT, WIDTH - RIGHT, logarithmic=False, room=0.0)
    y_axis = _Axis.over(points[:, 1], HEIGHT - BOTTOM, TOP, logarithmic=logarithmic, room=0.04)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for position, label in y_axis.ticks():
        parts.append(f'<path class="grid" d="M{LEFT} {position:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{position + 4:.1f}" text-anchor="end">{label}</text>')
    for position, label in x_axis.ticks():
        parts.append(f'<path class="tick" d="M{position:.1f} {HEIGHT - BOTTOM}v4"/>')
        parts.append(f'<text x="{position:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{label}</text>')
    parts.append(f'<path class="tick" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    if y_label:
        parts.append(f'<text x="2" y="11">{escape(y_label)}</text>')
    legend = []
    for number, (name, curve) in enumerate(curves.items()):
        colour = f"s{number % SERIES_COLOURS}"
        parts += [f'<path class="curve {colour}" d="{d}"/>' for d in _line_pieces(curve, x_axis, y_axis)]
        legend.append(f'<span><i class="{colour}"></i>{escape(name)}</span>')
    return _figure(title, parts, f'<span class="legend">{"".join(legend)}</span>')


def histogram(
    values: Sequence[float] | np.ndarray, *, title: str, x_label: str = "", mark: float | None = None, bins: int = 40
) -> Html:
    """Draw how many values lie where, as inline SVG, with a line at one value.

    Args:
        values: those that are not finite are left out.
        title: caption above.
        x_label: horizontal axis.
        mark: value of the line, which the text for screen readers tells too; None draws none.
        bins: of equal width.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return _empty_figure(title)
    counts, edges = np.histogram(known, bins=bins)
    reach = np.array([edges[0], edges[-1], *([] if mark is None else [mark])])
    x_axis = _Axis.over(reach, LEFT, WIDTH - RIGHT, logarithmic=False, room=0.0)
    y_axis = _Axis.over(np.array([0.0, float(counts.max())]), HEIGHT - BOTTOM, TOP, logarithmic=False, room=0.0)
    above = "" if mark is None else f"; {int((known > mark).sum())} above the line at {mark:.4g}"
    text = f"{title}: {known.size} values from {known.min():.4g} to {known.max():.4g}{above}"
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(text)}">']
    for position, label in y_axis.ticks():
        parts.append(f'<path class="grid" d="M{LEFT} {position:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{position + 4:.1f}" text-anchor="end">{label}</text>')
    for position, label in x_axis.ticks():
        parts.append(f'<text x="{position:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{label}</text>')
    lefts, tops = x_axis.pixels(edges), y_axis.pixels(counts.astype(np.float64))
    for number in np.flatnonzero(counts):
        width = max(1.0, lefts[number + 1] - lefts[number] - 0.5)
        height = max(1.0, HEIGHT - BOTTOM - tops[number])
        place = f'x="{lefts[number]:.1f}" y="{HEIGHT - BOTTOM - height:.1f}"'
        parts.append(f'<rect class="s0" fill="currentColor" {place} width="{width:.1f}" height="{height:.1f}"/>')
    if mark is not None:
        (position,) = x_axis.pixels([mark])
        parts.append(f'<path class="curve s1" d="M{position:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{position - 4:.1f}" y="{TOP + 4}" text-anchor="end">{mark:.4g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    return _figure(title, parts)


class Interval(NamedTuple):
    """A row of `interval_chart`: name, value, ends of its interval, and whether it is emphasized."""

    name: str
    value: float
    low: float
    high: float
    is_strong: bool = False


def interval_chart(rows: Sequence[Interval], *, title: str, x_label: str = "") -> Html:
    """Draw values with their intervals beside their names, over a line at 0, as inline SVG (a forest plot).

    Args:
        rows: from above to below; those that are not finite are left out. Strong ones are drawn in full colour.
        title: caption above.
        x_label: horizontal axis.
    """
    rows = [row for row in rows if all(map(math.isfinite, row[1:4]))]
    if not rows:
        return _empty_figure(title)
    left = 20 + math.ceil(NAME_PIXELS * max(len(row.name) for row in rows))
    row_pixels, width = 22, left + 390
    bottom = TOP + row_pixels * len(rows)
    ends = np.array([[row.low, row.high, 0.0] for row in rows])
    axis = _Axis.over(ends.ravel(), left, width - RIGHT, logarithmic=False, room=0.03)
    parts = [f'<svg viewBox="0 0 {width} {bottom + BOTTOM}" style="max-width:860px" role="img"']
    parts.append(f' aria-label="{escape(title)}">')
    for position, label in axis.ticks():
        parts.append(f'<path class="grid" d="M{position:.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text x="{position:.1f}" y="{bottom + 17}" text-anchor="middle">{label}</text>')
    zero, *_ = axis.pixels([0.0])
    parts.append(f'<path class="tick" d="M{zero:.1f} {TOP}V{bottom}"/>')
    for number, row in enumerate(rows):
        y = TOP + row_pixels * (number + 0.5)
        value, low, high = axis.pixels([row.value, row.low, row.high])
        colour = "s0" if row.is_strong else "weak"
        parts.append(f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(row.name)}</text>')
        parts.append(f'<g class="{colour}"><path class="curve" d="M{low:.1f} {y:.1f}H{high:.1f}"/>')
        parts.append(f'<circle cx="{value:.1f}" cy="{y:.1f}" r="4" fill="currentColor"/></g>')
    middle = (left + width - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{bottom + BOTTOM - 6}" text-anchor="middle">{escape(x_label)}</text>')
    return _figure(title, parts)


def _empty_figure(title: str) -> Html:
    return Html(f"<figure><figcaption>{escape(title)}</figcaption><p>No finite values.</p></figure>")


def _figure(title: str, svg: Sequence[str], legend: str = "") -> Html:
    """Return a chart with its caption; the markup lacks its last tag, which closes the drawing."""
    caption = f"<figcaption>{escape(title)}{legend}</figcaption>"
    return Html(f'<figure class="chart">{caption}{"".join(svg)}</svg></figure>')


class _Axis(NamedTuple):
    """Map values from `low` to `high` (logarithms of them on a logarithmic axis) to pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    @classmethod
    def over(cls, values: np.ndarray, start: float, end: float, *, logarithmic: bool, room: float) -> _Axis:
        values = np.log10(values) if logarithmic else values
        low, high = float(values.min()), float(values.max())
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            margin = 0.5 if logarithmic else abs(low) / 2 or 1.0
        else:
            margin = room * (high - low)
        return cls(low - margin, high + margin, start, end, logarithmic)

    def pixels(self, values: np.ndarray | list[float]) -> np.ndarray:
        scaled = np.log10(values) if self.logarithmic else np.asarray(values)
        return self.start + (scaled - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return pixel position and label of each tick."""
        low, high = (10**self.low, 10**self.high) if self.logarithmic else (self.low, self.high)
        values = _decade_ticks(low, high) if self.logarithmic else []
        values = values if len(values) >= 2 else _even_ticks(low, high)
        return [(position, _tick_label(value)) for position, value in zip(self.pixels(values), values, strict=True)]


def _even_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return [number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decade_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(decades) > 4 else (1, 2, 5)
    ticks = [factor * 10.0**decade for decade in decades for factor in factors]
    ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
    return ticks[:: math.ceil(len(ticks) / 9)] if ticks else []


def _tick_label(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _thin(
    name: str,
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    logarithmic: bool,
    max_points: int,
) -> np.ndarray:
    if len(x) != len(y):
        raise ValueError(f"series {name!r} has {len(x)} x values and {len(y)} y values")
    points = np.stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)], axis=1)
    if len(points) > max_points:
        points = points[np.linspace(0, len(points) - 1, max_points).round().astype(int)]
    bad = ~np.isfinite(points).all(axis=1) | ((points[:, 1] <= 0) if logarithmic else False)
    points[bad] = math.nan
    return points


def _line_pieces(curve: np.ndarray, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    """Return SVG paths of the stretches between broken points; a lone point becomes a dot by its round line cap."""
    pieces = []
    for stretch in np.split(curve, np.flatnonzero(np.isnan(curve[:, 0]))):
        stretch = stretch[~np.isnan(stretch[:, 0])]
        if len(stretch):
            positions = zip(x_axis.pixels(stretch[:, 0]), y_axis.pixels(stretch[:, 1]), strict=True)
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in positions)
            pieces.append(f"M{path}" + ("h0" if len(stretch) == 1 else ""))
    return pieces
