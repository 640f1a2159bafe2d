# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Disparity of stereo pairs as whole numbers, and metres by the rig."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import ALL_CODES, png

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label


@pytest.mark.parametrize(
    ("encoding", "per_pixel", "zero"),
    [
        ("kitti_disparity", 256, 0),
        ("cityscapes_disparity", 256, 1),
        ("oak_disparity", 8, 0),
        ("oak_disparity:subpixel_bits=5", 32, 0),
    ],
)
def test_every_number_is_pixels(encoding: str, per_pixel: int, zero: int) -> None:
    expected = ((ALL_CODES.astype(np.float64) - zero) / per_pixel).astype(np.float32)
    expected[ALL_CODES == 0] = np.nan
    np.testing.assert_array_equal(read_label(png(ALL_CODES), encoding=encoding), expected)


def test_whole_pixels_of_8_bits() -> None:
    stored = np.array([[0, 1, 95]], np.uint8)
    np.testing.assert_array_equal(read_label(png(stored), encoding="oak_disparity"), np.float32([[np.nan, 1, 95]]))


def test_metres_by_focal_length_and_baseline() -> None:
    stored = np.array([[0, 256, 25600]], np.uint16)
    rules = LabelRules("depth", encoding="kitti_disparity:focal=700,baseline=0.5", max_depth=100)
    np.testing.assert_allclose(rules.read(png(stored)), [[np.nan, np.nan, 3.5]])
    # 1 px: 350 m.
    np.testing.assert_allclose(
        read_label(png(stored), encoding="kitti_disparity:focal=700,baseline=0.5"), [[np.nan, 350, 3.5]]
    )
    with pytest.raises(ValueError, match=r"pixels, and depth is asked for; .*focal=\.\.\.,baseline="):
        LabelRules("depth", encoding="kitti_disparity").read(png(stored))
    np.testing.assert_allclose(
        LabelRules("disparity", encoding="kitti_disparity").read(png(stored)), [[np.nan, 1, 100]]
    )
