# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The range of all values of a clip: percentiles of any number of frames in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np


# Values kept of a frame, and of each level of merged frames.
KEPT = 1024


class ClipRange:
    """Percentiles of all values of a clip, each frame with the same weight.

    A frame is summed up by 1,024 evenly spaced quantiles. Two sums of equally many frames are merged into one by
    taking every second of their sorted values (Munro and Paterson, 1980), so that n frames take
    log2(n) + 1 of them. A percentile of 10,000 frames is off by less than one percent of the values, and outliers of
    any size cost nothing.
    """

    def __init__(self) -> None:
        self._levels: list[np.ndarray | None] = []
        self._frames = 0

    @property
    def frames(self) -> int:
        """How many frames have been added."""
        return self._frames

    def add(self, values: np.ndarray) -> None:
        """Add a frame, (H, W); what is not finite does not count, and a frame without finite values is left out."""
        finite = np.asarray(values)[np.isfinite(values)]
        if finite.size == 0:
            return
        carried = np.quantile(finite, (np.arange(KEPT) + 0.5) / KEPT).astype(np.float64)
        # Every second value, from the first or the second in turn, so that the errors do not add up.
        first = self._frames % 2
        self._frames += 1
        for level, kept in enumerate(self._levels):
            if kept is None:
                self._levels[level] = carried
                return
            carried = np.sort(np.concatenate([kept, carried]))[(first + level) % 2 :: 2]
            self._levels[level] = None
        self._levels.append(carried)

    def limits(self, low: float = 0.5, high: float = 99.5) -> tuple[float, float]:
        """Return two percentiles of all values.

        Raises:
            ValueError: no frame has been added.
        """
        kept = [(level, values) for level, values in enumerate(self._levels) if values is not None]
        if not kept:
            raise ValueError("the clip has no frame with finite values, so there is no range")
        values = np.concatenate([each for _, each in kept])
        weights = np.concatenate([np.full(KEPT, 2.0**level) for level, _ in kept])
        order = np.argsort(values, kind="stable")
        shares = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
        lowest, highest = np.interp([low / 100, high / 100], shares, values[order])
        return float(lowest), float(highest)

    def state_dict(self) -> dict[str, Any]:
        """Return plain numbers and arrays, for `load_state_dict`."""
        return {"frames": self._frames, "levels": [None if each is None else each.copy() for each in self._levels]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`, with the same result as without an interruption."""
        self._frames = int(state["frames"])
        self._levels = [None if each is None else np.asarray(each, dtype=np.float64) for each in state["levels"]]
