# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of all kinds to export, saved with their processors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.export.formats import FORMATS


SaveModel = Callable[..., Path]

METRIC_OFFSET: dict[str, Any] = {
    "depth_estimation_type": "metric", "max_depth": 350, "depth_unit": "mm", "interpolate_offset": 0.1
}  # fmt: skip
# By format, what models are whose files several tests use.
EXPORTED_ONCE: dict[str, dict[str, Any]] = {
    "torch": {**METRIC_OFFSET, "registers": True},
    "onnx": METRIC_OFFSET,
    "openvino": METRIC_OFFSET,
}


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


def export_once(place: Path, format: str) -> tuple[Path, Path]:
    """Return model folder and file of a format in a place that processes share, exported by the first that asks."""
    from depth_anything_hf.export import export_model

    folder = place / format
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(place / f"{format}.lock"):
        found = [each for each in folder.glob("file/*model*") if each.suffix == FORMATS[format].suffix]
        if not found:
            model = save_tiny(folder / "model", {"interpolation": "opencv"}, **EXPORTED_ONCE[format])
            found = [export_model(model, folder / "file", format=format)]
    return folder / "model", found[0]


def save_tiny(folder: Path, processor: dict[str, Any] | None = None, **fields: Any) -> Path:
    """Save a model of some fields of its configuration, and a processor of others."""
    tiny_model(**fields).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(56, **processor or {}).save_pretrained(folder)
    return folder
