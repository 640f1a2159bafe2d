# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A fresh decoder starts alive: neither cut off at zero nor saturated."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_gradients import METRIC, NEVER_USED, frozen, pixels, tiny_model
from safetensors.torch import load_file, save_file
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.dpt_head import INITIAL_DISPARITY
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(56, 56), (42, 98), (112, 70)])
def test_a_fresh_relative_model_is_alive(seed: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        disparity = tiny_model(seed).eval()(pixels(*size)).predicted_depth
    assert disparity.std() > 1e-3
    assert (disparity == 0).float().mean() < 0.01
    assert abs(disparity.mean() - INITIAL_DISPARITY) < 0.15


@pytest.mark.parametrize("seed", range(4))
def test_a_fresh_metric_model_starts_in_the_middle_of_its_range(seed: int) -> None:
    with torch.inference_mode():
        depth = tiny_model(seed, **METRIC).eval()(pixels()).predicted_depth
    assert depth.std() > 1e-2
    assert depth.min() > 5 and depth.max() < 15


@pytest.mark.parametrize("seed", range(2))
def test_the_published_small_size_starts_alive_where_stock_starts_dead(seed: int) -> None:
    images = pixels(112, 126, batch=1)
    torch.manual_seed(seed)
    ours = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size("small")).eval()
    torch.manual_seed(seed)
    stock = StockModel(StockConfig()).eval()
    with torch.inference_mode():
        alive, dead = (model(images).predicted_depth for model in (ours, stock))
    assert 1e-3 < alive.std() < 0.1
    assert (alive == 0).float().mean() < 0.01
    assert dead.max() < 1e-3


def test_a_decoder_missing_from_the_file_starts_alive(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    encoder_only = {name: tensor for name, tensor in load_file(file).items() if name.startswith("backbone.")}
    save_file(encoder_only, file, metadata={"format": "pt"})
    model, info = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert {name.split(".")[0] for name in info["missing_keys"]} == {"neck", "head"}
    with torch.inference_mode():
        disparity = model(pixels()).predicted_depth
    assert disparity.std() > 1e-3 and (disparity > 0).all()
    assert frozen(model) == NEVER_USED
