# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ARKitScenes: millimetres with confidence, two kinds of depth, and pictures that lie on their side."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from captured_datasets import write_arkitscenes
from dataset_files import CAMERA, HEIGHT, INVALID, OTHER, RGB, WIDTH, expected_depth, stored_depth, write_codes
from PIL import Image
from public_datasets import names_of

from depth_anything_hf.data.public.catalog import open_public


def test_millimetres_without_low_confidence(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("arkitscenes", roots["arkitscenes"], "train")
    assert names_of(samples) == ["raw/Training/47333462/lowres_wide/47333462_100.123.png"]
    expected = expected_depth()
    everything = open_public("arkitscenes", roots["arkitscenes"], "train", min_confidence=0)[0]["depth"]
    assert np.allclose(everything, expected, atol=0.00051, equal_nan=True)
    expected[OTHER] = np.nan
    assert np.allclose(samples[0]["depth"], expected, atol=0.00051, equal_nan=True)
    # The camera's name is one millisecond off.
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    assert len(open_public("arkitscenes", roots["arkitscenes"] / "raw")) == 2


def test_depth_of_the_laser_needs_no_confidence(tmp_path: pathlib.Path) -> None:
    write_arkitscenes(tmp_path)
    video = tmp_path / "raw" / "Training" / "47333462"
    Image.fromarray(RGB.repeat(2, axis=0).repeat(2, axis=1)).save(video / "lowres_wide" / "47333462_100.123.png")
    write_codes(video / "highres_depth" / "47333462_100.123.png", stored_depth(0, factor=2000))
    laser = open_public("arkitscenes", tmp_path, "train", depth="laser")[0]["depth"]
    # Maps that are smaller than their pictures become as large.
    assert laser.shape == (2 * HEIGHT, 2 * WIDTH) and np.isnan(laser[INVALID])
    assert np.allclose(laser[1::2, 1::2], expected_depth() * 2, atol=0.00051, equal_nan=True)


def test_upright_pictures_and_maps(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    stored, upright = (open_public("arkitscenes", roots["arkitscenes"], upright=each) for each in (False, True))
    left, down = upright[0], upright[1]
    # The sky is at the left border: the picture is turned clockwise.
    assert np.array_equal(left["image"], np.rot90(stored[0]["image"], -1))
    assert np.array_equal(left["depth"], np.rot90(stored[0]["depth"], -1), equal_nan=True)
    assert np.array_equal(down["depth"], stored[1]["depth"][::-1, ::-1], equal_nan=True)
    for sample, (row, column) in ((left, (5, 1)), (down, (0, 0))):
        # The point of a stored pixel is the point of the pixel that it was turned to, turned.
        values = sample["depth"]
        ray = np.linalg.inv(sample["intrinsics"]) @ [column, row, 1]
        first = stored[0] if sample is left else stored[1]
        place = (HEIGHT - 1 - column, row) if sample is left else (HEIGHT - 1 - row, WIDTH - 1 - column)
        was = np.linalg.inv(first["intrinsics"]) @ [place[1], place[0], 1]
        turned = [-was[1], was[0], 1] if sample is left else [-was[0], -was[1], 1]
        assert np.allclose(ray, turned) and values[row, column] == first["depth"][place]
    shutil.copytree(roots["arkitscenes"], tmp_path, dirs_exist_ok=True)
    (tmp_path / "raw" / "metadata.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"metadata\.csv: no such file; it tells where the sky is"):
        open_public("arkitscenes", tmp_path, upright=True)


def test_frames_of_3dod_have_no_confidence(tmp_path: pathlib.Path) -> None:
    write_arkitscenes(tmp_path / "downloaded")
    frames = tmp_path / "3dod" / "Training" / "47333462" / "47333462_frames"
    shutil.move(tmp_path / "downloaded" / "raw" / "Training" / "47333462", frames)
    shutil.rmtree(frames / "confidence")
    sample = open_public("arkitscenes", tmp_path / "3dod", "train")[0]
    assert sample["name"] == "Training/47333462/47333462_frames/lowres_wide/47333462_100.123.png"
    assert np.isfinite(sample["depth"]).sum() == HEIGHT * WIDTH - 1 and "intrinsics" in sample
    with pytest.raises(FileNotFoundError, match=r"1 file of ARKitScenes, split train, is missing:\n.*confidence"):
        open_public("arkitscenes", tmp_path, "train", min_confidence=2)


def test_wrong_choices_are_told(roots: dict[str, pathlib.Path]) -> None:
    with pytest.raises(ValueError, match="min_confidence must be one of"):
        open_public("arkitscenes", roots["arkitscenes"], min_confidence=3)
    with pytest.raises(ValueError, match="depth must be one of"):
        open_public("arkitscenes", roots["arkitscenes"], depth="faro")
    with pytest.raises(FileNotFoundError, match="found no sample of ARKitScenes"):
        open_public("arkitscenes", roots["arkitscenes"], depth="laser")
