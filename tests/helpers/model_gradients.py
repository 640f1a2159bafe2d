# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of every kind, images and labels for them, and their gradients by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2WithRegistersConfig

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


METRIC: dict[str, Any] = {"depth_estimation_type": "metric", "max_depth": 20}


KINDS: dict[str, dict[str, Any]] = {
    "relative": {},
    "metric": METRIC,
    "swiglu": {"encoder": {"use_swiglu_ffn": True}},
    "registers": {"registers": 3},
}


NEVER_USED = {
    "backbone.embeddings.mask_token",
    "neck.fusion_stage.layers.0.residual_layer1.convolution1.weight",
    "neck.fusion_stage.layers.0.residual_layer1.convolution1.bias",
    "neck.fusion_stage.layers.0.residual_layer1.convolution2.weight",
    "neck.fusion_stage.layers.0.residual_layer1.convolution2.bias",
}


def encoder_config(registers: int = 0, **fields: Any) -> Any:
    tiny = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
    if registers:
        return Dinov2WithRegistersConfig(**{**tiny, **fields}, num_register_tokens=registers)
    return Dinov2Config(**{**tiny, **fields})


def tiny_model(
    seed: int = 0, registers: int = 0, encoder: dict[str, Any] | None = None, **fields: Any
) -> DepthAnythingForDepthEstimation:
    config = DepthAnythingConfig.from_encoder_config(
        encoder_config(registers, **(encoder or {})), **{"fusion_hidden_size": 16, "head_hidden_size": 8, **fields}
    )
    torch.manual_seed(seed)
    return DepthAnythingForDepthEstimation(config)


def pixels(height: int = 42, width: int = 56, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height + width))


def labels_for(kind: str, images: Tensor) -> Tensor:
    """Disparity in 0..1 or depth in 1..16 m, from the images' brightness, with unknown pixels."""
    brightness = images.mean(dim=1).sigmoid()
    labels = 1 + 15 * brightness if kind == "metric" else brightness
    labels[:, :5, :7] = torch.nan
    return labels


def has_free_shift(name: str, model: DepthAnythingForDepthEstimation) -> bool:
    """Parameters that only add a shift which what follows takes away again.

    Shifting all keys alike shifts all scores of a query alike, which softmax ignores; and the relative loss ignores a
    shift of the output, as long as the last ReLU cuts nothing off. In theory the gradient of these biases is zero.
    What they get is rounding, so nothing is said here about where they move.
    """
    relative = model.prediction_kind == "disparity"
    return name.endswith(("k_proj.bias", "key.bias")) or (relative and name == "head.conv3.bias")


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def frozen(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def gradients_of(
    model: DepthAnythingForDepthEstimation, images: Tensor, labels: Tensor, run: Callable[..., Any] | None = None
) -> dict[str, Tensor]:
    """Gradients of the loss by parameter name; `run` is another way to call the model."""
    model.zero_grad()
    forward = model if run is None else run
    forward(images, labels=labels).loss.backward()
    found = {}
    for name, parameter in trainable(model).items():
        assert parameter.grad is not None, f"{name} got no gradient"
        found[name] = parameter.grad.clone()
    return found


def assert_gradients_agree(
    model: DepthAnythingForDepthEstimation, found: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    """Each up to 1e-4 of its own largest value; those which are rounding alone do not count."""
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        if not has_free_shift(name, model):
            difference = (found[name] - gradient).abs().max()
            assert difference <= 1e-4 * gradient.abs().max(), f"{name}: {difference:.1e} of {gradient.abs().max():.1e}"
