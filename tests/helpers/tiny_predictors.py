# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny depth models of this package and of stock, and random images of several sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import Dinov2Config, DPTConfig, DPTForDepthEstimation

from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


SIDE = 70
# Nearly all the time of a pass would be its decoder's.
DECODER = {"neck_hidden_sizes": [16, 16, 32, 32], "fusion_hidden_size": 16, "head_hidden_size": 16}


# Landscape, portrait and square, one smaller than a patch, and one that could be taken for channels first.
SIZES = [(60, 80), (80, 60), (3, 9), (60, 80), (50, 50), (60, 80), (80, 60), (3, 5)]


def tiny_config(**options: Any) -> DepthAnythingConfig:
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=SIDE)
    return DepthAnythingConfig.from_encoder_config(encoder, **{**DECODER, **options})


def tiny_model(**options: Any) -> DepthAnythingForDepthEstimation:
    torch.manual_seed(0)
    return DepthAnythingForDepthEstimation(tiny_config(**options)).eval()


def tiny_dpt() -> DPTForDepthEstimation:
    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
    )
    model = DPTForDepthEstimation(config).eval()
    # Stock's random head cuts everything off at 0, which would make the comparison empty.
    torch.nn.init.constant_(model.head.head[-2].bias, 1.0)
    return model


def random_image(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def values_of(prediction: Prediction) -> np.ndarray:
    assert prediction.values is not None, prediction.error
    return prediction.values


def random_images() -> list[tuple[str, np.ndarray]]:
    return [(f"image {number}", random_image(size, number)) for number, size in enumerate(SIZES)]
