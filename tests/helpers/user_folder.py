# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A folder with all that the commands of the docs take: photographs, scenes, labelled frames, and tiny models.

Models stand under the ids that they have on the Hub: a folder of that name wins over the Hub.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_model import TINY_DECODER, TINY_ENCODER, TINY_SIDE_PIXELS
from transformers import Dinov2Config, Dinov2Model
from video_files import write_grey_video

from depth_anything_hf import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthAnythingImageProcessor,
    convert_to_original,
)


RELATIVE = ("depth-anything/Depth-Anything-V2-Small-hf", "depth-anything/Depth-Anything-V2-Large-hf")
RELATIVE += ("LiheYoung/depth-anything-small-hf",)
METRIC = tuple(f"depth-anything/Depth-Anything-V2-Metric-{name}-hf" for name in ("Indoor-Small", "Outdoor-Large"))
RUNS = ("runs/teacher", "runs/student", "runs/other")
ENCODERS = ("facebook/dinov2-small", "facebook/dinov2-large")
PHOTOGRAPHS = ("photo.jpg", "photograph.jpg", "one.jpg", "two.jpg", "room.jpg")
SCENES = ("scenes", "scenes-test", "rooms", "own/train", "own/held-out", "old/train", "old/held-out")
SCENES += ("hypersim", "vkitti2")
MILLIMETRES = ("mine/train", "mine/held-out", "captures")
# The table of docs/metres.md, which photo.jpg is large enough for.
POINTS = "x,y,depth\n120,400,1.2\n500,310,3.5\n330,250,8.0\n"
PHOTOGRAPH_WIDTH, PHOTOGRAPH_HEIGHT = 640, 520
# The original code has heads of 64 channels, and 32 in the head of the decoder.
ENCODER = {**TINY_ENCODER, "hidden_size": 64, "num_attention_heads": 1}
DECODER = {**TINY_DECODER, "head_hidden_size": 32}
# 26 mm of a full-frame camera, as phones write it.
EXIF_FOCAL_LENGTH_35MM, EXIF_IFD = 0xA405, 0x8769


def make_user_folder(root: Path) -> None:
    """Fill a folder."""
    write_models(root)
    image, depth = scene(0)
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[EXIF_FOCAL_LENGTH_35MM] = 26
    for folder in (".", "photos", "images"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(PHOTOGRAPHS):
            picture = Image.fromarray(scene(index)[0]).resize((PHOTOGRAPH_WIDTH, PHOTOGRAPH_HEIGHT))
            picture.save(root / folder / name, exif=exif)
    pytest.importorskip("pillow_heif").register_heif_opener()
    with Image.open(root / "photo.jpg") as photograph:
        photograph.save(root / "photo.heic")
    (root / "frames").mkdir()
    for index in range(4):
        Image.fromarray(scene(index)[0]).save(root / "frames" / f"{index + 1:04d}.png")
    Image.fromarray(image).save(root / "aerial.tif")
    Image.fromarray(np.concatenate([image, image[:, ::-1]], axis=1)).save(root / "panorama.jpg")
    for number, name in enumerate((*SCENES, *MILLIMETRES)):
        _write_pairs(root / name, first=100 * number, millimetres=name in MILLIMETRES)
    # The first three bits are kept in place of the last ones, as SUN RGB-D has it.
    codes = (depth * 1000).astype(np.uint16)
    cv2.imwrite(str(root / "depth.png"), (codes << 3) | (codes >> 13))
    (root / "points.csv").write_text(POINTS)
    write_grey_video(root / "clip.mp4", range(40, 52))
    (root / "sparse" / "0").mkdir(parents=True)
    (root / "sparse" / "0" / "cameras.txt").write_text("1 PINHOLE 56 56 60 60 28 28\n")


def write_models(root: Path) -> None:
    """Write tiny models under ids of the Hub, and runs."""
    encoder = Dinov2Config(**ENCODER)
    options: dict[str, Any]
    for names, options in ((RELATIVE + RUNS, {}), ((*METRIC, "runs/metric"), {"depth_estimation_type": "metric"})):
        for seed, name in enumerate(names):
            torch.manual_seed(seed)
            if options:
                options["max_depth"] = 80 if "Outdoor" in name else 20
            config = DepthAnythingConfig.from_encoder_config(encoder, **DECODER, **options)
            DepthAnythingForDepthEstimation(config).save_pretrained(root / name)
            DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(root / name)
    for name in ENCODERS:
        Dinov2Model(encoder).save_pretrained(root / name)
    convert_to_original(root / "runs/student", root / "depth_anything_v2_vits.pth")


def scene(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (56, 56, 3) and its depth in metres: boxes before a slanted floor, darker far away."""
    random = np.random.default_rng(index)
    depth = np.repeat(np.linspace(9.0, 1.5, TINY_SIDE_PIXELS, dtype=np.float32)[:, None], TINY_SIDE_PIXELS, axis=1)
    for _ in range(3):
        top, left = random.integers(0, 40, size=2)
        depth[top : top + 16, left : left + 16] = random.uniform(1.0, 6.0)
    image = np.clip(255 / depth[..., None] * random.uniform(0.6, 1.0, size=3), 0, 255).astype(np.uint8)
    return image, depth


def _write_pairs(folder: Path, *, first: int, millimetres: bool) -> None:
    for name in ("images", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(6):
        image, depth = scene(first + index)
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        if millimetres:
            cv2.imwrite(str(folder / "depth" / f"{index}.png"), (depth * 1000).astype(np.uint16))
        else:
            np.save(folder / "depth" / f"{index}.npy", depth)


def encoder_config() -> str:
    """Return the fields of the tiny encoder as a flag takes them."""
    return json.dumps(ENCODER)
