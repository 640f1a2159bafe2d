# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps as npy, TIFF and OpenEXR files that other libraries read."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from depth_anything_hf.visualization.encode_maps import encode_exr, encode_float_tiff, encode_npy


VALUES = np.array([[1.5, np.nan, np.inf], [-np.inf, 0.0, -3e38]], np.float32)


def test_npy_is_that_of_numpy_with_a_longer_header(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, VALUES)
    assert encode_npy(VALUES) == file.getvalue()
    for length in (128, 256, 320):
        content = encode_npy(VALUES.T, length)
        assert len(content) == length + VALUES.nbytes
        np.testing.assert_array_equal(np.load(io.BytesIO(content)), VALUES.T)
    (tmp_path / "a.npy").write_bytes(content)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), VALUES.T)
    for length in (64, 130):
        with pytest.raises(ValueError, match="does not fit"):
            encode_npy(VALUES, length)


def test_tiff_is_read_by_three_libraries_with_its_text() -> None:
    content = encode_float_tiff(VALUES, '{"a": 1}')
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(content)), VALUES)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED), VALUES)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.tag_v2[270] == '{"a": 1}' and picture.mode == "F"
        np.testing.assert_array_equal(np.asarray(picture), VALUES)


def test_exr_has_one_channel_and_its_attributes() -> None:
    with OpenEXR.File(io.BytesIO(encode_exr(VALUES, "Z", {"note": "metres"}))) as file:
        assert list(file.channels()) == ["Z"] and file.header()["note"] == "metres"
        np.testing.assert_array_equal(file.channels()["Z"].pixels, VALUES)


def test_other_arrays_are_refused() -> None:
    for values in (np.ones((2, 3)), np.ones((2, 3, 1), np.float32)):
        with pytest.raises(ValueError, match=r"expected a float32 map \(H, W\)"):
            encode_float_tiff(values, "")
        with pytest.raises(ValueError, match=r"expected a float32 map \(H, W\)"):
            encode_exr(values, "Z", {})
