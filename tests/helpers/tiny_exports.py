# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of all kinds to export, saved with their processors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
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


def save_tiny(folder: Path, processor: dict[str, Any] | None = None, **fields: Any) -> Path:
    """Save a model of some fields of its configuration, and a processor of others."""
    tiny_model(**fields).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(56, **processor or {}).save_pretrained(folder)
    return folder
