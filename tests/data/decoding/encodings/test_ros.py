# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Data of compressedDepth messages, by the arithmetic of its encoder."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from encoded_maps import ALL_CODES, png, rvl

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def test_inverse_depth_of_floats() -> None:
    depth = np.array([[0.3, 1, 2.5, 9.9, 12, np.nan]], np.float32)
    quantum, far = 100.0, 10.0
    scale = quantum * (quantum + 1)
    offset = 1 - scale / far
    codes = np.where(depth < far, scale / depth + offset, 0).astype(np.uint16)
    content = struct.pack("<iff", 0, scale, offset) + png(codes)
    # One code is depth squared by A.
    expected = np.where(depth < far, depth, np.nan)
    np.testing.assert_allclose(read_label(content), expected, atol=far**2 / scale)
    np.testing.assert_array_equal(read_label(content, encoding="ros_depth:image=32FC1"), read_label(content))
    assert read_label(content, encoding="ros_depth:image=16UC1")[0, 1] == np.float32(codes[0, 1] / 1000)


def test_millimetres() -> None:
    content = struct.pack("<iff", 0, 0, 0) + png(ALL_CODES)
    expected = (ALL_CODES / 1000).astype(np.float32)
    expected[ALL_CODES == 0] = expected[ALL_CODES == 65535] = np.nan
    np.testing.assert_array_equal(read_label(content), expected)
    # The publisher of 16UC1 does not fill in A and B.
    for first, second in ((4.6e-41, 0), (1e30, -2.5), (0.5, 0.25), (3.1e-12, -7e20), (np.nan, 0), (-1, 3)):
        np.testing.assert_array_equal(read_label(struct.pack("<iff", 0, first, second) + content[12:]), expected)
    with pytest.raises(UnreadableImageError, match="A = 0 and B = 0, which is no 32FC1"):
        read_label(content, encoding="compressed_depth:image=32FC1")


def test_rvl_has_its_size_before_it() -> None:
    # Of a map with holes, and of one that is all of them.
    stored = np.random.default_rng(0).integers(0, 5000, (30, 41)).astype(np.uint16)
    stored[stored < 2000] = 0
    for codes in (stored, 0 * stored):
        content = struct.pack("<iffII", 0, 0, 0, 41, 30) + rvl(codes)
        expected = np.where(codes == 0, np.nan, codes / 1000).astype(np.float32)
        np.testing.assert_array_equal(read_label(content, encoding="ros_depth"), expected)
    scale, offset = 10100.0, -1009.0
    content = struct.pack("<iffII", 0, scale, offset, 41, 30) + rvl(stored)
    expected = np.where(stored == 0, np.nan, scale / (stored - offset)).astype(np.float32)
    np.testing.assert_array_equal(read_label(content, encoding="ros_depth"), expected)


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="a PNG, or a size and RVL, got bytes"):
        read_label(struct.pack("<iffII", 0, 0, 0, 0, 480) + bytes(99), encoding="ros_depth")
    with pytest.raises(UnreadableImageError, match="12 bytes and a PNG or RVL, got 20 bytes"):
        read_label(bytes(20), encoding="ros_depth")
    with pytest.raises(UnreadableImageError, match="truncated RVL or of another size"):
        read_label(struct.pack("<iffII", 0, 0, 0, 640, 480) + bytes(99), encoding="ros_depth")
