# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures that are the same, or nearly: a hash finds candidates, and the pictures themselves decide.

The hash is the perceptual one of the lowest frequencies of the discrete cosine transform, by OpenCV. Frames of a video
have nearly equal hashes too; only fine detail at the same pixels tells a copy from the next frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np


HASH_SIDE, HASH_FREQUENCIES, HASH_BITS = 32, 8, 64
# Bits that hashes of copies may differ in: by JPEG, size, noise, brightness.
MOST_BITS = 8
# Up to so many pictures each is compared with each; of more those that agree in one of so many parts of the hash.
COMPARED_WITH_ALL, PARTS = 20_000, 4
# Sides at which fine detail is compared, its size, and the correlation from which pictures are copies: that of frames
# beside each other is below 0.6, that of copies by JPEG at quality 40 or at half the size above 0.94.
DETAIL_SIDE, LEAST_DETAIL_SIDE, DETAIL, COPY = 192, 32, 6.0, 0.85
MOST_PAIRS = 400


def hash_of(image: np.ndarray) -> int:
    """Return the 64 bits of a picture, uint8 (H, W, 3)."""
    small = cv2.resize(image, (HASH_SIDE, HASH_SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = cv2.dct(grey)[:HASH_FREQUENCIES, :HASH_FREQUENCIES].ravel()
    # Without the first one, which is the brightness of the whole.
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def are_copies(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two pictures have the same fine detail at the same pixels, whatever their sizes and brightness."""
    smaller = min(*one.shape[:2], *other.shape[:2])
    # Single pixels are noise, and change with the size.
    side = max(LEAST_DETAIL_SIDE, min(DETAIL_SIDE, smaller // 2))
    return float((_detail(one, side) * _detail(other, side)).mean()) >= COPY


def _detail(image: np.ndarray, side: int) -> np.ndarray:
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), DETAIL)
    detail: np.ndarray = (fine - fine.mean()) / max(float(fine.std()), 1e-3)
    return detail


def near_pairs(hashes: Sequence[int], others: Sequence[int] | None = None) -> Iterator[tuple[int, int]]:
    """Yield the places of hashes that differ in few bits, the nearest of each first.

    Args:
        hashes: of pictures.
        others: of those that they are compared with; None compares them with each other, each pair once.
    """
    mine = np.array(hashes, dtype=np.uint64)
    theirs = mine if others is None else np.array(others, dtype=np.uint64)
    is_small = len(mine) <= COMPARED_WITH_ALL
    groups = None if is_small else _by_part(theirs)
    for place, own in enumerate(mine):
        candidates = np.arange(len(theirs)) if groups is None else _alike(groups, int(own))
        if others is None:
            candidates = candidates[candidates > place]
        bits = _count_bits(theirs[candidates] ^ own)
        order = np.argsort(bits, kind="stable")
        for number in order[: int((bits <= MOST_BITS).sum())]:
            yield place, int(candidates[number])


def _by_part(hashes: np.ndarray) -> list[dict[int, list[int]]]:
    width = HASH_BITS // PARTS
    groups: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(PARTS)]
    for place, own in enumerate(hashes.tolist()):
        for part in range(PARTS):
            groups[part][(own >> (part * width)) & ((1 << width) - 1)].append(place)
    return groups


def _alike(groups: list[dict[int, list[int]]], own: int) -> np.ndarray:
    width = HASH_BITS // PARTS
    found = [group.get((own >> (part * width)) & ((1 << width) - 1), []) for part, group in enumerate(groups)]
    return np.unique(np.array([place for places in found for place in places], dtype=np.int64))


def _count_bits(numbers: np.ndarray) -> np.ndarray:
    counts: np.ndarray = np.bitwise_count(numbers)
    return counts


def copies_among(
    pairs: Iterator[tuple[int, int]], read: Callable[[int], np.ndarray], read_other: Callable[[int], np.ndarray]
) -> list[tuple[int, int]]:
    """Return which candidates are copies; at most `MOST_PAIRS` of them are read.

    Args:
        pairs: of `near_pairs`.
        read: returns the picture at the first place.
        read_other: returns the picture at the second place.
    """
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    for tried, (one, other) in enumerate(pairs):
        if tried >= MOST_PAIRS:
            break
        # One copy of a picture is enough to know that it is one.
        if other in seen:
            continue
        try:
            if are_copies(read(one), read_other(other)):
                found.append((one, other))
                seen.add(other)
        except (OSError, ValueError):
            continue
    return found
