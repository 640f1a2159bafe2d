# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matrix products, convolutions and attention of our own give PyTorch's results and gradients."""

from __future__ import annotations

import pytest
import torch
from cpu_tensors import TOLERANCES, assert_near, heads, random
from torch.nn import functional as F

from depth_anything_hf.cpu.kernels import (
    convolution_linear,
    convolution_with_first_gradients,
    heads_attention,
    product,
    transposed_product,
)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(300, 64, 96), (1, 5, 3), (37, 16, 1)])
def test_products_are_products(dtype: torch.dtype, rows: int, inputs: int, outputs: int, threads: int) -> None:
    left, right = random(rows, inputs, dtype=dtype), random(outputs, inputs, dtype=dtype, seed=1)
    other = random(rows, outputs, dtype=dtype, seed=2)
    assert_near(product(left, right), left.double() @ right.double().t())
    assert_near(transposed_product(other, left), other.double().t() @ left.double())


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_convolution_is_the_linear_layer(dtype: torch.dtype, with_bias: bool, threads: int) -> None:
    inputs = [random(2, 150, 64, dtype=dtype), random(96, 64, dtype=dtype, seed=1)]
    if with_bias:
        inputs.append(random(96, dtype=dtype, seed=2))
    exact = [tensor.double().requires_grad_() for tensor in inputs]
    inputs = [tensor.requires_grad_() for tensor in inputs]
    output = convolution_linear(inputs[0], inputs[1], inputs[2] if with_bias else None)
    expected = F.linear(*exact)
    assert output.is_contiguous() and output.shape == (2, 150, 96)
    assert_near(output, expected)
    gradient = random(2, 150, 96, dtype=dtype, seed=3)
    found = torch.autograd.grad(output, inputs, gradient)
    for part, right in zip(found, torch.autograd.grad(expected, exact, gradient.double()), strict=True):
        assert_near(part, right)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("trained", ["all", "weight", "features"])
def test_gradients_with_channels_first_are_the_convolutions(trained: str, with_bias: bool, threads: int) -> None:
    features = random(3, 17, 23, 8).permute(0, 3, 1, 2)
    weight, bias = random(6, 8, 3, 3, seed=1), random(6, seed=2) if with_bias else None
    needed = [tensor for tensor in (features, weight, bias) if tensor is not None]
    if trained != "all":
        needed = [{"weight": weight, "features": features}[trained]]
    exact = {id(tensor): tensor.double().requires_grad_(any(tensor is one for one in needed)) for tensor in needed}
    for tensor in needed:
        tensor.requires_grad_()
    output = convolution_with_first_gradients(features, weight, bias)
    doubles = [None if one is None else exact.get(id(one), one.double()) for one in (features, weight, bias)]
    expected = F.conv2d(doubles[0], doubles[1], doubles[2], padding=1)
    assert_near(output, expected)
    gradient = random(3, 17, 23, 6, seed=3).permute(0, 3, 1, 2)
    found = torch.autograd.grad(output, needed, gradient)
    for part, right in zip(
        found, torch.autograd.grad(expected, [exact[id(one)] for one in needed], gradient.double()), strict=True
    ):
        assert_near(part, right)


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
