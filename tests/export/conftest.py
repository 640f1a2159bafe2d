# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of all kinds, saved with their processors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor


SaveModel = Callable[..., Path]


def tiny_model(registers: bool = False, **fields: Any) -> DepthAnythingForDepthEstimation:
    torch.manual_seed(0)
    encoder = Dinov2WithRegistersConfig if registers else Dinov2Config
    config = encoder(hidden_size=48, num_hidden_layers=5, num_attention_heads=4, image_size=56, patch_size=14)
    fields = {"out_indices": [1, 2, 4, 5], "neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, **fields}
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(config, **fields))
    with torch.no_grad():
        # Large enough to be seen in the map.
        model.backbone.embeddings.position_embeddings.mul_(20)
        for name, parameter in model.named_parameters():
            if name.endswith("lambda1"):
                parameter.fill_(0.5)
    return model.eval()


@pytest.fixture
def save_model(tmp_path: Path) -> SaveModel:
    """A function from fields of a configuration to the folder of a model."""

    def save(name: str = "model", **fields: Any) -> Path:
        folder = tmp_path / name
        tiny_model(**fields).save_pretrained(folder)
        DepthAnythingImageProcessor.for_input_size(56).save_pretrained(folder)
        return folder

    return save


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """50 pictures of soft structure."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(50):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder
