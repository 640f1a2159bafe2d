# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode RVL, the lossless compression of depth maps: runs of zeros, and differences of what lies between them.

After Wilson, "Fast Lossless Depth Image Compression", ISS 2017: words of 32 bits, little-endian, hold eight groups of
four bits, the first in the highest bits. A group has three bits of a number, the lowest first, and above them whether
another group follows. Numbers come as: how many zeros, how many others, and for each of these its difference from the
one before it, of which 2 * d stands for d >= 0 and -2 * d - 1 for d < 0.
"""

from __future__ import annotations

import numpy as np

from .errors import UnreadableImageError


THREE_BITS, FOLLOWS = 7, 8
# Differences of 16 bits have 17 with their sign, and counts are no larger than a picture: eleven groups have 33.
MOST_GROUPS = 11


def decode_rvl(content: bytes, height: int, width: int, name: str) -> np.ndarray:
    """Decode a map: uint16 (height, width).

    Args:
        content: the words; what follows the last one is ignored.
        height: rows, which the words do not tell.
        width: columns.
        name: starts the messages.

    Raises:
        UnreadableImageError: the words end before the last pixel, or their counts do not fit the size.
    """
    count = height * width
    numbers = _numbers(content, name)
    values = np.zeros(count, np.uint16)
    is_difference, places = _places(numbers, count, name)
    codes = numbers[is_difference]
    # Arithmetic is that of 16 bits: differences around the end of the range wrap.
    differences = ((codes >> 1) ^ -(codes & 1)).astype(np.uint16)
    values[places] = np.cumsum(differences, dtype=np.uint16)
    return values.reshape(height, width)


def _numbers(content: bytes, name: str) -> np.ndarray:
    """Return all numbers of variable length: int64 (N,)."""
    words = np.frombuffer(content, "<u4", count=len(content) // 4).astype(">u4").view(np.uint8)
    groups = np.empty(2 * words.size, np.uint8)
    groups[0::2], groups[1::2] = words >> 4, words & 15
    ends = np.flatnonzero(groups < FOLLOWS)
    if not ends.size:
        raise UnreadableImageError(f"{name}: no RVL, none of its {groups.size} numbers ends; copy it again")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > MOST_GROUPS:
        raise UnreadableImageError(f"{name}: no RVL, one of its numbers has {lengths.max()} groups; copy it again")
    numbers = (groups[starts] & THREE_BITS).astype(np.int64)
    for place in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > place)
        numbers[longer] |= (groups[starts[longer] + place] & THREE_BITS).astype(np.int64) << 3 * place
    return numbers


def _places(numbers: np.ndarray, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which numbers are differences, and the pixels that these are of, in their order."""
    # Where a run begins depends on all counts before it, so that this alone goes step by step.
    runs, pixel, place, total = [], 0, 0, numbers.size
    while pixel < count:
        if place + 2 > total:
            raise UnreadableImageError(f"{name}: truncated RVL, {pixel} of {count} pixels are there; copy it again")
        zeros, others = int(numbers[place]), int(numbers[place + 1])
        pixel += zeros
        if (zeros == 0 and others == 0) or pixel + others > count or place + 2 + others > total:
            raise UnreadableImageError(
                f"{name}: truncated RVL or of another size: {others} values behind pixel {pixel} of {count}, and "
                f"{total - place - 2} numbers are left; copy it again"
            )
        runs.append((place + 2, pixel, others))
        pixel, place = pixel + others, place + 2 + others
    first, pixels, lengths = np.array(runs, np.int64).reshape(-1, 3).T
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(first, lengths) + within, np.repeat(pixels, lengths) + within
