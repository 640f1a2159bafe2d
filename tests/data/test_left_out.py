# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search for photographs leaves out is told, and depth maps are never among them."""

from __future__ import annotations

import pathlib
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image
from sample_files import write_pairs

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES
from depth_anything_hf.data.folder_layouts import images_in
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.inference.prediction_sources import find_image_files


def test_every_suffix_that_can_be_read_is_taken(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for suffix in IMAGE_SUFFIXES:
        kind = {".jfif": "JPEG", ".jpe": "JPEG", ".pnm": "PPM"}.get(suffix)
        Image.fromarray(rgb).save(tmp_path / f"{suffix[1:]}{suffix}", kind)
    photos = PhotoFolder(tmp_path)
    assert len(photos) == len(IMAGE_SUFFIXES) >= 15
    assert all(photos[i]["image"].shape == rgb.shape for i in range(len(photos)))


def test_what_is_left_out_is_counted_by_kind_in_one_line(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    names = ["b.CR2", "c.cr2", "d.mp4", "README", "LICENSE", "notes.txt", "list.json", "f"]
    is_read = ".heic" in IMAGE_SUFFIXES
    for name in names if is_read else [*names, "e.heic"]:
        (tmp_path / name).write_bytes(b"x")
    with pytest.warns(UserWarning, match="left out") as told:
        PhotoFolder(tmp_path)
    assert len(told) == 1
    message = str(told[0].message)
    assert "left out 2 .cr2, 1 " in message and "1 .mp4, 1 without suffix" in message
    assert ("1 .heic" in message and "depth_anything_hf[heif]" in message) is not is_read


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_folders_of_maps_are_no_photographs(tmp_path: pathlib.Path, rgb: np.ndarray, suffix: str) -> None:
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}{suffix}"), np.full((6, 8), 2000, np.uint16))
    with pytest.raises(ValueError, match=rf"all 2 {suffix} files are 16-bit .*set label: depth"):
        PhotoFolder(tmp_path)
    assert len(PhotoFolder([tmp_path / f"a{suffix}"])) == 1
    Image.fromarray(rgb).save(tmp_path / f"c{suffix}")
    with pytest.warns(UserWarning, match=rf"left out 2 {suffix}: 16-bit"):
        assert len(PhotoFolder(tmp_path)) == 1


def test_maps_beside_photographs_of_another_suffix_are_left_out(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for frame in ("a", "b"):
        Image.fromarray(rgb).save(tmp_path / f"{frame}.jpg")
        cv2.imwrite(str(tmp_path / f"{frame}.png"), np.full((6, 8), 2000, np.uint16))
    with pytest.warns(UserWarning, match=r"left out 2 \.png: 16-bit"):
        assert [path.name for path in images_in(tmp_path)] == ["a.jpg", "b.jpg"]
    with pytest.warns(UserWarning, match=r"left out 2 \.png: 16-bit"):
        assert [file.name for file in find_image_files([tmp_path])] == ["a.jpg", "b.jpg"]


def test_maps_and_animations_of_any_size_are_told(
    tmp_path: pathlib.Path, rgb: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More pixels than are decoded, as those of aerial pictures.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", rgb[..., 0].size)
    larger = np.zeros((3 * rgb.shape[0], rgb.shape[1]))
    Image.fromarray(rgb).save(tmp_path / "a.png")
    Image.fromarray(larger.astype(np.uint8)).save(tmp_path / "a_depth.png")
    cv2.imwrite(str(tmp_path / "b.png"), larger.astype(np.uint16))
    frame = Image.fromarray(larger.astype(np.uint8))
    frame.save(tmp_path / "c.gif", save_all=True, append_images=[Image.fromarray(larger.astype(np.uint8) + 1)])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert [file.name for file in find_image_files([tmp_path])] == ["a.png", "c.gif"]
    messages = " ".join(str(each.message) for each in told)
    assert "left out 1 .png: 16-bit" in messages and "left out 1 .png: grey" in messages
    assert "1 .gif with several frames" in messages


def test_labels_and_images_without_the_other_are_counted(
    tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    (tmp_path / "images" / "b.png").unlink()
    with pytest.warns(UserWarning, match=r"1 of 2 labels have no image in .* and are skipped, e\.g\. .*b\.npy"):
        assert len(open_source(tmp_path)) == 1
    (tmp_path / "depth" / "b.npy").unlink()
    (tmp_path / "depth" / "b.jpg").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"depth: left out 1 \.jpg"):
        assert len(open_source(tmp_path)) == 1


def test_grey_maps_in_a_folder_of_labels_are_no_photographs(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for folder in ("pictures", "depth"):
        (tmp_path / folder).mkdir()
        Image.fromarray(rgb[..., 0] if folder == "depth" else rgb).save(tmp_path / folder / "a.png")
    with pytest.warns(UserWarning, match=r"left out 1 \.png: in a folder with the name of labels"):
        assert len(PhotoFolder(tmp_path)) == 1
