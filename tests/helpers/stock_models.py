# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of every kind, ours and stock, with weights drawn so that the output is alive, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


# Height and width; the position embeddings of the tiny models are 4 x 4, so that the first needs no interpolation.
SIZES = [(56, 56), (42, 98), (126, 70), (14, 28)]


def tiny_fields(encoder: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Fields of a tiny model's configuration; `encoder` and `fields` win."""
    backbone_config = {
        "model_type": "dinov2",
        "hidden_size": 32,
        "num_hidden_layers": 5,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "out_indices": [1, 2, 4, 5],
        "reshape_hidden_states": False,
    }
    decoder = {
        "reassemble_hidden_size": 32,
        "neck_hidden_sizes": [4, 8, 16, 32],
        "fusion_hidden_size": 16,
        "head_hidden_size": 8,
    }
    return {"backbone_config": {**backbone_config, **(encoder or {})}, **decoder, **fields}


AnyModel = StockModel | DepthAnythingForDepthEstimation

METRIC: dict[str, Any] = {"depth_estimation_type": "metric"}
TINY_MODELS: dict[str, dict[str, Any]] = {
    "relative": tiny_fields(),
    "metric_20": tiny_fields(**METRIC, max_depth=20),
    "metric_without_max_depth": tiny_fields(**METRIC),
    "swiglu": tiny_fields({"use_swiglu_ffn": True}),
    "last_layers_tapped": tiny_fields({"out_indices": [2, 3, 4, 5]}),
    "layers_after_the_last_tap": tiny_fields({"out_indices": [1, 2, 3, 4], "num_hidden_layers": 6}),
    "negative_taps": tiny_fields({"out_indices": [-5, -4, -3, -2]}),
    "embeddings_tapped": tiny_fields({"out_indices": [0, 1, 3, 5]}),
    "taps_not_normalized": tiny_fields({"apply_layernorm": False}),
    "other_widths": tiny_fields(
        {"hidden_size": 48, "num_attention_heads": 3, "mlp_ratio": 2, "qkv_bias": False},
        reassemble_hidden_size=48,
        neck_hidden_sizes=[16, 16, 24, 8],
        fusion_hidden_size=12,
        head_hidden_size=5,
        **METRIC,
        max_depth=80,
    ),
}


@torch.no_grad()
def randomize(
    model: AnyModel,
    seed: int = 0,
    trial_sizes: Sequence[tuple[int, int]] = SIZES,
    batch: int = 2,
    cut_off: float = 0.05,
) -> None:
    """Weights with which the output is alive and every parameter has its say.

    Convolutions keep the variance of what they get; everything else is moved away from its neutral start. The last
    bias of a relative model is set by trials so that the last ReLU cuts off a share of the output, but little.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 4:
            inputs = parameter[0].numel() if "resize" not in name else parameter.shape[1]
            parameter.copy_(noise * (1.4 if "residual_layer" in name else 1.0) * inputs**-0.5)
        else:
            parameter.add_(noise * 0.05)
    if model.config.depth_estimation_type == "relative":
        far_from_the_cut, bias = 100.0, model.head.conv3.bias
        assert bias is not None
        bias.fill_(far_from_the_cut)
        trials = [model.eval()(pixels(*size, batch)).predicted_depth for size in trial_sizes]
        bias.sub_(min(trial.flatten().quantile(cut_off) for trial in trials))


def pixels(height: int, width: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height + width))


def relative_difference(reference: Tensor, output: Tensor) -> float:
    """Largest difference as a share of the reference's range, after checking that the reference is alive."""
    assert output.shape == reference.shape and output.dtype == reference.dtype == torch.float32
    assert torch.isfinite(reference).all()
    alive = (reference > 0).float().mean().item()
    value_range = (reference.max() - reference.min()).item()
    assert alive >= 0.9, f"only {alive:.0%} of the reference output is above 0"
    assert value_range > 0.1 and reference.std() > 0.05 * reference.mean(), "the reference output has no spread"
    return ((output - reference).abs().max() / value_range).item()


def stock_model(fields: dict[str, Any], seed: int = 0) -> StockModel:
    model = StockModel(StockConfig(**fields))
    randomize(model, seed)
    return model


def our_model(fields: dict[str, Any], seed: int = 0) -> DepthAnythingForDepthEstimation:
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig(**fields))
    randomize(model, seed)
    return model
