# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The auxiliary depth of iPhone photographs behind a JPEG, and in a genuine HEIC."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import apple_jpeg, jpeg
from shared_files import device_file

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.encodings.detection import proven_encoding
from depth_anything_hf.data.decoding.errors import UnreadableImageError


CODES = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], 16, axis=0)


def test_the_picture_that_is_called_disparity() -> None:
    content = apple_jpeg(CODES, "disparity", 0.5, 4.5)
    disparity = LabelRules("disparity").read(content)
    np.testing.assert_allclose(disparity, 0.5 + CODES / 255 * 4, atol=4 * 4 / 255)
    np.testing.assert_allclose(LabelRules("depth").read(content), 1 / disparity, rtol=1e-6)
    depth = read_label(apple_jpeg(CODES, "depth", 0.5, 4.5), encoding="apple_jpeg")
    np.testing.assert_allclose(depth, 0.5 + CODES / 255 * 4, atol=4 * 4 / 255)


def test_without_such_a_picture_it_is_refused() -> None:
    gain_map = apple_jpeg(CODES, "urn:com:apple:photo:2020:aux:hdrgainmap", 0.5, 4.5)
    assert proven_encoding(gain_map) is None
    with pytest.raises(UnreadableImageError, match="no picture behind this JPEG is called depth or disparity"):
        read_label(gain_map, encoding="apple_jpeg")
    # Apple calls the matte of a person depth as well; only its format is another one.
    matte = apple_jpeg(CODES, "depth", 0.5, 4.5, 'apdi:NativeFormat="1278226488"')
    with pytest.raises(UnreadableImageError, match="no picture behind this JPEG is called depth or disparity"):
        read_label(matte)
    with pytest.raises(UnreadableImageError, match=r"the range of its codes, got 4\.5 to 0\.5"):
        read_label(apple_jpeg(CODES, "disparity", 4.5, 0.5))
    with pytest.raises(UnreadableImageError, match="JPEG is lossy"):
        read_label(jpeg())


def test_the_codes_of_a_range_are_those_that_the_xmp_tells() -> None:
    told = 'apdi:NativeFormat="1751411059" apdi:IntMinValue="10" apdi:IntMaxValue="245"'
    disparity = LabelRules("disparity").read(apple_jpeg(CODES, "disparity", -0.05, 2.3, told))
    expected = np.maximum(-0.05 + (CODES - 10.0) / 235 * 2.35, 0)
    np.testing.assert_allclose(disparity, expected, atol=4 * 2.35 / 235)


def test_genuine_portrait() -> None:
    pytest.importorskip("pillow_heif")
    path = device_file("apple_heic_disparity", "pug_small.heic")
    depth = LabelRules("depth").read(path)
    assert depth.shape == (576, 768)
    assert (depth.min(), np.median(depth), depth.max()) == pytest.approx((0.22816, 0.57616, 0.66754), abs=1e-4)
    with pytest.raises(UnreadableImageError, match="HEIF is lossy"):
        read_label(b"\0\0\0\x18ftypheic" + bytes(100))
