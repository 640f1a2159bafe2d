# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A clip of a textured wall whose depth and poses are exact, as `render --clip` writes it, without a renderer."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from moving_pictures import smooth_noise


HEIGHT, WIDTH, FOCAL = 48, 64, 60.0
# The wall is z = 2 + 0.9 x, and 3 pixels of its texture are 0.1 m of x.
SLOPE, DISTANCE, PIXELS_PER_METRE = 0.9, 2.0, 30.0


def wall_depth(x: float) -> np.ndarray:
    """Return the depth seen from (x, 0, 0), looking along z."""
    rays = (np.arange(WIDTH) - (WIDTH - 1) / 2) / FOCAL
    depth = (DISTANCE + SLOPE * x) / (1 - SLOPE * rays)
    return np.repeat(depth[None], HEIGHT, axis=0).astype(np.float32)


def write_wall_clip(folder: Path, frames: int = 8, step: float = 0.03) -> list[np.ndarray]:
    """Write a clip of a camera that moves to the right; return the true depths."""
    random = np.random.default_rng(0)
    texture = np.stack([smooth_noise(random, 200, 400, 1.5) for _ in range(3)], axis=-1)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    depths, lines = [], []
    for name in ("images", "depth"):
        (folder / name).mkdir(parents=True)
    for number in range(frames):
        depth = wall_depth(number * step)
        across = (columns - (WIDTH - 1) / 2) / FOCAL * depth + number * step
        down = (rows - (HEIGHT - 1) / 2) / FOCAL * depth
        places = [(each * PIXELS_PER_METRE + half).astype(np.float32) for each, half in ((across, 150), (down, 100))]
        picture = cv2.remap((texture * 255).astype(np.uint8), *places, cv2.INTER_LINEAR)
        pose = np.eye(4)
        pose[0, 3] = number * step
        record = {"file_name": f"images/{number:06d}.png", "depth_file_name": f"depth/{number:06d}.tiff"}
        cv2.imwrite(str(folder / record["file_name"]), picture)
        cv2.imwrite(str(folder / record["depth_file_name"]), depth)
        camera = {"fx": FOCAL, "fy": FOCAL, "cx": (WIDTH - 1) / 2, "cy": (HEIGHT - 1) / 2}
        lines.append(json.dumps({**record, **camera, "camera_to_world": pose.tolist()}))
        depths.append(depth)
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return depths
