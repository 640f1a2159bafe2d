# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A relative and a metric model, photographs, and labelled images, all tiny."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import random_image
from PIL import Image
from transformers import Dinov2Config

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


SIDE = 42


def save_tiny_model(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    config = DepthAnythingConfig.from_encoder_config(encoder, **options)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("relative"))


@pytest.fixture(scope="module")
def metric_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("metric"), depth_estimation_type="metric", max_depth=20)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(["a.png", "sub/b.jpg"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_image((30, 40 + number), number)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three images with depth in metres, 1 to 5."""
    for folder in ("images", "depth"):
        (tmp_path / "labelled" / folder).mkdir(parents=True)
    for number in range(3):
        depth = np.linspace(1, 5, 30 * 40, dtype=np.float32).reshape(30, 40)
        Image.fromarray(random_image((30, 40), number)).save(tmp_path / "labelled" / "images" / f"{number}.png")
        np.save(tmp_path / "labelled" / "depth" / f"{number}.npy", depth)
    return tmp_path / "labelled"
