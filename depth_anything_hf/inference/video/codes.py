# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps of a video as 16-bit codes: one range for as long as the values fit into it, and how codes become values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ...visualization.colour_maps import LARGEST_CODE, from_uint16


FORMULA = "minimum + (code - 1) / 65534 * (maximum - minimum); code 0 has no value"
# Room on both sides of the values of a frame that a range is made for, in its span: later frames differ.
ROOM = 0.25
SMALLEST_SPAN = 1e-6


class Range(NamedTuple):
    """A range of codes.

    Attributes:
        first_frame: from which frame on it holds.
        minimum, maximum: values of the codes 1 and 65535.
    """

    first_frame: int
    minimum: float
    maximum: float


class CodeRanges:
    """Ranges of the codes of a video: a frame whose values do not fit begins a wider one.

    Nothing is clipped, whatever comes, and no pass before is needed.

    Args:
        ranges: those of the frames before.
    """

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self.ranges = [Range(int(first), float(low), float(high)) for first, low, high in ranges]

    @classmethod
    def of_clip(cls, minimum: float, maximum: float) -> CodeRanges:
        """Return the one range of a clip whose extremes are known."""
        return cls([Range(0, minimum, max(maximum, minimum + SMALLEST_SPAN))])

    @property
    def step(self) -> float:
        """The widest distance of two codes, in units of the values; 0 without a range."""
        return max((maximum - minimum for _, minimum, maximum in self.ranges), default=0.0) / (LARGEST_CODE - 1)

    def encode(self, index: int, values: np.ndarray, kind: str) -> np.ndarray:
        """Return the codes of the next frame.

        Args:
            index: of the frame.
            values: float32 (H, W); what is not finite, and depth that is not positive, has no value.
            kind: "disparity" or "depth".

        Returns:
            uint16 (H, W).
        """
        has_value = np.isfinite(values)
        if kind == "depth":
            has_value &= values > 0
        has_all = bool(has_value.all())
        known = values if has_all else values[has_value]
        if not known.size:
            return np.zeros(values.shape, dtype=np.uint16)
        low, high = float(known.min()), float(known.max())
        if not self.ranges or low < self.ranges[-1].minimum or high > self.ranges[-1].maximum:
            self._widen(index, low, high, kind)
        _, minimum, maximum = self.ranges[-1]
        steps = (values - np.float32(minimum)) * np.float32((LARGEST_CODE - 1) / (maximum - minimum))
        # Half a step above, so that the fraction that is cut off rounds; 1 is the smallest code.
        steps += np.float32(1.5)
        codes: np.ndarray = np.clip(np.nan_to_num(steps, copy=False), 1, LARGEST_CODE).astype(np.uint16)
        if not has_all:
            codes[~has_value] = 0
        return codes

    def _widen(self, index: int, low: float, high: float, kind: str) -> None:
        room = max(ROOM * (high - low), SMALLEST_SPAN, 1e-6 * abs(high))
        below, above = low - room, high + room
        if kind == "depth":
            below = max(0.0, below)
        if self.ranges:
            before = self.ranges[-1]
            below = before.minimum if low >= before.minimum else below
            above = before.maximum if high <= before.maximum else above
        # As a file of text and float32 have it.
        self.ranges.append(Range(index, float(np.float32(below)), float(np.float32(above))))


def decode_codes(codes: np.ndarray, index: int, ranges: Iterable[Range]) -> np.ndarray:
    """Return the values of the codes of a frame, to half a step; NaN where there is none.

    Args:
        codes: uint16 (H, W).
        index: of the frame.
        ranges: of the video, in order.
    """
    found = [each for each in ranges if each.first_frame <= index]
    if not found:
        # Frames before the first range have no values.
        return np.full(codes.shape, np.nan, dtype=np.float32)
    return from_uint16(codes, found[-1].minimum, found[-1].maximum)
