# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Stray Scanner: frames of a video, or pictures that were taken out of it."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
from captured_datasets import write_stray
from dataset_files import CAMERA, OTHER, RGB, expected_depth, stored_depth
from PIL import Image
from public_datasets import names_of
from video_files import write_grey_video

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_millimetres_without_low_confidence(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("stray", roots["stray"])
    assert names_of(samples) == ["rgb/000000.jpg"]
    expected = expected_depth()
    expected[OTHER] = np.nan
    assert np.allclose(samples[0]["depth"], expected, atol=0.00051, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)


def test_smaller_pictures_have_no_camera_and_npy_is_read(tmp_path: pathlib.Path) -> None:
    write_stray(tmp_path / "scan")
    Image.fromarray(RGB.repeat(2, axis=0).repeat(2, axis=1)).save(tmp_path / "scan" / "rgb" / "000000.jpg")
    (tmp_path / "scan" / "depth" / "000000.png").unlink()
    np.save(tmp_path / "scan" / "depth" / "000000.npy", np.rint(stored_depth(0, factor=1000)).astype(np.uint16))
    sample = open_public("stray", tmp_path, min_confidence=0)[0]
    assert "intrinsics" not in sample and sample["depth"].shape == (12, 16)
    assert np.allclose(sample["depth"][::2, ::2], expected_depth(), atol=0.00051, equal_nan=True)


def test_frames_of_the_video(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("av")
    write_stray(tmp_path)
    shutil.rmtree(tmp_path / "rgb")
    for folder in ("depth", "confidence"):
        shutil.copy(tmp_path / folder / "000000.png", tmp_path / folder / "000003.png")
        shutil.copy(tmp_path / folder / "000000.png", tmp_path / folder / "000009.png")
    write_grey_video(tmp_path / "rgb.mp4", [40, 80, 120, 160, 200])
    samples = open_public("stray", tmp_path)
    assert [frame.name for frame in samples.frames] == ["rgb.mp4:0", "rgb.mp4:3", "rgb.mp4:9"]  # type: ignore[attr-defined]
    assert abs(int(samples[1]["image"].mean()) - 160) <= 3 and samples[1]["depth"].shape == (48, 64)
    with pytest.raises(UnreadableImageError, match=r"rgb\.mp4: has 5 frames, and no frame 9"):
        samples[2]
