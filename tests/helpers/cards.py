# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Model cards of a tiny student, and what the Hub reads from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCard
from transformers import Dinov2Config

from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


LINEAGE = {
    "encoder": "facebook/dinov2-small",
    "encoder_license": "apache-2.0",
    "teacher": "depth-anything/Depth-Anything-V2-Large-hf",
    "teacher_license": "cc-by-nc-4.0",
    "teacher_revision": "abc123",
    "labels": "16-bit disparity of the teacher",
    "data": [
        {"name": "owner/photographs", "license": "cc-by-4.0", "note": "3000 images | no faces"},
        "rendered rooms",
    ],
}


RESULTS: dict[str, dict[str, Any]] = {
    "Held-out rooms": {
        "metrics": {"delta1": 0.94321, "abs_rel": 0.0712, "ordinal_accuracy": math.nan},
        "images": 200,
        "protocol": "aligned in disparity, cap 80 m",
    },
    "NYUv2": {"metrics": {"delta1": 0.9}, "dataset": "sayakpaul/nyu_depth_v2", "split": "test", "revision": "1f2e"},
}


def write_card(folder: Path, **changes: Any) -> ModelCard:
    options: dict[str, Any] = {
        "title": "Tiny student",
        "kind": "relative",
        "role": "student",
        "lineage": LINEAGE,
        "training": {"learning_rate": 5e-6, "max_steps": 1000},
        "results": RESULTS,
        "license": "cc-by-nc-4.0",
        "command": "depth-anything-hf train --config student.yaml",
    }
    return ModelCard.load(write_model_card(folder, **{**options, **changes}))


def metadata(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def save_tiny_model(folder: Path, **options: Any) -> None:
    encoder = Dinov2Config(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, image_size=28, patch_size=14)
    config = DepthAnythingConfig.from_encoder_config(encoder, neck_hidden_sizes=[8, 8, 8, 8], **options)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(28).save_pretrained(folder)
