# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of CARLA: names of folders, the view, and pictures for viewing."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from dataset_files import DEPTH, expected_depth, write_bytes, write_picture
from encoded_maps import png
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public


def test_carla(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("carla", roots["carla"])
    assert names_of(samples) == ["rgb_0/rgb_1.png", "run/CameraRGB/07.jpg"]
    for index in range(2):
        np.testing.assert_allclose(samples[index]["depth"], expected_depth(sky=True), atol=3.1e-5)
    np.testing.assert_allclose(samples[0]["intrinsics"], np.array([[4, 0, 3.5], [0, 4, 2.5], [0, 0, 1]]))
    narrow = open_public("carla", roots["carla"], picture_word="rgb", fov=53.13010235415598, limit=1)[0]
    assert narrow["intrinsics"][0, 0] == pytest.approx(8)
    assert "intrinsics" not in open_public("carla", roots["carla"], fov=None)[0]
    with pytest.raises(ValueError, match="fov must be between 0 and 180 degrees, got 180"):
        open_public("carla", roots["carla"], fov=180)


def test_pictures_for_viewing_are_refused(tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / "rgb" / "1.png")
    grey = np.repeat((DEPTH * 12).astype(np.uint8)[..., None], 3, axis=2)
    write_bytes(tmp_path / "depth" / "1.png", png(grey))
    with pytest.raises(UnreadableImageError, match=r"1\.png: a grey picture for viewing, .* ColorConverter\.Raw"):
        open_public("carla", tmp_path)[0]
    # White everywhere is the far plane, seen by nothing but sky.
    write_bytes(tmp_path / "depth" / "1.png", png(np.full_like(grey, 255)))
    assert np.isinf(open_public("carla", tmp_path)[0]["depth"]).all()
