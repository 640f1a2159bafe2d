# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization by PyTorch of this package's model, as of stock's."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from model_gradients import tiny_model
from torch import nn
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.cpu.layers import RoutedLinear, unroute_layers
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor"),
    pytest.mark.skipif(torch.backends.quantized.engine == "none", reason="this PyTorch has no quantized kernels"),
]


def int8_layers(model: nn.Module) -> int:
    return sum(isinstance(module, torch.ao.nn.quantized.dynamic.Linear) for module in model.modules())


@pytest.mark.parametrize("is_fused", [False, True])
def test_dynamic_quantization_gives_stocks_int8_layers_and_output(is_fused: bool, tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    images = torch.rand(1, 3, 56, 70, generator=torch.Generator().manual_seed(0))
    outputs = {}
    for name, model_class in (("stock", AutoModelForDepthEstimation), ("ours", DepthAnythingForDepthEstimation)):
        model = model_class.from_pretrained(tmp_path).eval()
        if name == "ours" and is_fused:
            model.optimize_for_inference()
        linears = sum(isinstance(module, nn.Linear) for module in model.modules())
        quantized = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
        assert int8_layers(quantized) == linears > 0
        with torch.no_grad():
            before, outputs[name] = (each(pixel_values=images).predicted_depth for each in (model, quantized))
        assert not torch.equal(before, outputs[name])
        if name == "ours":
            # The original keeps its kernels, and its own predictions.
            assert sum(type(module) is RoutedLinear for module in model.modules()) == linears
    torch.testing.assert_close(outputs["ours"], outputs["stock"], rtol=1e-3, atol=1e-4)


def test_a_part_is_refused_until_its_layers_are_plain() -> None:
    encoder = tiny_model().backbone
    with pytest.raises(ValueError, match=r"does not quantize RoutedLinear.*unroute_layers"):
        torch.ao.quantization.quantize_dynamic(encoder, {nn.Linear})
    unroute_layers(encoder)
    assert int8_layers(torch.ao.quantization.quantize_dynamic(encoder, {nn.Linear})) > 0


def test_layers_of_a_copy_become_plain_only_when_quantization_begins() -> None:
    model = tiny_model()
    assert not hasattr(model, "qconfig") and not hasattr(copy.deepcopy(model), "qconfig")
    quantized = torch.ao.quantization.quantize_dynamic(model, inplace=True)
    assert quantized is model and int8_layers(model) > 0
    assert not any(type(module) is RoutedLinear for module in model.modules())
