# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rendered clips: smooth paths, poses that agree with the depth, one light, longer clips, any number of processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from depth_anything_hf.geometry.reprojection import find_in_view
from depth_anything_hf.rendering.camera_paths import CameraPath, camera_to_world
from depth_anything_hf.rendering.dataset import render_dataset
from depth_anything_hf.rendering.scene_geometry import Camera


CAMERA = Camera((1.0, 2.0, 1.5), 30.0, -10.0, 5.0, 60.0)
PATH = CameraPath(CAMERA, 25.0, 8.0, (0.1, 0.03, 0.2), (3.0, 1.0, 5.0), (0.0, 1.0, 2.0, 3.0))


def test_a_path_is_smooth_and_to_and_fro():
    headings = np.array([PATH.camera(frame).yaw_degrees for frame in range(240)])
    assert headings.max() == pytest.approx(55, abs=0.1) and headings.min() == pytest.approx(5, abs=0.1)
    assert PATH.camera(240).yaw_degrees == pytest.approx(headings[0])
    # 2 pi * 25 degrees in 8 s are 19.6 degrees a second.
    assert np.abs(np.diff(headings)).max() == pytest.approx(19.6 / 30, abs=0.01)
    places = np.array([PATH.camera(frame).position for frame in range(240)])
    assert np.linalg.norm(places - CAMERA.position, axis=1).max() < 0.25
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 0.02


def test_a_pose_has_the_axes_of_opencv():
    level = camera_to_world(Camera((1.0, 2.0, 3.0), 0.0, 0.0, 0.0, 60.0))
    # x right, y down (against the world's z), z forward (the world's y).
    np.testing.assert_allclose(level, [[1, 0, 0, 1], [0, 0, 1, 2], [0, -1, 0, 3], [0, 0, 0, 1]], atol=1e-12)
    turned = camera_to_world(CAMERA)[:3, :3]
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)


OPTIONS: dict[str, Any] = {
    "family": "hazy-rooms",
    "height": 36,
    "width": 48,
    "samples_per_pixel": 1,
    "haze": True,
    "clip": True,
    "first_scene": 500,
    "progress": False,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_poses_agree_with_the_depth_and_a_clip_may_be_made_longer(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")
    folder = render_dataset(tmp_path / "clip", count=3, **OPTIONS)
    short = contents(folder)
    render_dataset(folder, count=10, **OPTIONS)
    longer = contents(folder)
    assert all(longer[name] == held for name, held in short.items() if name.startswith(("images", "depth")))
    records = [json.loads(line) for line in longer["metadata.jsonl"].splitlines()]
    assert len(records) == 10 and len({record["haze_density_per_metre"] for record in records}) == 1
    first, last = records[0], records[-1]
    depths = [cv2.imread(str(folder / each["depth_file_name"]), cv2.IMREAD_UNCHANGED) for each in (first, last)]
    matrix = np.array([[first["fx"], 0, first["cx"]], [0, first["fy"], first["cy"]], [0, 0, 1]])
    poses = [np.array(each["camera_to_world"]) for each in (first, last)]
    seen = find_in_view(depths[1], poses[1], depths[0], poses[0], matrix)[2]
    assert seen.mean() > 0.7
    for wrong in ((poses[0], poses[1]), (poses[0], poses[0])):
        assert find_in_view(depths[1], wrong[0], depths[0], wrong[1], matrix)[2].mean() < seen.mean() - 0.1
    with pytest.raises(ValueError, match="clip was True, now False"):
        render_dataset(folder, count=10, **{**OPTIONS, "clip": False})
    with pytest.raises(ValueError, match="views_per_scene cannot be combined with clip"):
        render_dataset(tmp_path / "other", count=2, views_per_scene=2, **OPTIONS)


@pytest.mark.slow
def test_the_frames_are_the_same_with_two_processes(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")
    alone = render_dataset(tmp_path / "alone", count=18, **OPTIONS)
    together = render_dataset(tmp_path / "together", count=18, processes=2, **OPTIONS)
    assert contents(alone) == contents(together)
