# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The kernels inside models: transformers' attention interface, linear layers and convolutions."""

from __future__ import annotations

import copy

import pytest
import torch
from cpu_tensors import heads, random
from torch import nn
from torch.nn import functional as F
from transformers import Dinov2Config, Dinov2Model

from depth_anything_hf.cpu.autotune import set_cpu_kernels
from depth_anything_hf.cpu.kernels import convolution
from depth_anything_hf.cpu.layers import (
    CPU_HEADS,
    RoutedConvolution,
    RoutedLinear,
    cpu_heads_attention,
    route_convolutions,
    route_linears,
)


def test_a_stock_encoder_takes_it_by_name(setting: None) -> None:
    config = Dinov2Config(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=224, attn_implementation=CPU_HEADS
    )
    torch.manual_seed(0)
    model = Dinov2Model(config).eval()
    assert model.config._attn_implementation == CPU_HEADS
    images = random(1, 3, 252, 252)
    outputs = {}
    with torch.inference_mode():
        for name in ("on", "off"):
            set_cpu_kernels(name)  # type: ignore[arg-type]
            outputs[name] = model(images).last_hidden_state
    assert not torch.equal(outputs["on"], outputs["off"])
    torch.testing.assert_close(outputs["on"], outputs["off"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("difficulty", ["mask", "dropout", "causal"])
def test_what_it_cannot_do_is_left_to_sdpa(difficulty: str, setting: None) -> None:
    set_cpu_kernels("on")
    module = nn.Module()
    module.is_causal = difficulty == "causal"  # type: ignore[assignment]
    query, key, value = heads(300, torch.float32)
    mask = torch.ones(2, 1, 300, 300, dtype=torch.bool).tril() if difficulty == "mask" else None
    torch.manual_seed(0)
    dropout = 0.5 if difficulty == "dropout" else 0.0
    found, _ = cpu_heads_attention(module, query, key, value, mask, dropout=dropout, scaling=0.3)
    torch.manual_seed(0)
    expected = F.scaled_dot_product_attention(
        query, key, value, mask, dropout, is_causal=difficulty == "causal", scale=0.3
    )
    torch.testing.assert_close(found, expected.transpose(1, 2), rtol=0, atol=0)


def test_a_convolution_of_another_size_is_computed_as_it_is() -> None:
    # As adapters build it, of the class of the layer that they are added to.
    layer = RoutedConvolution(8, 8, kernel_size=1)
    features = random(1, 8, 6, 5)
    expected = nn.functional.conv2d(features, layer.weight, layer.bias)
    torch.testing.assert_close(layer(features), expected, rtol=0, atol=0)


def test_convolutions_keep_everything_but_their_class(setting: None) -> None:
    model = nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1, stride=2),
        nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
    )
    state = copy.deepcopy(model.state_dict())
    route_convolutions(model)
    assert [type(module) is RoutedConvolution for module in model] == [True, False, False, False]
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    features = random(1, 96, 96, 64).permute(0, 3, 1, 2)
    weight = random(64, 64, 3, 3, seed=1).requires_grad_()
    exact_weight = weight.detach().double().requires_grad_()
    exact = nn.functional.conv2d(features.double(), exact_weight, padding=1)
    direction = random(*exact.shape, seed=2)
    (expected,) = torch.autograd.grad(exact, exact_weight, direction.double())
    for name in ("on", "off"):
        set_cpu_kernels(name)  # type: ignore[arg-type]
        output = convolution(features, weight)
        assert ("_Convolution" in type(output.grad_fn).__name__) == (name == "on")
        (found,) = torch.autograd.grad(output, weight, direction)
        # Sums of 9,216 products, which some processors' kernels add up one after the other.
        assert (found.double() - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_linears_keep_everything_but_their_class() -> None:
    model = nn.Sequential(
        nn.Linear(4, 4), nn.ReLU(), nn.ModuleList([nn.Linear(4, 2, bias=False)]), nn.Bilinear(2, 2, 2)
    )
    before = {name: id(module) for name, module in model.named_modules()}
    state = copy.deepcopy(model.state_dict())
    route_linears(model)
    assert {name: id(module) for name, module in model.named_modules()} == before
    assert [type(module) for module in model.modules() if isinstance(module, nn.Linear)] == [RoutedLinear] * 2
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    inputs = random(3, 4)
    assert torch.equal(model[0](inputs), F.linear(inputs, model[0].weight, model[0].bias))
    assert type(copy.deepcopy(model)[0]) is RoutedLinear
