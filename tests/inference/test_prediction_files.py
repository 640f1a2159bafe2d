# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of a prediction read back as the numbers that they were made from."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.inference.prediction_files import encode_prediction, read_prediction
from depth_anything_hf.visualization.encode import encode_png


def write(values: np.ndarray, kind: str, folder: Path) -> dict[str, Path]:
    contents, _ = encode_prediction(values.astype(np.float32), kind)
    for suffix, content in contents.items():
        (folder / f"a{suffix}").write_bytes(content)
    return {suffix: folder / f"a{suffix}" for suffix in contents}


@pytest.mark.parametrize("kind", ["depth", "disparity"])
def test_numbers_and_greys_read_back(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0.5, 20, (30, 40)).astype(np.float32)
    values[:3] = math.nan
    files = write(values, kind, tmp_path)
    stored, stored_kind = read_prediction(files[".npz"])
    assert stored_kind == kind
    np.testing.assert_array_equal(stored, values)
    restored, restored_kind = read_prediction(str(files["_16bit.png"]))
    assert restored_kind == kind and restored.dtype == np.float32
    np.testing.assert_allclose(restored, values, rtol=0, atol=0.51 * 19.5 / 65534)
    with Image.open(files["_16bit.png"]) as picture:
        assert (picture.mode, picture.size) == ("I;16", (40, 30))
        text = json.loads(picture.info["depth_anything_hf.prediction"])
    assert text["formula"].startswith("minimum + (code - 1) / 65534 * (maximum - minimum)") and text["kind"] == kind
    codes = cv2.imread(str(files["_16bit.png"]), cv2.IMREAD_UNCHANGED)
    by_hand = text["minimum"] + (codes - 1.0) / 65534 * (text["maximum"] - text["minimum"])
    np.testing.assert_allclose(by_hand[3:], restored[3:], rtol=1e-6)


def test_depth_that_is_not_positive_has_no_value_and_disparity_may_be_negative(tmp_path: Path) -> None:
    values = np.array([[1.0, 2.0, 0.0, -1.0, math.nan, math.inf, -math.inf]], np.float32)
    contents, pixels = encode_prediction(values, "depth")
    codes = cv2.imdecode(np.frombuffer(contents["_16bit.png"], np.uint8), cv2.IMREAD_UNCHANGED)
    assert codes.tolist() == [[1, 65535, 0, 0, 0, 65535, 0]]
    assert (pixels["invalid"], pixels["clipped"]) == (4 / 7, 1 / 7)
    for name in ("a.NPZ", "a_16bit.png"):
        (tmp_path / name).write_bytes(contents[".npz" if name == "a.NPZ" else "_16bit.png"])
        assert np.isnan(read_prediction(tmp_path / name)[0][0]).tolist() == [
            False,
            False,
            True,
            True,
            True,
            False,
            True,
        ]
    contents, pixels = encode_prediction(values[:, :5], "disparity")
    assert (pixels["invalid"], pixels["clipped"], pixels["grey"]["minimum"]) == (0.2, 0.0, -1.0)


def test_without_any_value_nothing_is_read_back(tmp_path: Path) -> None:
    files = write(np.full((2, 3), math.nan), "depth", tmp_path)
    assert np.isnan(read_prediction(files["_16bit.png"])[0]).all()


def test_other_files_are_refused(tmp_path: Path) -> None:
    files = write(np.ones((4, 5)), "depth", tmp_path)
    cv2.imwrite(str(tmp_path / "again.png"), cv2.imread(str(files["_16bit.png"]), cv2.IMREAD_UNCHANGED))
    (tmp_path / "broken.png").write_bytes(files["_16bit.png"].read_bytes()[:60])
    np.savez(tmp_path / "other.npz", values=np.ones((2, 2)))
    reasons = {
        "again.png": "with the text",
        "broken.png": "not a readable PNG",
        "other.npz": "with depth or disparity",
    }
    for name, reason in {**reasons, "a_depth.png": "expected NAME.npz, or NAME_16bit.png"}.items():
        with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
            read_prediction(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_prediction(tmp_path / "absent.png")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 1, "kind": "depth", "minimum": "a", "maximum": 2}',
        '{"version": 1, "kind": "other", "minimum": 1, "maximum": 2}',
        '{"version": 1, "kind": "depth", "minimum": NaN, "maximum": 2}',
        '{"version": 2, "kind": "depth", "minimum": 1, "maximum": 2}',
    ],
)
def test_a_text_of_another_meaning_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(np.ones((2, 3), np.uint16), {"depth_anything_hf.prediction": text}))
    with pytest.raises(ValueError, match=r"a\.png: expected NAME\.npz, or NAME_16bit\.png with the text"):
        read_prediction(tmp_path / "a.png")
