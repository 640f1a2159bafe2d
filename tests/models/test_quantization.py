# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization by PyTorch of this package's model, as of stock's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_gradients import tiny_model
from torch import nn
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.models.quantization import is_quantized


pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor"),
    pytest.mark.skipif(torch.backends.quantized.engine == "none", reason="this PyTorch has no quantized kernels"),
]


def int8_layers(model: nn.Module) -> int:
    return sum(isinstance(module, torch.ao.nn.quantized.dynamic.Linear) for module in model.modules())


def test_dynamic_quantization_gives_stocks_int8_layers_and_output(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    images = torch.rand(1, 3, 56, 70, generator=torch.Generator().manual_seed(0))
    outputs = {}
    for name, model_class in (("stock", AutoModelForDepthEstimation), ("ours", DepthAnythingForDepthEstimation)):
        model = model_class.from_pretrained(tmp_path).eval()
        linears = sum(isinstance(module, nn.Linear) for module in model.modules())
        quantized = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
        assert int8_layers(quantized) == linears > 0
        with torch.no_grad():
            before, outputs[name] = (each(pixel_values=images).predicted_depth for each in (model, quantized))
        assert not torch.equal(before, outputs[name])
    torch.testing.assert_close(outputs["ours"], outputs["stock"], rtol=1e-3, atol=1e-4)


def test_parts_are_quantized_as_whole_models() -> None:
    encoder = tiny_model().backbone
    linears = sum(type(module) is nn.Linear for module in encoder.modules())
    assert int8_layers(torch.ao.quantization.quantize_dynamic(encoder, {nn.Linear})) == linears > 0


def test_quantized_models_are_told() -> None:
    model = tiny_model()
    assert not is_quantized(model)
    assert is_quantized(torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8))
