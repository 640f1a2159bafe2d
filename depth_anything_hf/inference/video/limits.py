# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Between which values the colours of a video run: of each frame, of the whole clip, or following slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...visualization.colour_maps import LIMIT_PERCENTILES
from .value_range import ClipRange


# Pixels of a frame that are looked at.
SAMPLED = 1 << 15
# Seconds in which the distance to the limits of the frames halves. Where these are wider, as after a fade-in from
# black, most of the picture would be of two colours; where they are narrower, it only has less contrast.
WIDENING_SECONDS, NARROWING_SECONDS = 0.3, 3.0


def disparity_limits(values: np.ndarray, kind: str) -> tuple[float, float]:
    """Return the 2nd and the 98th percentile of a map's disparity, of an even sample of its pixels.

    Args:
        values: float32 (H, W).
        kind: "disparity", or "depth", of which the percentiles of 1 / depth are returned.
    """
    sample = sampled(values)
    sample = sample[np.isfinite(sample)]
    if kind == "depth":
        sample = 1 / sample[sample > 0]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, LIMIT_PERCENTILES)
    return float(low), float(high)


def sampled(values: np.ndarray) -> np.ndarray:
    """Return at most about 32,768 values of a map (H, W), of even rows and columns."""
    step = max(1, round((values.size / SAMPLED) ** 0.5))
    return values[step // 2 :: step, step // 2 :: step].ravel()


class FollowingLimits:
    """Limits that follow those of the frames, outwards fast and inwards slowly; a cut sets them anew."""

    def __init__(self) -> None:
        self._limits: tuple[float, float] | None = None

    def __call__(self, values: np.ndarray, kind: str, seconds: float, is_cut: bool) -> tuple[float, float]:
        """Return the limits of the next frame.

        Args:
            values: its map.
            kind: of the values.
            seconds: since the frame before.
            is_cut: whether another shot begins.
        """
        low, high = disparity_limits(values, kind)
        if self._limits is None or is_cut:
            self._limits = low, high
        else:
            before_low, before_high = self._limits
            self._limits = (
                low + _kept(seconds, is_wider=low < before_low) * (before_low - low),
                high + _kept(seconds, is_wider=high > before_high) * (before_high - high),
            )
        return self._limits

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers."""
        return {"limits": None if self._limits is None else list(self._limits)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        limits = state["limits"]
        self._limits = None if limits is None else (float(limits[0]), float(limits[1]))


def _kept(seconds: float, is_wider: bool) -> float:
    """Return the share of the distance that is left after a time."""
    return float(0.5 ** (max(0.0, seconds) / (WIDENING_SECONDS if is_wider else NARROWING_SECONDS)))


class WholeClip:
    """Extremes and limits of the colours over all frames of a clip, by a pass of its own, in bounded memory."""

    def __init__(self) -> None:
        self._disparity = ClipRange()
        self.minimum, self.maximum = np.inf, -np.inf

    def add(self, values: np.ndarray, kind: str) -> None:
        """Add a frame."""
        sample = sampled(values)
        self._disparity.add(1 / sample[sample > 0] if kind == "depth" else sample)
        known = values[np.isfinite(values)]
        if known.size:
            self.minimum = min(self.minimum, float(known.min()))
            self.maximum = max(self.maximum, float(known.max()))

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of the colours: the 2nd and the 98th percentile of the disparity of all frames."""
        return self._disparity.limits(*LIMIT_PERCENTILES)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers."""
        return {"disparity": self._disparity.state_dict(), "minimum": self.minimum, "maximum": self.maximum}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a state over."""
        self._disparity.load_state_dict(state["disparity"])
        self.minimum, self.maximum = float(state["minimum"]), float(state["maximum"])
