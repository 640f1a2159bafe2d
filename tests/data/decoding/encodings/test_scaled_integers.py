# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole numbers, so many to the metre: every number of 16 bits against plain arithmetic."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from encoded_maps import ALL_CODES, npy, pgm, png, tiff

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError


# Name -> stored units per metre, numbers without a value, numbers of the sky.
MEANINGS = {
    "mm": (1000, (0, 65535), ()),
    "tenth_mm": (10000, (0, 65535), ()),
    "quarter_mm": (4000, (0, 65535), ()),
    "cm": (100, (0, 65535), ()),
    "vkitti": (100, (0,), (65535,)),
    "kitti": (256, (0,), ()),
    "taskonomy": (512, (0, 65535), ()),
    "tum": (5000, (0,), ()),
    "replica": (6553.5, (0,), ()),
    "c3vd": (655350, (0,), ()),
    "replica_pano:ray=keep": (4000, (0,), ()),
    "drake": (1000, (0, 65535), ()),
    "point_odyssey": (65.535, (0,), ()),
    "scaled:per_metre=1234,missing=0/4095,sky=60000": (1234, (0, 4095), range(60000, 65536)),
    "mm:missing=0": (1000, (0,), ()),
    "mm:missing=none": (1000, (0,), ()),
    "kitti:missing=0/65535": (256, (0, 65535), ()),
}


@pytest.mark.filterwarnings("ignore:.*read as .*, and")
@pytest.mark.parametrize("encoding", MEANINGS)
def test_every_number_is_divided_masked_or_sky(encoding: str) -> None:
    per_metre, missing, sky = MEANINGS[encoding]
    expected = (ALL_CODES.astype(np.float64) / per_metre).astype(np.float32)
    expected[np.isin(ALL_CODES, missing)] = np.nan
    expected[np.isin(ALL_CODES, list(sky))] = np.inf
    values = read_label(png(ALL_CODES), encoding=encoding)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, expected)
    # So small that no table is worth while.
    np.testing.assert_array_equal(read_label(png(ALL_CODES[:1]), encoding=encoding), expected[:1])


def test_all_containers_hold_the_same_numbers() -> None:
    expected = read_label(png(ALL_CODES), encoding="mm")
    for content in (pgm(ALL_CODES), tiff(ALL_CODES), npy(ALL_CODES), npy(ALL_CODES.astype(np.uint32))):
        np.testing.assert_array_equal(read_label(content, encoding="mm"), expected)
    signed = np.array([[-1, 0, 1000]], dtype=np.int16)
    np.testing.assert_array_equal(read_label(npy(signed), encoding="mm"), np.float32([[np.nan, np.nan, 1]]))


@pytest.mark.filterwarnings("ignore:.*along 100% of the flat surfaces")
def test_distance_along_rays_and_of_panoramas() -> None:
    stored = np.full((101, 101), 2000, np.uint16)
    planar = read_label(png(stored), encoding="mm:geometry=ray,fx=50")
    assert planar[50, 50] == 2 and planar[50, 0] == pytest.approx(2**0.5)
    with pytest.raises(BrokenSampleError, match="a panorama has no optical axis"):
        read_label(png(stored), encoding="replica_pano")


def test_what_cannot_be_such_numbers_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match=r"mm has 16 or 32 bits, got uint8: a preview"):
        read_label(png((ALL_CODES >> 8).astype(np.uint8)), encoding="mm")
    with pytest.raises(UnreadableImageError, match=r"mm has whole numbers, got float32"):
        read_label(npy(np.ones((4, 4), np.float32)), encoding="mm")


def test_the_number_without_a_value_that_a_tiff_tells_of() -> None:
    stored = np.array([[32767, 2000, 0]], np.uint16)
    content = tiff(stored, extratags=[(42113, "s", 0, "32767", True)])
    expected = np.float32([[np.nan, 2, np.nan]])
    np.testing.assert_array_equal(read_label(content, encoding="mm"), expected)
    np.testing.assert_array_equal(LabelRules("depth", 1000).read(content), expected)
    far = np.float32([[9999, 2, 0]])
    content = tiff(far, extratags=[(42113, "s", 0, "9999", True)])
    np.testing.assert_array_equal(LabelRules("depth").read(content), expected)
    np.testing.assert_array_equal(LabelRules("depth", invalid_values=(0,)).read(content)[0, :2], [9999, 2])


def test_numbers_of_64_bits_and_those_that_png_has_scaled_to_16() -> None:
    stored = np.array([[0, 1, 2000, 4095]], np.int64)
    expected = np.float32([[np.nan, 0.001, 2, 4.095]])
    np.testing.assert_array_equal(read_label(npy(stored), encoding="mm"), expected)
    # Moved to the upper end, with zeros or with the highest bits again below them; and not moved at all.
    for written in (stored << 4, stored << 4 | stored >> 8, stored):
        content = png(written.astype(np.uint16))
        chunk = b"\0\0\0\x01sBIT\x0c"
        chunk += zlib.crc32(chunk[4:]).to_bytes(4, "big")
        content = content[:33] + chunk + content[33:]
        np.testing.assert_array_equal(read_label(content, encoding="mm"), expected)
        np.testing.assert_array_equal(read_label(content, scale=1000), np.nan_to_num(expected))


def test_damaged_pixels_are_told() -> None:
    flipped = bytearray(png(np.arange(400, dtype=np.uint16).reshape(20, 20)))
    flipped[len(flipped) // 2] ^= 255
    for content in (bytes(flipped), pgm(np.ones((9, 9), np.uint16))[:-40]):
        with pytest.raises(UnreadableImageError, match="a PNG or PGM whose pixels are damaged: copy or download it"):
            read_label(content, encoding="mm")
