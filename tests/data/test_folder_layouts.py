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

from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.sources import open_source


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


LAYOUTS = {
    "canonical": ("images/{}.png", "depth/{}.npy"),
    "rgb": ("rgb/{}.png", "depth/{}.npy"),
    "capitals": ("Images/{}.png", "Depth/{}.npy"),
    "American": ("color/{}.png", "depth-maps/{}.npy"),
    "splits above": ("train/images/{}.png", "train/depth/{}.npy"),
    "splits below": ("images/train/{}.png", "depth/train/{}.npy"),
    "scenes": ("kitchen/rgb/{}.png", "kitchen/depth/{}.npy"),
    "scenes of splits": ("data/training/kitchen/rgb/{}.png", "data/training/kitchen/depths/{}.npy"),
    "words in names": ("rgb/rgb_{}.png", "depth/sync_depth_{}.npy"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_common_layouts_are_pairs_and_their_labels_no_photographs(
    tmp_path: pathlib.Path, rgb: np.ndarray, layout: str
) -> None:
    for number in range(2):
        image, label = (tmp_path / name.format(number) for name in LAYOUTS[layout])
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(image)
        np.save(label, np.full(rgb.shape[:2], number + 1, np.float32))
    for source in ({"label": "depth"}, {}):
        opened = open_source({"path": str(tmp_path), **source})
        assert opened.label == "depth" and [opened[i]["depth"][0, 0] for i in range(2)] == [1, 2]
    photos = open_source({"path": str(tmp_path), "kind": "photos"})
    assert [pathlib.Path(name) for name in photos.names] == [
        tmp_path / LAYOUTS[layout][0].format(number) for number in range(2)
    ]
    with pytest.raises((FileNotFoundError, ValueError), match="disparity"):
        open_source({"path": str(tmp_path), "label": "disparity"})


@pytest.mark.parametrize("layout", ["splits above", "splits below", "scenes of splits"])
def test_only_the_split_that_is_asked_for_is_taken(
    tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray, layout: str
) -> None:
    for split in ("train", "val"):
        for name in LAYOUTS[layout]:
            path = tmp_path / name.replace("training", "train").replace("train", split).format(split)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgb).save(path) if path.suffix == ".png" else np.save(path, depth)
    for split, stem in (("train", "train"), ("val", "val"), ("validation", "val"), ("training", "train")):
        opened = open_source({"path": str(tmp_path), "split": split, "label": "depth"})
        assert len(opened) == 1 and opened[0]["name"].endswith(f"{stem}.png")
    with pytest.raises(ValueError, match="no split 'foo'; set split to one of"):
        open_source({"path": str(tmp_path), "split": "foo"})


def test_a_split_of_an_undivided_folder_is_refused(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["a"])
    with pytest.raises(ValueError, match="no split 'test': the folder is not divided"):
        open_source({"path": str(tmp_path), "split": "test"})
    with pytest.raises(ValueError, match="no split 'test': the folder is not divided"):
        open_source({"path": str(tmp_path / "images"), "split": "test"})


def test_two_folders_that_could_be_meant_are_named(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["a"])
    (tmp_path / "rgb").mkdir()
    assert open_source(tmp_path)[0]["name"].endswith("images/a.png")
    (tmp_path / "images").rename(tmp_path / "color")
    with pytest.raises(ValueError, match=r"each of color/, rgb/ could hold the images"):
        open_source(tmp_path)


@pytest.mark.parametrize("asked", [{"label": "depth"}, {"scale": 1000}, {"sky_value": 65535}])
def test_who_asks_for_labels_gets_no_photographs(tmp_path: pathlib.Path, rgb: np.ndarray, asked: dict) -> None:
    (tmp_path / "left").mkdir()
    Image.fromarray(rgb).save(tmp_path / "left" / "a.png")
    with pytest.raises(FileNotFoundError, match=rf"{next(iter(asked))} asks for .*images/ .*beside depth/"):
        open_source({"path": str(tmp_path), **asked})
    with pytest.raises(ValueError, match="is for labelled data"):
        open_source({"path": str(tmp_path / "left" / "a.png"), **asked})
    with pytest.raises(ValueError, match="kind 'photos' is read without labels"):
        open_source({"path": str(tmp_path), "kind": "photos", **asked})


def test_linked_folders_are_followed_once(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path / "far", rgb, depth, ["a"])
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far" / "images")
    (tmp_path / "here" / "loop").symlink_to(tmp_path / "here")
    (tmp_path / "here" / "again").symlink_to(tmp_path / "far" / "images")
    assert len(PhotoFolder(tmp_path / "here")) == 1
    (tmp_path / "linked").symlink_to(tmp_path / "far")
    assert len(open_source({"path": str(tmp_path / "linked"), "label": "depth"})) == 1


def test_the_splits_of_photographs_that_are_not_read_are_told(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        for name in ("a", "b"):
            Image.fromarray(rgb).save(tmp_path / split / f"{name}.png")
    with pytest.warns(UserWarning, match=r"of its splits train/ is read, and not val/; set split"):
        assert len(open_source({"path": str(tmp_path), "kind": "photos"})) == 2
    assert len(open_source({"path": str(tmp_path), "kind": "photos", "split": "val"})) == 2
    assert len(open_source({"path": str(tmp_path), "kind": "photos", "split": ""})) == 4
