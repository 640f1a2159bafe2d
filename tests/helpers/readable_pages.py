# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What keeps people from reading a page without a mouse or without eyes; colours as colour-blind readers see them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser

import numpy as np


# Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113), full severity, on linear RGB.
_SEEN = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
READERS = ("all colours", *_SEEN)
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])
_SCROLLING = ("scroll", "pictures")


def _linear(colours: np.ndarray | Sequence[float]) -> np.ndarray:
    shares = np.asarray(colours, dtype=np.float64) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def lab(colours: np.ndarray | Sequence[float], reader: str = "all colours") -> np.ndarray:
    """Return CIE L*a*b* of sRGB colours (..., 3) from 0 to 255, as a reader sees them."""
    seen = _linear(colours)
    if reader in _SEEN:
        seen = np.clip(seen @ np.array(_SEEN[reader]).T, 0, 1)
    parts = seen @ _TO_XYZ.T / _WHITE
    x, y, z = np.moveaxis(np.where(parts > 0.008856, np.cbrt(parts), 7.787 * parts + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def smallest_difference(colours: Iterable[Sequence[float]], reader: str) -> float:
    """Return the smallest difference (CIE 1976) of two of the colours to a reader; 2.3 is just seen."""
    seen = [lab(colour, reader) for colour in colours]
    return min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(seen, 2))


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the contrast of two sRGB colours by WCAG 2.2: 1 to 21; text needs 4.5, lines need 3."""
    dark, light = sorted(float(_linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.titles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if has.get("id"):
            self.ids.append(str(has["id"]))
        if tag == "html" and not has.get("lang"):
            self.problems.append("the page names no language")
        if tag == "img" and not (has.get("alt") or "").strip():
            self.problems.append(f"a picture has no text: {(has.get('src') or '')[:60]}")
        has_name = has.get("role") == "img" and (has.get("aria-label") or has.get("aria-labelledby") or "").strip()
        if tag == "svg" and has.get("aria-hidden") != "true" and not has_name:
            self.problems.append("a drawing has no text")
        if tag == "th" and has.get("scope") not in ("row", "col"):
            self.problems.append("a heading of a table does not say of what")
        if (tag == "pre" or has.get("class") in _SCROLLING) and has.get("tabindex") != "0":
            self.problems.append(f"<{tag} class={has.get('class')}> scrolls, and the keyboard does not reach it")
        if has.get("tabindex") == "0" and tag == "div" and not (has.get("role") and has.get("aria-label")):
            self.problems.append("a place that the keyboard reaches has no name")
        if tag == "a" and (has.get("href") or "").startswith("#"):
            self.targets.append(str(has["href"])[1:])
        if tag in ("h1", "h2", "h3", "h4"):
            level = int(tag[1])
            if level > (self.headings[-1] if self.headings else 0) + 1:
                self.problems.append(f"<{tag}> follows {self.headings[-1:]}")
            self.headings.append(level)
        self.titles += tag == "title"


def problems_of(page: str) -> list[str]:
    """Return what is wrong with a page for readers who cannot see it or have no mouse; empty: nothing."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    problems = reader.problems
    if reader.headings.count(1) != 1 or reader.titles != 1:
        problems.append(f"{reader.headings.count(1)} first headings and {reader.titles} titles, expected one of each")
    problems += [f"the id {name} is there twice" for name in set(reader.ids) if reader.ids.count(name) > 1]
    problems += [f"no place for the link #{name}" for name in reader.targets if name not in reader.ids]
    return problems


__all__ = ["READERS", "contrast", "lab", "problems_of", "smallest_difference"]
