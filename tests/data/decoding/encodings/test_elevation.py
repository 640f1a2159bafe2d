# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Heights in GeoTIFF are no depth, unless it is said from where a camera looks down."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import tiff

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


SCALE_TAG = (33550, "d", 3, (1.0, 1.0, 0.0), True)


def nodata_tag(text: str) -> tuple[object, ...]:
    return (42113, "s", 0, text, True)


def test_a_geotiff_is_refused_by_name() -> None:
    content = tiff(np.full((4, 5), 120, np.float32), extratags=[SCALE_TAG])
    for read in (read_label, LabelRules("depth").read):
        with pytest.raises(UnreadableImageError, match=r"heights above a datum .* 'elevation:camera_height=\.\.\.'"):
            read(content)
    np.testing.assert_array_equal(read_label(content, encoding="tiff"), np.full((4, 5), 120, np.float32))


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (np.float32([[100, -3.4028235e38, 250, 500]]), "-3.4028234663852886e+38"),
        (np.int16([[100, -32768, 250, 500]]), "-32768"),
        (np.float32([[100, -9999.9, 250, 500]]), "-9999.9"),
    ],
)
def test_depth_below_a_camera(stored: np.ndarray, text: str) -> None:
    content = tiff(stored, extratags=[SCALE_TAG, nodata_tag(text)])
    values = read_label(content, encoding="elevation:camera_height=400")
    np.testing.assert_array_equal(values, np.float32([[300, np.nan, 150, np.nan]]))


def test_numbers_without_data_have_no_depth() -> None:
    content = tiff(np.float32([[1, 3.4e38, 9999, 2]]), extratags=[nodata_tag("9999")])
    np.testing.assert_array_equal(read_label(content, encoding="tiff"), np.float32([[1, 3.4e38, np.nan, 2]]))


@pytest.mark.parametrize("void", [np.float32(-9999), np.float32(-3.4028235e38), np.int16(-32768), np.int16(-9999)])
def test_voids_that_no_tag_tells_of(void: np.number) -> None:
    content = tiff(np.array([[100, void, 250]], void.dtype), extratags=[SCALE_TAG])
    values = read_label(content, encoding="elevation:camera_height=400")
    np.testing.assert_array_equal(values, np.float32([[300, np.nan, 150]]))
