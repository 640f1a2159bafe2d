# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images that a file does not take are refused before its engine gets them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from depth_anything_hf.export.inputs import check_images


FREE: dict[str, Any] = {"preprocessing": False, "patch_size": 14, "size": None}
BYTES: dict[str, Any] = {
    "preprocessing": True, "patch_size": 14, "size": None, "keep_aspect_ratio": True, "interpolation": "pillow",
    "input_size": [56, 56], "ensure_multiple_of": 14,
}  # fmt: skip


def test_images_that_it_takes_pass() -> None:
    check_images(np.zeros((4, 3, 42, 140), np.float32), FREE)
    check_images(np.zeros((1, 3, 42, 70), np.float32), {**FREE, "size": [42, 70]})
    check_images(np.zeros((2, 33, 41, 3), np.uint8), BYTES)
    check_images(np.zeros((1, 2, 900, 3), np.uint8), {**BYTES, "size": [42, 70], "keep_aspect_ratio": False})
    check_images(np.zeros((1, 20, 900, 3), np.uint8), {**BYTES, "interpolation": "opencv"})


@pytest.mark.parametrize(
    ("shape", "dtype", "metadata", "message"),
    [
        ((1, 3, 60, 70), "float32", FREE, r"images are 60x70.*multiples of 14 from 42 on.*nearest is 56x70"),
        ((1, 3, 28, 56), "float32", FREE, r"28x56.*nearest is 42x56"),
        ((1, 3, 56, 56), "float32", {**FREE, "size": [42, 70]}, r"56x56.*exported for 42x70 only"),
        ((1, 3, 56, 56), "float64", FREE, r"float32 \(batch, 3, height, width\), got float64"),
        ((3, 56, 56), "float32", FREE, r"got float32 \(3, 56, 56\)"),
        ((0, 3, 56, 56), "float32", FREE, r"got float32 \(0, 3, 56, 56\)"),
        ((1, 56, 56, 3), "float32", FREE, r"\(batch, 3, height, width\), got float32 \(1, 56, 56, 3\)"),
        ((1, 3, 56, 56), "float32", BYTES, r"uint8 \(batch, height, width, 3\), got float32"),
        ((1, 56, 56, 4), "uint8", BYTES, r"got uint8 \(1, 56, 56, 4\)"),
        ((1, 1, 56, 3), "uint8", BYTES, r"1x56, expected sides of 2 to"),
        ((1, 56, 20, 3), "uint8", BYTES, r"56x20, too narrow: resized to 56x14 .* 42 pixels"),
    ],
)
def test_others_are_refused(shape: tuple[int, ...], dtype: str, metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_images(np.zeros(shape, dtype), metadata)
