# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which samples of a source are looked at: evenly spread, by a seed."""

from __future__ import annotations

import numpy as np


def spread_indices(count: int, wanted: int | None, seed: int = 0) -> list[int]:
    """Return which of `count` samples are looked at, in order and each once: one of each of `wanted` stretches.

    The stretches are equal to a sample, and begin at whole numbers, so that no sample is of two of them.

    Args:
        count: samples there are.
        wanted: how many, at most; None takes all.
        seed: of the choice inside of each stretch.
    """
    if wanted is None or wanted >= count:
        return list(range(count))
    ends = np.arange(wanted + 1) * count // wanted
    within = (np.random.default_rng(seed).random(wanted) * np.diff(ends)).astype(int)
    return [int(place) for place in ends[:-1] + within]
