# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pairs of times, against a search of all of them."""

from __future__ import annotations

import numpy as np

from depth_anything_hf.data.recordings.nearest_in_time import nearest_pairs


def test_each_takes_the_nearest_and_the_nearest_of_several_is_kept() -> None:
    first, second = nearest_pairs(np.array([0, 10, 11, 30]), np.array([12, 0, 60]), tolerance=5)
    assert (first.tolist(), second.tolist()) == ([0, 2], [1, 0])


def test_random_times_against_plain_loops() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        times, others = (rng.permutation(1000)[: rng.integers(0, 20)] for _ in range(2))
        first, second = nearest_pairs(times, others, 40)
        found = dict(zip(times[first].tolist(), others[second].tolist(), strict=True))
        taken: dict[int, int] = {}
        for time in sorted(times.tolist()):
            near = min(others.tolist(), key=lambda other: (abs(other - time), other), default=None)
            if near is not None and abs(near - time) <= 40:
                best = taken.get(near)
                taken[near] = time if best is None or abs(near - time) < abs(near - best) else best
        assert found == {time: other for other, time in taken.items()}
        assert list(found) == sorted(found)
