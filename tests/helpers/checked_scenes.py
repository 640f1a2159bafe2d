# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rooms with boxes, each of another colour, whose pictures and depth fit: what `check` is tested on."""

from __future__ import annotations

import pathlib

import cv2
import numpy as np


HEIGHT, WIDTH = 120, 160
BOXES = 5


def scene(seed: int, height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture, uint8 (H, W, 3), and its depth in metres, float32 (H, W), seen by a lens of 90 degrees."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    rays = np.stack(
        [(columns - (width - 1) / 2) / (width / 2), (rows - (height - 1) / 2) / (width / 2), np.ones_like(rows)], -1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = np.stack([rays[..., 0] / 2, -rays[..., 0] / 1.6, rays[..., 1] / 1.3, -rays[..., 1] / 1.5])
        # The end of the room is not parallel to the picture.
        end = (1 + rng.uniform(-0.3, 0.3) * rays[..., 0]) / rng.uniform(4, 6)
        surfaces = [1 / np.concatenate([sides, end[None]]).max(axis=0)]
        for _ in range(BOXES):
            low = np.array([rng.uniform(-1.5, 1.2), rng.uniform(-0.6, 0.7), rng.uniform(1.3, 3.2)])
            high = low + rng.uniform(0.3, 0.8, 3)
            near, far = np.sort([low / rays, high / rays], axis=0)
            enters, leaves = near.max(axis=-1), far.min(axis=-1)
            surfaces.append(np.where((enters < leaves) & (enters > 0), enters, np.inf))
    depths = np.stack(surfaces)
    depth, seen = depths.min(axis=0), depths.argmin(axis=0)
    colours = rng.uniform(60, 220, (len(surfaces), 3))
    shade = 0.75 + 0.25 / depth[..., None]
    image = colours[seen] * shade + rng.normal(0, 3, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8), depth.astype(np.float32)


def write_picture(path: pathlib.Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])


def write_scenes(root: pathlib.Path, count: int, first: int = 0) -> pathlib.Path:
    """Write scenes as images/ and depth/, and return the folder."""
    (root / "depth").mkdir(parents=True)
    for seed in range(first, first + count):
        image, depth = scene(seed)
        write_picture(root / "images" / f"{seed:03}.png", image)
        np.save(root / "depth" / f"{seed:03}.npy", depth)
    return root
