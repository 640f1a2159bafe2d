# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Linear layers and attention for CPUs, through public PyTorch operations, each where `autotune` finds it faster.

PyTorch computes a float32 `linear` with MKL, which runs at less than half the speed of oneDNN on some AMD processors,
and its fused attention for CPUs can stay below the speed of plain matrix products when there are many tokens. A 1x1
convolution is the same arithmetic as a linear layer and goes to oneDNN.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .autotune import Case, may_choose, ours_wins


# Below these sizes the calls cost more than the arithmetic, and standard kernels stay.
SMALLEST_PRODUCT = 2**24  # multiplications
FEWEST_TOKENS = 256
# Scores of so many queries at a time stay in the processor's caches.
QUERIES_AT_A_TIME = 1024
# Multiplications; more are not measured. One image at 518x518 is measured as it is up to the large model.
MEASURED_PRODUCT = 2**33
MEASURED_SCORES = 2**31
# A stride over a dimension of one element changes nothing, but PyTorch gives strided 1x1 convolutions to oneDNN with
# one thread too, which it does not do otherwise.
STRIDE = (2, 1)


def convolution_linear(tokens: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute `torch.nn.functional.linear` as a 1x1 convolution over the tokens: (..., C), (N, C) -> (..., N)."""
    rows = tokens.reshape(1, 1, -1, tokens.shape[-1]).permute(0, 3, 1, 2)
    outputs = F.conv2d(rows, weight[:, :, None, None], bias, stride=STRIDE)
    return outputs.permute(0, 2, 3, 1).reshape(*tokens.shape[:-1], weight.shape[0])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute `torch.nn.functional.linear`, in float32 and without gradients with the faster kernel."""
    if (
        may_choose(input, weight, bias)
        and input.dtype == weight.dtype == torch.float32
        and weight.dim() == 2
        and input.numel() * weight.shape[0] >= SMALLEST_PRODUCT
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and ours_wins(linear_case(input.numel() // weight.shape[1], *reversed(weight.shape)))
    ):
        return convolution_linear(input, weight, bias)
    return F.linear(input, weight, bias)


@functools.lru_cache
def linear_case(rows: int, inputs: int, outputs: int) -> Case:
    """Return the choice that `linear` has."""
    size = (min(rows, MEASURED_PRODUCT // (inputs * outputs)), inputs, outputs)
    shapes = ((size[0], inputs), (outputs, inputs), (outputs,))
    return Case("linear", torch.float32, False, size, F.linear, convolution_linear, shapes)


def product(rows: Tensor, columns: Tensor, memory: Tensor | None = None) -> Tensor:
    """Multiply (M, C) by the transpose of (N, C): (M, N); in `memory` where that can be used."""
    if rows.dtype == torch.float32:
        return convolution_linear(rows, columns)
    return torch.mm(rows, columns.t(), out=memory)


def heads_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Compute softmax(query key^T scale) value, one head after the other.

    Only a part of one head's scores exists at a time. For gradients they are recomputed, head by head, so that memory
    grows linearly with the tokens.

    Args:
        query: (B, heads, N, size), with any strides.
        key: likewise.
        value: likewise.
        scale: of the scores.

    Returns:
        (B, N, heads, size), contiguous.
    """
    if is_training(query, key, value):
        # torch does not annotate `Function.apply`.
        attended: Tensor = _HeadsAttention.apply(query, key, value, scale)  # type: ignore[no-untyped-call]
        return attended
    return _attend(query, key, value, scale)


def is_training(*tensors: Tensor) -> bool:
    """Return whether what is computed of the tensors will have a gradient."""
    return torch.is_grad_enabled() and any(each.requires_grad for each in tensors)


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    batch, heads, tokens, size = query.shape
    attended = query.new_empty(batch, tokens, heads, size)
    # Fresh memory for each head would cost as much time as the arithmetic.
    memory = query.new_empty(2, min(tokens, QUERIES_AT_A_TIME), tokens)
    for image in range(batch):
        for head in range(heads):
            queries = query[image, head] * scale
            keys, values = key[image, head].contiguous(), value[image, head].t().contiguous()
            for start in range(0, tokens, QUERIES_AT_A_TIME):
                part = slice(start, start + QUERIES_AT_A_TIME)
                scores, probabilities = memory[:, : len(queries[part])]
                scores = product(queries[part], keys, scores)
                torch.softmax(scores, dim=-1, out=probabilities)
                attended[image, part, head] = product(probabilities, values)
    return attended


class _HeadsAttention(torch.autograd.Function):
    """`heads_attention` with its gradient, by the chain rule through the softmax of each row."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        attended = _attend(query, key, value, scale)
        ctx.save_for_backward(query, key, value, attended)
        ctx.scale = scale
        return attended

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, attended = ctx.saved_tensors
        # Heads next to each other, as the projections before want them.
        gradients = [torch.empty_like(attended) for _ in range(3)]
        scaled = query * ctx.scale
        for image in range(query.shape[0]):
            for head in range(query.shape[1]):
                inputs = [each[image, head].contiguous() for each in (scaled, key, value)]
                outputs = [each[image, :, head].contiguous() for each in (attended, gradient)]
                for whole, part in zip(gradients, _head_gradients(*inputs, *outputs), strict=True):
                    whole[image, :, head] = part
        query_gradient, key_gradient, value_gradient = (whole.transpose(1, 2) for whole in gradients)
        return query_gradient * ctx.scale, key_gradient, value_gradient, None


def _head_gradients(
    scaled: Tensor, key: Tensor, value: Tensor, attended: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one head's scaled query, key and value, each (N, size)."""
    transposed_keys = key.t().contiguous()
    # What softmax takes off each row; in float32, since it is a difference of sums.
    offset = (gradient.float() * attended.float()).sum(dim=-1, keepdim=True).to(gradient.dtype)
    query_gradient = torch.empty_like(gradient)
    key_gradient, value_gradient = (torch.zeros_like(each, dtype=torch.float32) for each in (key, value))
    for start in range(0, len(scaled), QUERIES_AT_A_TIME):
        part = slice(start, start + QUERIES_AT_A_TIME)
        probabilities = product(scaled[part], key).softmax(dim=-1)
        value_gradient += probabilities.t() @ gradient[part]
        scores_gradient = product(gradient[part], value).sub_(offset[part]).mul_(probabilities)
        query_gradient[part] = product(scores_gradient, transposed_keys)
        key_gradient += scores_gradient.t() @ scaled[part]
    return query_gradient, key_gradient, value_gradient


def heads_attention_wins(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Return whether `heads_attention` is the faster kernel for these inputs, each (B, heads, N, size)."""
    dtype, training = query.dtype, is_training(query, key, value)
    _, heads, tokens, size = query.shape
    return (
        may_choose(query, key, value)
        and query.shape == key.shape == value.shape
        and dtype == key.dtype == value.dtype
        # In float32 the gradients bring less than a tenth of a training step.
        and (dtype == torch.bfloat16 or (dtype == torch.float32 and not training))
        and not (torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") != dtype)
        and tokens >= FEWEST_TOKENS
        and ours_wins(attention_case(dtype, training, tokens, heads, size))
    )


@functools.lru_cache
def attention_case(dtype: torch.dtype, training: bool, tokens: int, heads: int, size: int) -> Case:
    """Return the choice that attention has."""
    tokens = min(tokens, math.isqrt(MEASURED_SCORES // (heads * size)))
    # As they come from the projections: heads next to each other.
    shapes = ((1, tokens, heads, size),) * 3

    def standard(*tensors: Tensor) -> Tensor:
        query, key, value = (each.transpose(1, 2) for each in tensors)
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2)

    def ours(*tensors: Tensor) -> Tensor:
        query, key, value = (each.transpose(1, 2) for each in tensors)
        return heads_attention(query, key, value, size**-0.5)

    return Case("attention", dtype, training, (tokens, heads, size), standard, ours, shapes)


def cases_of(width: int, tokens: int) -> list[Case]:
    """Return the choices of one image in a DINOv2 encoder, whose heads are 64 wide."""
    linears = ((width, width), (width, 4 * width), (4 * width, width))
    attentions = ((torch.float32, False), (torch.bfloat16, False), (torch.bfloat16, True))
    return [linear_case(tokens, *sizes) for sizes in linears] + [
        attention_case(*way, tokens, width // 64, 64) for way in attentions
    ]
