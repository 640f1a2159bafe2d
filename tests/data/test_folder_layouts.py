# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Layouts of folders: which map belongs to which image, and what is told when none does."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from PIL import Image
from sample_files import write_pairs

from depth_anything_hf.data.datasets import DepthFolder


def test_depth_folder_by_stem(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["b", "a", "c"])
    folder = DepthFolder(tmp_path)
    assert folder.label == "depth" and len(folder) == 3
    samples = list(folder)  # type: ignore[call-overload]
    assert [pathlib.Path(sample["name"]).name for sample in samples] == ["a.png", "b.png", "c.png"]
    assert set(samples[0]) == {"image", "depth", "name"}
    assert np.array_equal(samples[0]["image"], rgb) and np.array_equal(samples[0]["depth"], depth)
    assert len(DepthFolder(tmp_path, limit=2)) == 2


def test_depth_folder_by_metadata(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "x.png")
    np.save(tmp_path / "y.npy", depth)
    np.save(tmp_path / "z.npy", 1 / depth)
    row = {"file_name": "x.png", "depth_file_name": "y.npy", "disparity_file_name": "z.npy", "scene": "kitchen"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n\n")
    assert np.array_equal(DepthFolder(tmp_path)[0]["depth"], depth)
    assert np.array_equal(DepthFolder(tmp_path, label="disparity")[0]["disparity"], 1 / depth)


def test_depth_folder_errors(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        DepthFolder(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"metadata.jsonl.*the folder is empty"):
        DepthFolder(tmp_path)
    with pytest.raises(ValueError, match="label must be one of"):
        DepthFolder(tmp_path, label="dept")
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text("")
    with pytest.raises(ValueError, match="no rows"):
        DepthFolder(tmp_path)
    metadata.write_text('{"file_name": "a.png", "depht_file_name": "a.npy"}\n')
    with pytest.raises(
        ValueError, match=r"line 1: expected the key 'depth_file_name', got .*\['depht_file_name', 'file_name'\]"
    ):
        DepthFolder(tmp_path)
    metadata.write_text('{"file_name": "a.png"\n')
    with pytest.raises(ValueError, match=r"line 1: expected a JSON object, .*not JSON"):
        DepthFolder(tmp_path)
    metadata.write_text("[1]\n")
    with pytest.raises(ValueError, match="expected a JSON object, got list"):
        DepthFolder(tmp_path)


def test_pairing_errors_of_depth_folder(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    (tmp_path / "depth" / "b.npy").unlink()
    with pytest.warns(UserWarning, match=r"1 of 2 images.*b\.png"):
        assert len(DepthFolder(tmp_path)) == 1
    np.save(tmp_path / "depth" / "a.npy", depth[:5])
    with pytest.warns(UserWarning, match="1 of 2 images"), pytest.raises(ValueError, match=r"6 x 8.*5 x 8") as caught:
        DepthFolder(tmp_path)[0]
    assert "a.png" in str(caught.value) and "a.npy" in str(caught.value)
    Image.fromarray(rgb).save(tmp_path / "images" / "a.jpg")
    with pytest.raises(ValueError, match="same name, except for the suffix"):
        DepthFolder(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"no image of .* has a label of the same name"):
        DepthFolder(tmp_path)
