# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders and tables of images and labels, on real files."""

from __future__ import annotations

import pathlib

import cv2
import datasets
import numpy as np
import pytest
from PIL import Image
from sample_files import png_bytes, pseudo_label_table, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, DepthTable, PhotoFolder
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def test_label_conventions_of_depth(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    depth[0, :5] = np.nan, np.inf, 0, -1, -np.inf
    depth[1, :3] = 90, 7.25, 10_000
    write_pairs(tmp_path, rgb, depth, ["a"])
    label = DepthFolder(tmp_path, invalid_values=(0, 7.25), sky_value=10_000, max_depth=80)[0]["depth"]
    expected = depth.copy()
    expected[0, :5] = np.nan, np.inf, np.nan, np.nan, np.nan
    expected[1, :3] = np.nan, np.nan, np.inf
    assert np.array_equal(label, expected, equal_nan=True)
    assert np.array_equal(DepthFolder(tmp_path)[0]["depth"][1, :3], [90, 7.25, 10_000])


def test_integer_depth_and_its_sky(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, np.zeros((6, 8), dtype=np.float32), [])
    Image.fromarray(rgb).save(tmp_path / "images" / "a.png")
    stored = np.full((6, 8), 250, dtype=np.uint16)
    stored[0, :2] = 0, 65535
    cv2.imwrite(str(tmp_path / "depth" / "a.png"), stored)
    label = DepthFolder(tmp_path, scale=100, sky_value=65535, max_depth=80)[0]["depth"]
    assert np.isnan(label[0, 0]) and label[0, 1] == np.inf and (label[1:] == 2.5).all()
    with pytest.raises(ValueError, match="set scale, the stored units per metre"):
        DepthFolder(tmp_path)[0]


def test_label_conventions_of_disparity(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "disparity").mkdir()
    for name in ("float", "integer"):
        Image.fromarray(rgb).save(tmp_path / "images" / f"{name}.png")
    depth[0, :3] = 0, np.inf, np.nan
    np.save(tmp_path / "disparity" / "float.npy", depth)
    stored = np.full((6, 8), 9, dtype=np.uint16)
    stored[0, 0] = 0
    cv2.imwrite(str(tmp_path / "disparity" / "integer.png"), stored)
    folder = DepthFolder(tmp_path, label="disparity")
    of_float, of_integer = folder[0]["disparity"], folder[1]["disparity"]
    assert of_float[0, 0] == 0 and np.isnan(of_float[0, 1:3]).all() and np.isfinite(of_float[1:]).all()
    assert np.isnan(of_integer[0, 0]) and (of_integer[1:] == 9).all()


def test_a_label_without_any_valid_pixel_is_returned(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, np.zeros((6, 8), dtype=np.float32), ["a"])
    assert np.isnan(DepthFolder(tmp_path)[0]["depth"]).all()


def test_photo_folder(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for name in ("b.PNG", "a.jpg", "sub/c.webp", ".hidden/d.png", ".e.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text") if path.suffix == ".txt" else Image.fromarray(rgb).save(path)
    photos = PhotoFolder(tmp_path)
    names = [pathlib.Path(sample["name"]).name for sample in photos]  # type: ignore[attr-defined]
    assert names == ["a.jpg", "b.PNG", "c.webp"] and photos.label is None
    assert set(photos[0]) == {"image", "name"}
    assert len(PhotoFolder(tmp_path, limit=2)) == 2
    listed = PhotoFolder([tmp_path / "b.PNG", tmp_path / "a.jpg"])
    assert [pathlib.Path(listed[i]["name"]).name for i in range(2)] == ["b.PNG", "a.jpg"]
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        PhotoFolder(tmp_path / ".hidden" / "..", limit=0)
    with pytest.raises(FileNotFoundError):
        PhotoFolder(tmp_path / "absent")
    with pytest.raises(ValueError, match="empty"):
        PhotoFolder([])


def test_depth_table_of_nested_lists_and_names(rgb: np.ndarray, depth: np.ndarray) -> None:
    depth[0, 0] = 0
    rows = {"picture": [{"bytes": png_bytes(rgb), "path": None}] * 2, "depth_map": [depth.tolist()] * 2}
    table = datasets.Dataset.from_dict({**rows, "name": ["first", "second"]})
    dataset = DepthTable(table, image_column="picture", label="depth", limit=1)
    sample = dataset[0]
    assert len(dataset) == 1 and sample["name"] == "first"
    assert np.isnan(sample["depth"][0, 0]) and np.allclose(sample["depth"][1:], depth[1:])


def test_tables_apply_exif_orientation(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    cell = {"bytes": png_bytes(Image.fromarray(np.ascontiguousarray(np.rot90(rgb))), exif=exif), "path": "turned.png"}
    table = datasets.Dataset.from_dict({"image": [cell]}, features=datasets.Features(image=datasets.Image()))
    sample = DepthTable(table)[0]
    assert np.array_equal(sample["image"], rgb) and sample["name"] == "turned.png"


def test_depth_table_errors(rgb: np.ndarray, depth: np.ndarray) -> None:
    table = pseudo_label_table(rgb, [depth])
    with pytest.raises(ValueError, match=r"expected a column photo, got .*'image', 'disparity'.*with image_column"):
        DepthTable(table, image_column="photo")
    with pytest.raises(ValueError, match=r"expected a column depth or depth_map, got .*with label_column"):
        DepthTable(table, label="depth")
    with pytest.raises(TypeError, match="map-style"):
        DepthTable(table.to_iterable_dataset())
    with pytest.raises(ValueError, match="no rows"):
        DepthTable(table.select([]))
    broken = datasets.Dataset.from_dict({"image": [{"bytes": b"nothing", "path": None}]})
    with pytest.raises(UnreadableImageError, match="row 0"):
        DepthTable(broken)[0]
    missing = datasets.Dataset.from_dict({"image": [{"bytes": png_bytes(rgb), "path": None}], "depth": [None]})
    with pytest.raises(UnreadableImageError, match=r"row 0.*'depth' is empty"):
        DepthTable(missing, label="depth")[0]
    small = pseudo_label_table(rgb, [depth[:3]])
    with pytest.raises(ValueError, match=r"6 x 8.*3 x 8"):
        DepthTable(small, label="disparity")[0]
