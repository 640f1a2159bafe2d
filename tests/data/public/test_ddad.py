# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DDAD: points of a laser, moved by poses and drawn into the picture."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from captured_datasets import write_ddad
from dataset_files import CAMERA, expected_depth
from public_datasets import names_of

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.ddad import draw_points


def test_points_become_a_map(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("ddad", roots["ddad"])
    # One more point lies behind another, and one behind the camera.
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=1e-4, equal_nan=True)
    middle = CAMERA - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    assert np.array_equal(samples[0]["intrinsics"], middle)
    assert names_of(open_public("ddad", roots["ddad"], "train")) == ["ddad_train_val/000000/rgb/CAMERA_01/15.png"]
    assert len(open_public("ddad", roots["ddad"] / "ddad_train_val", "val")) == 1
    with pytest.raises(FileNotFoundError, match="found no sample of DDAD"):
        open_public("ddad", roots["ddad"], cameras=["CAMERA_05"])


def test_the_nearest_point_of_a_pixel_counts() -> None:
    camera = np.array([[10.0, 0, 1], [0, 10, 1], [0, 0, 1]])
    points = np.array([[0, 0, 5.0], [0, 0, 2], [0, 0, 9], [0.1, 0, 1], [-0.14, 0, 1], [0, 0, -3], [np.nan, 0, 1]])
    depth = draw_points(points, camera, 3, 3)
    assert depth[1, 1] == 2 and depth[1, 2] == 1 and depth[1, 0] == 1
    assert np.isfinite(depth).sum() == 3 and depth.dtype == np.float32
    assert np.isnan(draw_points(points[:0], camera, 3, 3)).all()


def test_missing_and_damaged_lists_are_told(tmp_path: pathlib.Path) -> None:
    write_ddad(tmp_path)
    scene = tmp_path / "ddad_train_val" / "000150" / "scene_1a.json"
    scene.write_text(json.dumps({"samples": []}))
    with pytest.raises(UnreadableImageError, match=r"scene_1a\.json: expected data and samples"):
        open_public("ddad", tmp_path)
    scene.unlink()
    with pytest.raises(FileNotFoundError, match=r"1 file of DDAD.* is missing:\n.*scene_1a\.json"):
        open_public("ddad", tmp_path)
