# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""NYU Depth V2: MATLAB files, and every layout of PNG files."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from public_datasets import (
    DEPTH,
    RGB,
    SKY,
    expected_depth,
    genuine,
    names_of,
    stored_depth,
    write_codes,
    write_picture,
)

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_nyu_labelled_file(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("nyu", roots["nyu"])
    assert names_of(samples) == ["nyu_0001", "nyu_0003"]
    assert np.array_equal(samples[1]["image"], RGB + 2)
    assert np.allclose(samples[1]["depth"], expected_depth() + 2, equal_nan=True)
    assert np.isclose(samples[0]["intrinsics"][0, 2], 324.582449)
    filled = open_public("nyu", roots["nyu"], "train", filled=True)
    assert names_of(filled) == ["nyu_0002"] and np.array_equal(filled[0]["depth"], DEPTH + 100)
    (tmp_path / "splits.mat").write_bytes((roots["nyu"] / "splits.mat").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"1 file of NYU Depth V2.*\n.*nyu_depth_v2_labeled\.mat"):
        open_public("nyu", tmp_path)
    (tmp_path / "splits.mat").write_bytes(b"MATLAB 5.0 MAT-file, cut")
    with pytest.raises(UnreadableImageError, match=r"splits.mat: expected a readable MATLAB 5 file"):
        open_public("nyu", tmp_path)


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("official_splits/test/bathroom/rgb_00045.jpg", "official_splits/test/bathroom/sync_depth_00045.png"),
        ("test/bathroom/rgb_0045.png", "test/bathroom/depth_0045.png"),
        ("rgb/0045.png", "depth/0045.png"),
        ("bathroom_00045.jpg", "bathroom_00045.png"),
    ],
)
def test_nyu_as_16_bit_png(picture: str, label: str, tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / picture)
    write_codes(tmp_path / label, stored_depth(0, 65535, 1000))
    samples = open_public("nyu", tmp_path)
    assert len(samples) == 1
    depth = samples[0]["depth"]
    assert np.isnan(depth[SKY]) and np.allclose(depth[1:], DEPTH[1:], atol=0.00051)


def test_nyu_training_pictures_never_come_from_the_test_folder(tmp_path: pathlib.Path) -> None:
    for folder in ("official_splits/test/bathroom", "sync/kitchen_0001"):
        write_picture(tmp_path / folder / "rgb_00045.jpg")
        write_codes(tmp_path / folder / "sync_depth_00045.png", stored_depth(0, factor=1000))
    assert names_of(open_public("nyu", tmp_path, "train")) == ["kitchen_0001/rgb_00045.jpg"]
    assert names_of(open_public("nyu", tmp_path / "official_splits", "test")) == ["bathroom/rgb_00045.jpg"]
    with pytest.raises(FileNotFoundError, match="found no sample of NYU Depth V2, split train"):
        open_public("nyu", tmp_path / "official_splits", "train")


def test_nyu_as_png_filled(tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / "test/bathroom/rgb_0045.png")
    write_codes(tmp_path / "test/bathroom/depth_0045.png", stored_depth(0, factor=1000))
    write_codes(tmp_path / "test/bathroom/filled_0045.png", DEPTH * 1000)
    assert not np.isnan(open_public("nyu", tmp_path, "test", filled=True)[0]["depth"]).any()


def test_genuine_nyu() -> None:
    """A thumbnail of 120 x 160, with its 16-bit PNG in millimetres."""
    samples = open_public("nyu", genuine("nyu"))
    depth = samples[0]["depth"]
    assert names_of(samples) == ["bookstore_0001d_00001.jpg"]
    assert np.allclose([np.nanmin(depth), np.nanmedian(depth), np.nanmax(depth)], [1.485, 2.799, 10.0])
