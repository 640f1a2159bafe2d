# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Colours of the frames of a video, fast, with the bar that says which colour is which value."""

from __future__ import annotations

import cv2
import numpy as np

from ...geometry.disparity import depth_to_disparity
from ...visualization.colour_maps import colour_map
from ...visualization.colour_tables import colour_table
from ...visualization.legend import add_legend


GAP = 4


class FrameColours:
    """Colour the maps of one video.

    Args:
        name: of the colours, as in `colour_table`.
        kind: "disparity" or "depth".
        legend: whether a bar with numbers is put beside.
        ends: limits that are fixed, for depth 1 / metres; None: those of the frames.
    """

    def __init__(
        self, name: str, kind: str, *, legend: bool = False, ends: tuple[float | None, float | None] = (None, None)
    ) -> None:
        self._name, self._kind, self._legend, self._ends = name, kind, legend, ends
        # OpenCV wants (256, 1, 3).
        self._table = np.ascontiguousarray(colour_table(name)[:, None])
        self._bars: dict[tuple[str, str, int], np.ndarray] = {}
        self._bar_width: int | None = None

    def __call__(self, values: np.ndarray, limits: tuple[float, float], image: np.ndarray | None = None) -> np.ndarray:
        """Return the colours of a map, behind the frame where that is given, and the bar.

        Args:
            values: float32 (H, W).
            limits: disparity of the first and the last colour.
            image: uint8 (H, W, 3).

        Returns:
            uint8 (H, W, 3), wider by frame and bar; low ones are higher with a bar.
        """
        low, high = (given if end is None else end for given, end in zip(limits, self._ends, strict=True))
        high = max(low, high)
        colours = self._colour(values, low, high)
        if image is not None:
            white = np.full((image.shape[0], GAP, 3), 255, dtype=np.uint8)
            colours = np.hstack([image, white, colours])
        return self._with_bar(colours, low, high) if self._legend else colours

    def _colour(self, values: np.ndarray, low: float, high: float) -> np.ndarray:
        disparity = depth_to_disparity(values) if self._kind == "depth" else values
        if not (high > low and np.isfinite(disparity).all()):
            return colour_map(disparity, low, high, name=self._name)
        share = (disparity - np.float32(low)) * np.float32(255 / (high - low))
        share += np.float32(0.5)
        codes = np.clip(share, 0, 255).astype(np.uint8)
        return cv2.applyColorMap(codes, self._table)

    def _with_bar(self, colours: np.ndarray, low: float, high: float) -> np.ndarray:
        height = colours.shape[0]
        # Numbers that read alike have one bar: to draw it takes longer than to colour a frame.
        key = (f"{low:.2e}", f"{high:.2e}", height)
        if key not in self._bars:
            narrow = np.full((height, 1, 3), 255, dtype=np.uint8)
            shown = float(key[0]), float(key[1])
            bar = add_legend(narrow, *shown, self._name, is_depth=self._kind == "depth")[:, 1:]
            if self._bar_width is None:
                # Room for longer numbers, which other frames may have.
                self._bar_width = bar.shape[1] * 5 // 4
            self._bars = {key: _to_width(bar, self._bar_width)}
        bar = self._bars[key]
        below = bar.shape[0] - height
        padded = np.pad(colours, ((0, below), (0, 0), (0, 0)), constant_values=255) if below > 0 else colours
        return np.hstack([padded, bar])


def _to_width(bar: np.ndarray, width: int) -> np.ndarray:
    if bar.shape[1] > width:
        return cv2.resize(bar, (width, bar.shape[0]), interpolation=cv2.INTER_AREA)
    return np.pad(bar, ((0, 0), (0, width - bar.shape[1]), (0, 0)), constant_values=255)
