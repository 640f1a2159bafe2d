# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The kernels inside models: transformers' attention interface, and linear layers inside a block."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from cpu_tensors import heads, random
from torch import nn
from torch.nn import functional as F
from transformers import Dinov2Config, Dinov2Model

from depth_anything_hf.cpu.autotune import set_cpu_kernels
from depth_anything_hf.cpu.kernels import convolution_linear
from depth_anything_hf.cpu.layers import CPU_HEADS, cpu_heads_attention, faster_linears


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


def test_linear_layers_in_the_block_alone_are_convolutions(setting: None, convolutions: list[torch.Tensor]) -> None:
    set_cpu_kernels("on")
    layer, states = nn.Linear(256, 256), random(1, 400, 256)
    with torch.inference_mode():
        own, standard = convolution_linear(states, layer.weight, layer.bias), layer(states)
        with faster_linears(states, [layer]):
            assert torch.equal(layer(states), own)
            assert torch.equal(F.linear(bias=layer.bias, weight=layer.weight, input=states), own)
            assert len(convolutions) == 2
            with pytest.raises(RuntimeError, match="shapes"):
                layer(states[..., :9])
        convolutions.clear()
        assert torch.equal(layer(states), standard) and convolutions == []


@pytest.mark.parametrize("why", ["gradients", "small", "bfloat16", "autocast", "compiled", "off", "meta"])
def test_where_no_layer_can_be_faster_nothing_looks_at_them(why: str, setting: None) -> None:
    set_cpu_kernels("off" if why == "off" else "on")
    layer, states = nn.Linear(256, 256), random(1, 8 if why == "small" else 400, 256)
    if why == "compiled":
        layer.compile(backend="eager")
    if why in ("bfloat16", "meta"):
        states = states.to("meta") if why == "meta" else states.bfloat16()
    with torch.set_grad_enabled(why == "gradients"), torch.autocast("cpu", torch.bfloat16, enabled=why == "autocast"):
        assert isinstance(faster_linears(states, [layer]), nullcontext)


def test_exporters_find_no_limit_of_the_batch(setting: None) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(32, 32)

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            with faster_linears(states, [self.layer]):
                return self.layer(states)

    with torch.no_grad():
        # From 3277 on, a batch is large enough for the kernel, which the traced one is not.
        shapes = {"states": {0: torch.export.Dim("batch", min=1, max=4096)}}
        program = torch.export.export(Block().eval(), (torch.zeros(2, 5, 32),), dynamic_shapes=shapes, strict=False)
        assert program.module()(torch.zeros(4000, 5, 32)).shape == (4000, 5, 32)


@pytest.mark.parametrize(("traced", "later"), [(100, 300), (300, 100)])
def test_exporters_find_no_limit_of_the_tokens(traced: int, later: int, setting: None) -> None:
    set_cpu_kernels("on")

    class Attention(nn.Module):
        is_causal = False

        def forward(self, query: torch.Tensor) -> torch.Tensor:
            return cpu_heads_attention(self, query, query, query, None)[0]

    with torch.no_grad():
        shapes = {"query": {2: torch.export.Dim("tokens", min=2, max=4096)}}
        query = heads(traced, torch.float32)[0]
        program = torch.export.export(Attention(), (query,), dynamic_shapes=shapes, strict=False)
        query = heads(later, torch.float32)[0]
        expected = F.scaled_dot_product_attention(query, query, query).transpose(1, 2)
        torch.testing.assert_close(program.module()(query), expected, rtol=0, atol=1e-6)
