# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Linear layers and attention of our own give PyTorch's results and gradients."""

from __future__ import annotations

import pytest
import torch
from cpu_tensors import TOLERANCES, assert_near, heads, random
from torch import Tensor
from torch.nn import functional as F

from depth_anything_hf.cpu.autotune import set_cpu_kernels
from depth_anything_hf.cpu.kernels import (
    attention_case,
    cases_of,
    convolution_linear,
    heads_attention,
    heads_attention_wins,
    linear,
    linear_case,
    product,
)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(300, 64, 96), (1, 5, 3), (37, 16, 1)])
def test_products_are_products(dtype: torch.dtype, rows: int, inputs: int, outputs: int, threads: int) -> None:
    left, right = random(rows, inputs, dtype=dtype), random(outputs, inputs, dtype=dtype, seed=1)
    assert_near(product(left, right), left.double() @ right.double().t())


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 150, 64), (150, 64), (1, 2, 3, 64)])
def test_a_convolution_is_the_linear_layer(with_bias: bool, shape: tuple[int, ...], threads: int) -> None:
    tokens, weight, bias = random(*shape), random(96, 64, seed=1), random(96, seed=2) if with_bias else None
    output = convolution_linear(tokens, weight, bias)
    assert output.is_contiguous() and output.shape == (*shape[:-1], 96)
    assert_near(output, F.linear(tokens.double(), weight.double(), None if bias is None else bias.double()))


def test_only_large_plain_float32_products_without_gradients_are_convolutions(
    setting: None, convolutions: list[Tensor]
) -> None:
    set_cpu_kernels("on")
    tokens, weight, bias = random(400, 256), random(256, 256, seed=1), random(256, seed=2)
    own = convolution_linear(tokens, weight, bias)

    def is_own(*tensors: Tensor | None) -> bool:
        # By what was called: on some processors both give the same bits.
        convolutions.clear()
        output = linear(*tensors)  # type: ignore[arg-type]
        assert not convolutions or torch.equal(output, own)
        return bool(convolutions)

    with torch.no_grad():
        assert is_own(tokens, weight, bias) and is_own(tokens[None].clone()[0], weight, bias)
        small = tokens[:8]
        convolutions.clear()
        assert torch.equal(linear(small, weight, bias), F.linear(small, weight, bias))
        assert torch.equal(linear(tokens, weight[0]), F.linear(tokens, weight[0]))
        half = [each.bfloat16() for each in (tokens, weight, bias)]
        assert torch.equal(linear(*half), F.linear(*half))
        assert convolutions == []
        with torch.autocast("cpu", torch.bfloat16):
            assert linear(tokens, weight, bias).dtype == torch.bfloat16
        set_cpu_kernels("off")
        assert not is_own(tokens, weight, bias)
        set_cpu_kernels("on")
    # Also where nothing needs a gradient: the choice does not depend on which layers are frozen.
    assert not is_own(tokens, weight, bias)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("tokens", [1, 37, 600])
def test_heads_attention_is_attention(dtype: torch.dtype, tokens: int, threads: int) -> None:
    inputs = [tensor.requires_grad_() for tensor in heads(tokens, dtype)]
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    output = heads_attention(*inputs, scale=0.3)
    expected = F.scaled_dot_product_attention(*exact, scale=0.3).transpose(1, 2)
    assert output.shape == (2, tokens, 3, 16) and output.is_contiguous()
    assert_near(output, expected)
    gradient = random(2, tokens, 3, 16, dtype=dtype, seed=5)
    found = torch.autograd.grad(output, inputs, gradient)
    for part, right in zip(found, torch.autograd.grad(expected, exact, gradient.double()), strict=True):
        if tokens > 1:  # A single weight is always 1 and has no gradient but rounding.
            assert_near(part, right)
    with torch.inference_mode():
        assert torch.equal(heads_attention(*heads(tokens, dtype), scale=0.3), output)


def test_scores_of_any_size_give_finite_attention() -> None:
    query, key, value = heads(300, torch.float32)
    output = heads_attention(1e4 * query, key, value, scale=1.0)
    assert torch.isfinite(output).all() and output.abs().max() <= value.abs().max()


def test_attention_is_trained_head_by_head_in_bfloat16_only(setting: None) -> None:
    set_cpu_kernels("on")
    for dtype, predicts, trains in ((torch.float32, True, False), (torch.bfloat16, True, True)):
        inputs = heads(300, dtype)
        assert heads_attention_wins(*inputs) == predicts
        inputs[2].requires_grad_()
        assert heads_attention_wins(*inputs) == trains
        with torch.no_grad():
            assert heads_attention_wins(*inputs) == predicts
    for inputs in (heads(100, torch.float32), heads(300, torch.float64), heads(300, torch.float16)):
        assert not heads_attention_wins(*inputs)
    query, key, value = heads(300, torch.float32)
    assert not heads_attention_wins(query, key[:, :, :256], value[:, :, :256])
    with torch.autocast("cpu", torch.bfloat16):
        assert not heads_attention_wins(query, key, value)


def test_one_image_at_518_is_measured_as_it_is() -> None:
    for width in (384, 768, 1024):
        sizes = [case.size for case in cases_of(width, 1370)]
        linears = [(1370, width, width), (1370, width, 4 * width), (1370, 4 * width, width)]
        assert sizes == [*linears, *[(1370, width // 64, 64)] * 3]
        assert len({case.name for case in cases_of(width, 1370)}) == 6
    # More would take seconds.
    assert linear_case(8 * 1370, 1024, 4096).size == (2048, 1024, 4096)
    assert attention_case(torch.bfloat16, True, 5477, 16, 64).size == (1448, 16, 64)
    # Images of similar sizes share a choice.
    assert linear_case(1370, 384, 384).name == linear_case(1814, 384, 384).name
    assert linear_case(1370, 384, 384).name == "linear | float32 | inference | 1024x384x384"
    assert linear_case(1370, 384, 384).name != linear_case(2053, 384, 384).name
