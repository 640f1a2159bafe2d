# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which samples of a source are looked at: evenly spread, by a seed."""

from __future__ import annotations

import numpy as np


def spread_indices(count: int, wanted: int | None, seed: int = 0) -> list[int]:
    """Return which of `count` samples are looked at, in order: one at random of each of `wanted` equal stretches.

    Args:
        count: samples there are.
        wanted: how many, at most; None takes all.
        seed: of the choice inside of each stretch.
    """
    if wanted is None or wanted >= count:
        return list(range(count))
    ends = np.linspace(0, count, wanted + 1)
    places = ends[:-1] + np.random.default_rng(seed).random(wanted) * np.diff(ends)
    return [min(int(place), count - 1) for place in places]
