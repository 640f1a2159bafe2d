# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""RVL, written number by number by another program than the one that reads it."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import rvl

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.rvl import decode_rvl


def test_the_bytes_of_the_format() -> None:
    # Zeros: 0, others: 5, then 1, 0, 1, 1, 2 as 2, 0, 2, 2, 4; a word has its first number in its highest bits.
    content = bytes.fromhex("05202240")[::-1]
    np.testing.assert_array_equal(decode_rvl(content, 1, 5, "map"), [[1, 1, 2, 3, 5]])
    assert rvl(np.array([[1, 1, 2, 3, 5]])) == content


def test_random_maps_come_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        height, width = rng.integers(1, 40, 2)
        # From maps without holes to such of nothing else, with differences of the whole range.
        stored = rng.integers(0, 65536, (height, width)).astype(np.uint16)
        stored[rng.random(stored.shape) < rng.random()] = 0
        np.testing.assert_array_equal(decode_rvl(rvl(stored), height, width, "map"), stored)


def test_damaged_bytes_are_refused() -> None:
    content = rvl(np.arange(1, 301).reshape(10, 30))
    with pytest.raises(
        UnreadableImageError, match=r"map: truncated RVL or of another size: 300 values behind pixel 0"
    ):
        decode_rvl(content[:40], 10, 30, "map")
    with pytest.raises(UnreadableImageError, match=r"map: truncated RVL, 300 of 330 pixels are there"):
        decode_rvl(content, 11, 30, "map")
    with pytest.raises(UnreadableImageError, match=r"none of its 8 numbers ends"):
        decode_rvl(b"\xff" * 4, 1, 1, "map")
    with pytest.raises(UnreadableImageError, match=r"one of its numbers has 15 groups"):
        decode_rvl(b"\xff" * 4 + b"\x00\xff\xff\xff", 1, 1, "map")
