# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which depth belongs to which picture, where both have times of their own."""

from __future__ import annotations

import numpy as np


def nearest_pairs(times: np.ndarray, others: np.ndarray, tolerance: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair each time with the nearest of the others, none of which is taken twice.

    Args:
        times: int64 (N,), in any order.
        others: int64 (M,), in any order.
        tolerance: largest difference of a pair.

    Returns:
        Indices into `times` and into `others`, int64 (P,) each, in the order of `times` in time. Of several times that
        one other is nearest to, the nearest is kept.
    """
    order, sorted_others = np.argsort(times, kind="stable"), np.argsort(others, kind="stable")
    if not order.size or not sorted_others.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ordered, places = times[order], others[sorted_others]
    after = np.searchsorted(places, ordered)
    left, right = np.clip(after - 1, 0, None), np.clip(after, None, places.size - 1)
    nearest = np.where(np.abs(places[right] - ordered) < np.abs(places[left] - ordered), right, left)
    distances = np.abs(places[nearest] - ordered)
    # By the other, and then by distance: the first of each is the nearest to it.
    ranked = np.lexsort((distances, nearest))
    is_first = np.ones(ranked.size, dtype=bool)
    is_first[1:] = nearest[ranked][1:] != nearest[ranked][:-1]
    kept = np.sort(ranked[is_first & (distances[ranked] <= tolerance)])
    return order[kept], sorted_others[nearest[kept]]
