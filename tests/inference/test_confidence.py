# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The confidence of one image by its formula, what it does not depend on, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.decoding.map_meaning import meaning_of
from depth_anything_hf.data.own_pictures import is_own_picture
from depth_anything_hf.inference.confidence import (
    describe_confidence,
    encode_confidence,
    find_confidence,
    read_confidence,
)


def disparity(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return cv2.GaussianBlur(random.uniform(0, 1, (40, 50)).astype(np.float32), (0, 0), 3) * 8


def test_confidence_of_depth_is_the_ratio_of_depths() -> None:
    first = np.array([[2, 4, 5, 1, 3]], dtype=np.float32)
    others = [np.array([[2, 5, 4, 1, 0]], dtype=np.float32), np.array([[2, 4, 4, np.nan, 3]], dtype=np.float32)]
    found = find_confidence(first, others, "depth")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[1, 0.8**0.5, 0.8, 0, 0]], rtol=1e-6)


def test_confidence_of_disparity_by_its_formula() -> None:
    first = disparity()
    # Scale and shift of the second are free; of its pixels a few differ, which do not move the fit.
    clean = 3 * first - 2
    wrong = np.zeros(first.shape, dtype=bool)
    wrong[10:14, 20:25] = True
    other = np.where(wrong, clean + 1.5, clean)
    found = find_confidence(first, [other, clean], "disparity")
    farthest, spread = np.percentile(first, 2), np.abs(first - np.median(first)).mean()
    expected = np.exp(-np.where(wrong, 0.5, 0) / 2 / (np.maximum(first - farthest, 0) + spread / 4))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found[~wrong].min() > 0.999 and found[wrong].max() < 0.95


def test_confidence_does_not_depend_on_scale_and_shift() -> None:
    first, other = disparity(), disparity() + 0.2 * disparity(1)
    found = find_confidence(first, [other], "disparity")
    assert 0.2 < found.mean() < 0.99
    moved = find_confidence(1000 * first + 300, [0.01 * other - 7], "disparity")
    np.testing.assert_allclose(moved, found, atol=2e-3)


def test_a_prediction_in_reversed_order_has_less_confidence_than_none() -> None:
    first = disparity()
    reversed_order = find_confidence(first, [-first], "disparity")
    np.testing.assert_allclose(
        reversed_order, find_confidence(first, [np.full_like(first, 5)], "disparity"), atol=1e-6
    )
    assert reversed_order.mean() < find_confidence(first, [first + 0.1 * disparity(1)], "disparity").mean()


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_flat_and_empty_maps(value: float) -> None:
    flat = np.full((4, 5), value, dtype=np.float32)
    assert (find_confidence(flat, [flat], "disparity") == 1).all()
    assert np.isfinite(find_confidence(flat, [disparity()[:4, :5]], "disparity")).all()
    assert (find_confidence(flat * np.nan, [flat], "disparity") == 0).all()
    expected = 1.0 if value else 0.0
    assert (find_confidence(flat, [flat], "depth") == expected).all()


def test_the_file_is_read_back_and_is_neither_photograph_nor_label(tmp_path: Path) -> None:
    confidence = np.random.default_rng(0).random((6, 9)).astype(np.float32)
    path = tmp_path / "a_confidence.png"
    path.write_bytes(encode_confidence(confidence, "depth"))
    np.testing.assert_allclose(read_confidence(path), confidence, atol=0.51 / 65535)
    codes = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert codes.dtype == np.uint16
    with Image.open(path) as picture:
        np.testing.assert_allclose(np.asarray(picture) / 65535, read_confidence(path), atol=1e-7)
        told = json.loads(picture.info["depth_anything_hf.prediction"])
    assert told["formula"] == "confidence = code / 65535"
    assert is_own_picture(path)
    with pytest.raises(BrokenSampleError, match="picture of a prediction"):
        meaning_of(path.read_bytes(), "a")
    Image.fromarray(codes).save(path)
    with pytest.raises(UnreadableImageError, match="expected NAME_confidence"):
        read_confidence(path)
    path.write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError, match="a_confidence"):
        read_confidence(path)
    with pytest.raises(FileNotFoundError):
        read_confidence(tmp_path / "none.png")


def test_the_line_names_the_image_of_least_confidence() -> None:
    line = describe_confidence({"a": {"confidence": 0.9}, "b": {"confidence": 0.6}, "c": {}})
    assert line.startswith("confidence of 2 images: 0.750 on average, lowest 0.600 in b;")
    assert describe_confidence({"c": {}}) == ""
