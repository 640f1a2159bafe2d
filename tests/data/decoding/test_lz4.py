# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks of LZ4: literals, matches that overlap themselves, and damage."""

from __future__ import annotations

import numpy as np
import pytest
from lz4_blocks import lz4_literals, lz4_match

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.lz4 import decompress_lz4_block


@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 269, 270, 271, 5000])
def test_literals(size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    assert decompress_lz4_block(lz4_literals(content), size, "a") == content


@pytest.mark.parametrize(("offset", "length"), [(1, 4), (1, 400), (3, 18), (3, 19), (8, 8), (8, 300), (5, 21)])
def test_matches(offset: int, length: int) -> None:
    start, end = b"abcdefgh", b"12345"
    expected = bytearray(start)
    for _ in range(length):
        expected.append(expected[-offset])
    block = lz4_match(start, offset, length) + lz4_literals(end)
    assert decompress_lz4_block(block, len(expected) + 5, "a") == bytes(expected) + end


def test_damaged_blocks_are_told() -> None:
    good = lz4_match(b"abcd", 2, 30) + lz4_literals(b"12345")
    size = 4 + 30 + 5
    assert len(decompress_lz4_block(good, size, "a")) == size
    for block, wanted in ((good, size + 1), (good, size - 1), (good[:-3], size), (good[:6], size), (good[:7], size)):
        with pytest.raises(UnreadableImageError, match=r"^a: "):
            decompress_lz4_block(block, wanted, "a")
    for offset in (0, 9):
        with pytest.raises(UnreadableImageError, match="expected a block of LZ4 of 34 bytes, this is damaged"):
            decompress_lz4_block(lz4_match(b"abcd", offset, 30), 34, "a")
