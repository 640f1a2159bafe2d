# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Public datasets where the docs have them, with a few frames of the size that a protocol's crop asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
from dataset_files import write_codes, write_hdf5
from PIL import Image
from public_datasets import KITTI_DRIVE, WRITERS


NYU_SIZE, KITTI_SIZE = (480, 640), (375, 1242)
HYPERSIM_SPLITS = (
    "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name\n"
    "ai_001_001,cam_00,0,True,,train\n"
)


def write_benchmarks(root: Path) -> None:
    """Write datasets under the folders that commands and code of the docs name."""
    for name, place in (("moge", "path/to/bundle"), ("hypersim", "hypersim"), ("hypersim", "data/hypersim")):
        (root / place).mkdir(parents=True, exist_ok=True)
        WRITERS[name](root / place)
        if name == "hypersim":
            (root / place / "metadata_images_split_scene_v1.csv").write_text(HYPERSIM_SPLITS)
    for place in ("nyu", "path/to/nyu"):
        _write_nyu(root / place)
    _write_kitti(root / "path/to/kitti")


def _frame(number: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (H, W, 3) and its depth (H, W) in metres: a box on a floor."""
    height, width = size
    depth = np.repeat(1 / np.linspace(1 / 9, 1 / 1.5, height, dtype=np.float32)[:, None], width, axis=1)
    depth[height // 4 : height // 2, width // 4 : width // 2] = 2 + number
    return np.repeat((255 / depth).astype(np.uint8)[..., None], 3, axis=2), depth


def _write_nyu(folder: Path) -> None:
    folder.mkdir(parents=True)
    frames = [_frame(number, NYU_SIZE) for number in range(2)]
    images = np.stack([image.transpose(2, 1, 0) for image, _ in frames])
    depths = np.stack([depth.T for _, depth in frames])
    write_hdf5(folder / "nyu_depth_v2_labeled.mat", images=images, rawDepths=depths, depths=depths)
    scipy.io.savemat(folder / "splits.mat", {"trainNdxs": np.zeros((0, 1)), "testNdxs": [[1], [2]]})


def _write_kitti(folder: Path) -> None:
    folder.mkdir(parents=True)
    WRITERS["kitti"](folder)
    image, depth = _frame(0, KITTI_SIZE)
    for path in folder.rglob("*.png"):
        if "groundtruth" in path.parts:
            write_codes(path, depth * 256.0)
        else:
            Image.fromarray(image).save(path)
    (folder / "eigen_test_files_with_gt.txt").write_text(f"2011_09_26/{KITTI_DRIVE} 0000000069 l\n")
