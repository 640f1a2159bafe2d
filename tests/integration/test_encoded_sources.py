# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels as devices write them, from folders and tables to samples."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest
from encoded_maps import apple_jpeg, colmap, npy, png
from PIL import Image

from depth_anything_hf.data import open_source
from depth_anything_hf.data.decoding.errors import BrokenSampleError


DEPTH = np.linspace(1, 4, 12 * 16).reshape(12, 16)
MILLIMETRES = (DEPTH * 1000).round().astype(np.uint16)


def picture(path: Path, size: tuple[int, int] = (16, 12), orientation: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.new("RGB", size, (30, 90, 200)).save(path, exif=exif)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A picture four times as large as its map."""
    picture(tmp_path / "images" / "a.jpg", (64, 48))
    write(tmp_path / "depth" / "a.png", png(MILLIMETRES))
    return tmp_path


def test_a_smaller_map_is_enlarged_by_the_nearest_value(phone: Path) -> None:
    sample = open_source({"path": str(phone), "encoding": "arkit"})[0]
    expected = np.repeat(np.repeat(MILLIMETRES / 1000, 4, axis=0), 4, axis=1)
    np.testing.assert_allclose(sample["depth"], expected, rtol=1e-6)
    with pytest.raises(BrokenSampleError, match="they must agree pixel by pixel"):
        open_source({"path": str(phone), "scale": 1000})[0]


def test_a_map_of_another_ratio_is_refused(phone: Path) -> None:
    write(phone / "depth" / "a.png", png(MILLIMETRES[:, :12]))
    with pytest.raises(BrokenSampleError, match=r"a\.png is 12 x 12 \(height x width\)"):
        open_source({"path": str(phone), "encoding": "mm"})[0]


@pytest.mark.filterwarnings("ignore:.*EXIF orientation")
def test_a_smaller_map_of_the_sensor_beside_a_turned_picture(phone: Path) -> None:
    picture(phone / "images" / "a.jpg", (64, 48), orientation=6)
    sample = open_source({"path": str(phone), "encoding": "mm"})[0]
    assert sample["image"].shape == (48, 64, 3) and sample["depth"].shape == (48, 64)


def test_disparity_becomes_metres_by_its_rig(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    codes = np.round(700 * 0.5 / DEPTH * 256 / 8).astype(np.uint16)
    write(tmp_path / "disparity" / "a.png", png(codes))
    metric = open_source({"path": str(tmp_path), "encoding": "kitti_disparity:focal=87.5,baseline=0.5"})
    assert metric.label == "depth"
    np.testing.assert_allclose(metric[0]["depth"], DEPTH, rtol=1e-3)
    relative = open_source({"path": str(tmp_path), "encoding": "kitti_disparity"})
    np.testing.assert_allclose(relative[0]["disparity"], codes / 256, rtol=1e-6)


def test_colmap_names_its_maps_after_the_pictures(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.jpg")
        write(tmp_path / "depth" / f"{name}.jpg.geometric.bin", colmap(DEPTH))
    samples = open_source(str(tmp_path))
    assert len(samples) == 2
    np.testing.assert_allclose(samples[1]["depth"], DEPTH, rtol=1e-6)


def test_photographs_that_hold_their_own_depth(tmp_path: Path) -> None:
    codes = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], 24, axis=0)
    for name in ("a", "b"):
        write(tmp_path / f"{name}.jpg", apple_jpeg(codes, "disparity", 0.5, 4.5))
    samples = open_source({"path": str(tmp_path), "encoding": "apple_jpeg"})
    assert len(samples) == 2 and samples.label == "disparity"
    assert samples[0]["image"].shape == (24, 32, 3)
    np.testing.assert_allclose(samples[0]["disparity"], 0.5 + codes / 255 * 4, atol=0.1)
    # Without the encoding they are photographs, as ever.
    assert open_source(str(tmp_path)).label is None


def test_tables_and_streams(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    rows = {"image": [(tmp_path / "a.png").read_bytes()], "depth": [png(MILLIMETRES << 3)]}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "t" / "train.parquet")
    source = {"path": str(tmp_path / "t"), "encoding": "sunrgbd"}
    table = open_source(source)
    np.testing.assert_allclose(table[0]["depth"], MILLIMETRES / 1000, rtol=1e-6)
    stream = open_source({**source, "streaming": True})
    row = next(iter(stream.shard(0)))
    np.testing.assert_allclose(stream.read(row, 0, 0)["depth"], MILLIMETRES / 1000, rtol=1e-6)


def test_numbers_of_a_table_have_no_encoding(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    rows = {"image": [(tmp_path / "a.png").read_bytes()], "depth": [MILLIMETRES.tolist()]}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "t" / "train.parquet")
    table = open_source({"path": str(tmp_path / "t"), "encoding": "mm"})
    with pytest.raises(ValueError, match="encoding 'mm' is for files, and these are numbers"):
        table[0]


def test_public_datasets_have_their_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="encoding is fixed for the dataset nyu; leave it out"):
        open_source({"path": str(tmp_path), "kind": "nyu", "encoding": "mm"})


def test_the_largest_depth_still_counts(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "depth" / "a.npy", npy(np.where(DEPTH < 2, np.inf, DEPTH)))
    depth = open_source({"path": str(tmp_path), "encoding": "npz", "max_depth": 3})[0]["depth"]
    assert np.isinf(depth[DEPTH < 2]).all() and np.isnan(depth[DEPTH > 3]).all()
