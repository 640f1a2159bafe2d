# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about encoded pictures."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.visualization.encode import encode_jpeg, encode_png, encode_tiff


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    ("dtype", "shape"), [(np.uint8, (7, 9, 3)), (np.uint8, (7, 9)), (np.uint16, (7, 9))], ids=["rgb", "grey", "grey16"]
)
def test_png_is_lossless_and_keeps_the_channel_order(dtype: type, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, size=shape, dtype=dtype, endpoint=True)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


def test_jpeg_is_close_and_keeps_the_channel_order() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 0] = 200
    decoded = np.asarray(Image.open(io.BytesIO(encode_jpeg(image)))).astype(int)
    assert np.abs(decoded - image).max() <= 6


def test_tiff_is_lossless_for_every_float() -> None:
    depth = np.random.default_rng(2).uniform(0.1, 80, (9, 7)).astype(np.float32)
    depth[0, :3] = np.inf, np.nan, -0.0
    decoded = cv2.imdecode(np.frombuffer(encode_tiff(depth), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded.view(np.uint32), depth.view(np.uint32))
    with pytest.raises(ValueError, match=r"expected a float32 map \(H, W\), got float64 \(2, 2\)"):
        encode_tiff(np.zeros((2, 2)))


def test_what_no_picture_format_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        encode_png(np.zeros((2, 2, 3), np.float32))
    with pytest.raises(ValueError, match=r"\(2, 2, 4\)"):
        encode_png(np.zeros((2, 2, 4), np.uint8))
