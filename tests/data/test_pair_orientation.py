# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Image and label come into one orientation, in folders, tables and streams."""

from __future__ import annotations

import io
import pathlib
import warnings

import datasets
import numpy as np
import pytest
from sample_files import encode, pseudo_label_table

from depth_anything_hf.data.decoding.orientation import turn_back, turn_upright
from depth_anything_hf.data.sources import DataSource, open_source


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An upright image whose red is its label's depth, the two different everywhere."""
    depth = 1 + np.arange(height * width, dtype=np.float32).reshape(height, width)
    return np.repeat(depth[..., None], 3, axis=2).astype(np.uint8), depth


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def sample_of(root: pathlib.Path, image: bytes, label: bytes, suffix: str, where: str, **options: object) -> dict:
    if where == "folder":
        for name, content in (("images/0.png", image), (f"depth/0{suffix}", label)):
            (root / name).parent.mkdir()
            (root / name).write_bytes(content)
        return open_source(DataSource(str(root), **options))[0]
    datasets.Dataset.from_dict({"image": [image], "depth": [label]}).to_parquet(root / "a.parquet")
    opened = open_source(DataSource(str(root), streaming=where == "stream", **options))
    if where == "table":
        return opened[0]
    return opened.read(next(iter(opened.shard(0))), 0, 0)


@pytest.mark.parametrize("where", ["folder", "table", "stream"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 7])
@pytest.mark.parametrize("size", [(6, 8), (6, 6)])
@pytest.mark.parametrize("label", ["sensor", "tagged png", "tagged tiff"])
def test_pairs_turn_together(
    tmp_path: pathlib.Path, table_cache: None, where: str, orientation: int, size: tuple[int, int], label: str
) -> None:
    upright, depth = scene(*size)
    image, stored = turn_back(upright, orientation), turn_back(depth, orientation)
    kind, suffix = ("TIFF", ".tiff") if label == "tagged tiff" else ("PNG", ".png")
    content = npy(stored) if label == "sensor" else encode(stored.astype(np.uint16), kind, orientation)
    suffix = ".npy" if label == "sensor" else suffix
    with pytest.warns(UserWarning, match=rf"EXIF orientation {orientation} and is (not )?turned, because"):
        sample = sample_of(tmp_path, encode(image, "PNG", orientation), content, suffix, where, scale=1)
    assert np.array_equal(sample["image"][..., 0], sample["depth"])
    is_upright = label != "sensor"
    assert np.array_equal(sample["depth"], depth if is_upright else stored)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_sizes_tell_where_they_can(tmp_path: pathlib.Path, orientation: int) -> None:
    upright, depth = scene(6, 8)
    content = encode(turn_back(upright, orientation), "PNG", orientation)
    with pytest.warns(UserWarning, match="and is turned, because the sizes of image and label tell"):
        sample = sample_of(tmp_path, content, npy(depth), ".npy", "folder")
    assert np.array_equal(sample["image"], upright) and np.array_equal(sample["depth"], depth)


def test_the_first_pair_is_told_and_no_other(tmp_path: pathlib.Path) -> None:
    upright, depth = scene(6, 8)
    for folder in ("images", "depth"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        (tmp_path / "images" / f"{name}.png").write_bytes(encode(upright, "PNG", 3))
        np.save(tmp_path / "depth" / f"{name}.npy", depth)
    opened = open_source(tmp_path)
    with pytest.warns(UserWarning, match=r"a\.png: the image has the EXIF orientation 3 and is not turned") as told:
        _ = opened[0], opened[1]
    assert len(told) == 1


@pytest.mark.parametrize(("exif", "is_turned"), [("apply", True), ("ignore", False)])
def test_who_knows_may_decide(tmp_path: pathlib.Path, exif: str, is_turned: bool) -> None:
    upright, depth = scene(6, 8)
    content = encode(upright, "PNG", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample = sample_of(tmp_path, content, npy(depth), ".npy", "folder", exif=exif)
    assert np.array_equal(sample["image"], turn_upright(upright, 3) if is_turned else upright)
    assert np.array_equal(sample["depth"], depth)


def test_ignored_orientations_leave_a_tiff_as_it_is_stored(tmp_path: pathlib.Path) -> None:
    stored, depth = scene(6, 8)
    label = encode(depth.astype(np.uint16), "TIFF", 6)
    sample = sample_of(tmp_path, encode(stored, "PNG", 6), label, ".tiff", "folder", exif="ignore", scale=1)
    assert np.array_equal(sample["image"], stored) and np.array_equal(sample["depth"], depth)


def test_pseudo_labels_belong_to_upright_images(tmp_path: pathlib.Path, table_cache: None) -> None:
    upright, depth = scene(6, 8)
    table = pseudo_label_table(upright, [depth])
    content = encode(turn_back(upright, 3), "PNG", 3)
    cells = [{"bytes": content, "path": None}]
    table = table.remove_columns("image").add_column("image", cells).cast_column("image", datasets.Image())
    table.to_parquet(tmp_path / "a.parquet")
    sample = open_source(tmp_path)[0]
    assert np.array_equal(sample["image"], upright) and np.allclose(sample["disparity"], depth, atol=0.01)


def test_photographs_are_turned_upright(tmp_path: pathlib.Path) -> None:
    upright, _ = scene(6, 8)
    (tmp_path / "a.png").write_bytes(encode(turn_back(upright, 3), "PNG", 3))
    assert np.array_equal(open_source(tmp_path)[0]["image"], upright)
    with pytest.raises(ValueError, match="exif is for labelled data"):
        DataSource(str(tmp_path), kind="photos", exif="ignore")
    with pytest.raises(ValueError, match=r"exif must be one of \['auto', 'apply', 'ignore'\]"):
        DataSource(str(tmp_path), exif="no")
