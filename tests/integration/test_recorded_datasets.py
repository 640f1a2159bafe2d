# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Genuine maps of devices in the layouts of the public datasets that hold such maps: unit, holes and size."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import cv2
import numpy as np
import pytest
from shared_files import device_file

from depth_anything_hf.data.public.catalog import open_public


SUN = {"SUNRGBD/kv1/a/intrinsics.txt": "529.5 0 365 0 529.5 265 0 0 1"}
TUM = {"freiburg1/rgb.txt": "# comment\n1.000 rgb/1.000.png\n", "freiburg1/depth.txt": "1.015 depth/1.015.png\n"}
POLYCAM = {"keyframes/cameras/1.json": '{"fx": 780, "fy": 780, "cx": 512, "cy": 384}'}
CASES = {
    "sunrgbd": ("sunrgbd_bitrot", "SUN_depth.png", "SUNRGBD/kv1/a/image/a.jpg", "SUNRGBD/kv1/a/depth/a.png", SUN),
    "tum": ("tum_5000", "TUM_depth.png", "freiburg1/rgb/1.000.png", "freiburg1/depth/1.015.png", TUM),
    "scannet": ("redwood_mm", "00000.png", "scene0000_00/color/0.jpg", "scene0000_00/depth/0.png", {}),
    "stray": (
        "arkit_lidar_mm",
        "arkit_depth.png",
        "rgb/000000.jpg",
        "depth/000000.png",
        {"camera_matrix.csv": "1600, 0, 960\n0, 1600, 720\n0, 0, 1"},
    ),
    "polycam": ("arkit_lidar_mm", "arkit_depth.png", "keyframes/images/1.jpg", "keyframes/depth/1.png", POLYCAM),
    "arkitscenes": (
        "arkit_lidar_mm",
        "arkit_depth.png",
        "raw/Training/1/lowres_wide/1_2.png",
        "raw/Training/1/lowres_depth/1_2.png",
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_genuine_maps_keep_their_unit(name: str, tmp_path: pathlib.Path) -> None:
    folder, stored, picture, depth, texts = CASES[name]
    source = device_file(folder, stored)
    meta: dict[str, Any] = json.loads(device_file(folder, "meta.json").read_text(encoding="utf-8"))
    width, height = meta["size_wh"]
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for path in (picture, depth):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    # Pictures of phones are larger.
    factor = 2 if name in ("stray", "polycam") else 1
    cv2.imwrite(str(tmp_path / picture), np.full((height * factor, width * factor, 3), 90, np.uint8))
    shutil.copy(source, tmp_path / depth)
    values = open_public(name, tmp_path)[0]["depth"]
    assert values.shape == (height * factor, width * factor)
    finite, told = values[np.isfinite(values)], meta["statistics_m"]
    found = {"min": finite.min(), "median": np.median(finite), "max": finite.max()}
    assert all(found[key] == pytest.approx(told[key], rel=1e-3) for key in found), found
    assert finite.size / values.size == pytest.approx(told["valid_share"], abs=1e-3)
