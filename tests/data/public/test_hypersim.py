# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hypersim: planar depth by the camera of each scene, splits, and images without a preview."""

from __future__ import annotations

import csv
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image
from public_datasets import (
    CAMERA,
    DEPTH,
    HEIGHT,
    WIDTH,
    genuine,
    names_of,
    projection_of,
    quiet_about_cameras,
    stored_depth,
    write_hdf5,
    write_hypersim,
)

from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.hypersim import hypersim_tone_map, intrinsics_of_projection
from depth_anything_hf.geometry.camera import distance_to_planar_depth


def tilted_camera() -> np.ndarray:
    angle = np.radians(7)
    return np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])


def test_tilt_shift_projections_are_taken_apart() -> None:
    shifted = np.array([[880.0, 0, 572.5], [0, 890.0, 460.0], [0, 0, 1]])
    for turn in (np.eye(3), tilted_camera()):
        projection = projection_of(shifted, 768, 1024, turn)
        assert np.allclose(intrinsics_of_projection(projection, 768, 1024), shifted, rtol=1e-9, atol=1e-7)
    # A matrix keeps no scale, and half the image has half the focal length.
    halved = intrinsics_of_projection(3 * projection_of(shifted, 768, 1024), 384, 512)
    assert np.allclose(halved[:2, :2], shifted[:2, :2] / 2) and np.isclose(halved[0, 2], (572.5 + 0.5) / 2 - 0.5)


def test_hypersim(roots: dict[str, pathlib.Path]) -> None:
    with pytest.warns(UserWarning, match="1 of 2 Hypersim scenes have no camera .*ai_002_001.*886.81"):
        samples = open_public("hypersim", roots["hypersim"])
    # The scene ai_038_007 is one of the bad ones.
    distance = stored_depth(np.nan).astype(np.float16).astype(np.float64)
    assert np.allclose(samples[0]["intrinsics"], CAMERA)
    expected = distance_to_planar_depth(distance, CAMERA)
    assert np.allclose(samples[0]["depth"], expected, equal_nan=True, rtol=1e-6)
    assert np.isclose(samples[2]["intrinsics"][0, 0], 886.81 * WIDTH / 1024)
    assert np.allclose(samples[2]["intrinsics"][:2, 2], [WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5])
    assert names_of(samples) == ["ai_001_001/cam_00/0000", "ai_001_001/cam_00/0001", "ai_002_001/cam_00/0000"]


@quiet_about_cameras
def test_hypersim_splits(tmp_path: pathlib.Path) -> None:
    write_hypersim(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"metadata_images_split_scene_v1.csv: no such file.*ml-hypersim"):
        open_public("hypersim", tmp_path, "val")
    header = "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name\n"
    rows = ["ai_001_001,cam_00,0,True,,train", "ai_001_001,cam_00,1,False,blurred,", "ai_002_001,cam_00,0,True,,val"]
    rows += ["ai_005_001,cam_00,0,True,,train", "ai_038_007,cam_00,0,True,,val"]
    (tmp_path / "metadata_images_split_scene_v1.csv").write_text(header + "\n".join(rows))
    with pytest.warns(UserWarning, match="1 of 2 scenes .*ai_005_001"):
        assert len(open_public("hypersim", tmp_path, "train")) == 1
    assert len(open_public("hypersim", tmp_path, "val", exclude_bad_cameras=False)) == 2


@quiet_about_cameras
def test_hypersim_without_preview_is_tone_mapped(tmp_path: pathlib.Path) -> None:
    write_hypersim(tmp_path)
    images = tmp_path / "ai_002_001" / "images"
    (images / "scene_cam_00_final_preview" / "frame.0000.tonemap.jpg").unlink()
    colour = np.repeat(DEPTH[..., None], 3, axis=2).astype(np.float16)
    write_hdf5(images / "scene_cam_00_final_hdf5" / "frame.0000.color.hdf5", dataset=colour)
    entities = np.ones((HEIGHT, WIDTH), np.int32)
    entities[3:] = -1
    write_hdf5(images / "scene_cam_00_geometry_hdf5" / "frame.0000.render_entity_id.hdf5", dataset=entities)
    image = open_public("hypersim", tmp_path)[2]["image"]
    brightness = colour[:3, :, 0].astype(np.float64)
    reference = np.percentile(brightness, 90)
    expected = 255 * np.clip(0.8 * (brightness / reference) ** (1 / 2.2), 0, 1)
    assert np.abs(image[:3, :, 0] - expected).max() <= 0.51 and (image[-1] == 255).all()
    assert not hypersim_tone_map(np.zeros((2, 2, 3))).any()


def test_genuine_hypersim(tmp_path: pathlib.Path) -> None:
    stored = genuine("hypersim", "ai_037_002", "images", "scene_cam_00_geometry_hdf5")
    images = tmp_path / "ai_037_002" / "images"
    (images / "scene_cam_00_final_preview").mkdir(parents=True)
    shutil.copytree(stored, images / stored.name)
    Image.new("RGB", (1024, 768)).save(images / "scene_cam_00_final_preview" / "frame.0000.tonemap.jpg")
    table = genuine("hypersim", "metadata_camera_parameters.csv")
    sample = open_public("hypersim", tmp_path, camera_table=table)[0]
    assert np.allclose([sample["depth"].min(), sample["depth"].max()], [2.80, 12.74], atol=0.0051)
    # A tilt-shift camera: square pixels, and a principal point far from the middle.
    expected = np.array([[887.535, 0, 572.940], [0, 887.535, 457.142], [0, 0, 1]])
    assert np.allclose(sample["intrinsics"], expected, atol=0.001)
    with pytest.warns(UserWarning, match="1 of 1 Hypersim scenes have no camera"):
        depth = open_public("hypersim", tmp_path)[0]["depth"]
    assert np.allclose([depth.min(), depth.max()], [2.66, 12.97], atol=0.0051)


def test_genuine_hypersim_cameras_look_where_the_other_matrix_says() -> None:
    with genuine("hypersim", "metadata_camera_parameters.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        projection, from_uv = (
            np.array([[float(row[f"{name}_{i}{j}"]) for j in range(size)] for i in range(size)])
            for name, size in (("M_proj", 4), ("M_cam_from_uv", 3))
        )
        intrinsics = intrinsics_of_projection(projection, 768, 1024)
        columns, rows_down = np.meshgrid(np.linspace(0, 1023, 9), np.linspace(0, 767, 9))
        pixels = np.stack([columns, rows_down, np.ones_like(columns)], axis=-1).reshape(-1, 3)
        uv = np.stack([(pixels[:, 0] + 0.5) / 512 - 1, 1 - (pixels[:, 1] + 0.5) / 384, pixels[:, 2]], axis=1)
        rays = [
            points / np.linalg.norm(points, axis=1, keepdims=True)
            for points in (pixels @ np.linalg.inv(intrinsics).T, uv @ from_uv.T * [1, -1, -1])
        ]
        # Both describe the same rays up to a rotation: all angles between rays agree.
        assert np.allclose(rays[0] @ rays[0].T, rays[1] @ rays[1].T, atol=1e-9), row["scene_name"]
