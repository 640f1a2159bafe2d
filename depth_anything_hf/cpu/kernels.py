# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matrix products, convolutions and attention for CPUs, through public PyTorch operations, each where it is faster.

PyTorch computes a float32 `linear` with MKL, which runs at less than half the speed of oneDNN on some AMD processors,
and its fused attention for CPUs can stay below the speed of plain matrix products when there are many tokens. A 1x1
convolution is the same arithmetic as a linear layer and goes to oneDNN. With channels last, oneDNN's gradients of a
convolution's weight are slow on processors without AVX-512. Which way is faster is measured by `autotune`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from .autotune import may_choose, ours_wins, power_of_two, random_tensor, share_of_time


# Below these sizes the calls cost more than the arithmetic, and standard kernels stay.
SMALLEST_PRODUCT = 2**24  # multiplications
FEWEST_TOKENS = 256
# Scores of so many queries at a time stay in the processor's caches.
QUERIES_AT_A_TIME = 1024

# What is measured is cut to this, which takes about a tenth of a second.
MEASURED_ROWS = 1024
MEASURED_PRODUCT = 2**30
MEASURED_TOKENS = 2048
MEASURED_HEADS = 2
MEASURED_WIDTH = 256
FEWEST_MEASURED_LINES = 16

# A stride over a dimension of one element changes nothing, but PyTorch gives strided 1x1 convolutions to oneDNN with
# one thread too, which it does not do otherwise.
STRIDE = (2, 1)


def _computed_dtype(tensor: Tensor) -> torch.dtype:
    """Return the precision in which a product of the tensor runs here."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else tensor.dtype


def _is_training(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


# Products


def _as_image(rows: Tensor) -> Tensor:
    """Rows (M, C) as an image (1, C, 1, M), channels last in memory."""
    return rows[None, None].permute(0, 3, 1, 2)


def _as_rows(image: Tensor) -> Tensor:
    return image.permute(0, 2, 3, 1)[0, 0]


def product(rows: Tensor, columns: Tensor, memory: Tensor | None = None) -> Tensor:
    """Multiply (M, C) by the transpose of (N, C) through oneDNN: (M, N), in `memory` where that can be used."""
    if rows.dtype != torch.float32:
        return torch.mm(rows, columns.t(), out=memory)
    return _as_rows(F.conv2d(_as_image(rows), columns[:, :, None, None], stride=STRIDE))


def transposed_product(rows: Tensor, columns: Tensor) -> Tensor:
    """Multiply the transpose of (M, N) by (M, C) through oneDNN: (N, C).

    That is the gradient of a 1x1 convolution's weight.
    """
    if rows.dtype != torch.float32:
        return torch.mm(rows.t(), columns)
    size = (rows.shape[1], columns.shape[1], 1, 1)
    # torch does not annotate the gradients of convolutions.
    gradient: Tensor = conv2d_weight(_as_image(columns), size, _as_image(rows), stride=STRIDE)  # type: ignore[no-untyped-call]
    return gradient[:, :, 0, 0]


def convolution_linear(tokens: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute `torch.nn.functional.linear` as a 1x1 convolution over the tokens."""
    rows = _as_image(tokens.reshape(-1, tokens.shape[-1]))
    outputs = F.conv2d(rows, weight[:, :, None, None], bias, stride=STRIDE)
    return _as_rows(outputs).view(*tokens.shape[:-1], weight.shape[0])


def linear(tokens: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute `torch.nn.functional.linear` with the faster kernel: (..., C) and (N, C) -> (..., N)."""
    if _convolution_wins(tokens, weight):
        return convolution_linear(tokens, weight, bias)
    return F.linear(tokens, weight, bias)


def _convolution_wins(tokens: Tensor, weight: Tensor) -> bool:
    dtype = _computed_dtype(tokens)
    if not may_choose(tokens, dtype):
        return False
    outputs, inputs = weight.shape
    rows = tokens.numel() // inputs
    if rows * inputs * outputs < SMALLEST_PRODUCT:
        return False
    measured = min(power_of_two(rows), MEASURED_ROWS, max(256, power_of_two(MEASURED_PRODUCT // (inputs * outputs))))
    training = _is_training(tokens, weight)

    def measure() -> float:
        shapes = ((measured, inputs), (outputs, inputs), (outputs,))
        tensors = [random_tensor(*shape, dtype=dtype, training=training) for shape in shapes]
        return share_of_time(F.linear, convolution_linear, tensors, training)

    return ours_wins("linear", dtype, training, f"{measured}x{inputs}x{outputs}", measure)


# Convolutions


class _Convolution(torch.autograd.Function):
    """A 3x3 convolution with channels last whose weight's gradient is computed with channels first."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(features, weight)
        return F.conv2d(features, weight, bias, padding=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        features, weight = ctx.saved_tensors
        of_features = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            gradient = gradient.contiguous(memory_format=torch.channels_last)
            kernels = weight.contiguous(memory_format=torch.channels_last)
            of_features = conv2d_input(features.shape, kernels, gradient, padding=1)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            # One image after the other, so that the copies stay small.
            of_weight = torch.zeros_like(weight, memory_format=torch.contiguous_format)
            for image, its_gradient in zip(torch.split(features, 1), torch.split(gradient, 1), strict=True):
                first, second = image.contiguous(), its_gradient.contiguous()
                of_weight += conv2d_weight(first, weight.shape, second, padding=1)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2, 3))
        return of_features, of_weight, of_bias


def convolution_with_first_gradients(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute a 3x3 convolution (stride 1, padding 1) of (B, C, H, W), channels last; see `_Convolution`."""
    # torch does not annotate `Function.apply`.
    convolved: Tensor = _Convolution.apply(features, weight, bias)  # type: ignore[no-untyped-call]
    return convolved


def convolution(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute a 3x3 convolution (stride 1, padding 1) with the faster kernel: (B, C, H, W) -> (B, N, H, W)."""
    if _first_gradients_win(features, weight):
        return convolution_with_first_gradients(features, weight, bias)
    return F.conv2d(features, weight, bias, padding=1)


def _first_gradients_win(features: Tensor, weight: Tensor) -> bool:
    if not (torch.is_grad_enabled() and weight.requires_grad):
        return False
    if not may_choose(features, torch.float32) or _computed_dtype(features) != torch.float32:
        return False
    outputs, inputs = weight.shape[:2]
    height, width = features.shape[2:]
    if height * width * weight.numel() < SMALLEST_PRODUCT or not _is_channels_last(features):
        return False
    columns = min(power_of_two(width), MEASURED_WIDTH)
    lines = min(power_of_two(height), power_of_two(MEASURED_PRODUCT // (weight.numel() * columns)))
    lines = max(lines, FEWEST_MEASURED_LINES)

    def measure() -> float:
        shapes = ((1, lines, columns, inputs), (outputs, inputs, 3, 3), (outputs,))
        image, kernels, shift = (random_tensor(*shape, dtype=torch.float32, training=False) for shape in shapes)
        tensors = [image.permute(0, 3, 1, 2).requires_grad_(), kernels.requires_grad_(), shift.requires_grad_()]

        def standard(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
            return F.conv2d(features, weight, bias, padding=1)

        return share_of_time(standard, convolution_with_first_gradients, tensors, training=True)

    size = f"{inputs}x{lines}x{columns} to {outputs}"
    return ours_wins("convolution's gradient", torch.float32, True, size, measure)


def _is_channels_last(features: Tensor) -> bool:
    return features.is_contiguous(memory_format=torch.channels_last) and not features.is_contiguous()


# Attention


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
    if torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad):
        # torch does not annotate `Function.apply`.
        attended: Tensor = _HeadsAttention.apply(query, key, value, scale)  # type: ignore[no-untyped-call]
        return attended
    return _attend(query, key, value, scale)


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
        for image in range(query.shape[0]):
            for head in range(query.shape[1]):
                parts = _attention_gradients(
                    query[image, head],
                    key[image, head].contiguous(),
                    value[image, head].contiguous(),
                    attended[image, :, head],
                    gradient[image, :, head].contiguous(),
                    ctx.scale,
                )
                for whole, part in zip(gradients, parts, strict=True):
                    whole[image, :, head] = part
        query_gradient, key_gradient, value_gradient = (whole.transpose(1, 2) for whole in gradients)
        return query_gradient, key_gradient, value_gradient, None


def _attention_gradients(
    query: Tensor, key: Tensor, value: Tensor, attended: Tensor, gradient: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one head's query, key and value, each (N, size)."""
    scaled = query * scale
    transposed_keys = key.t().contiguous()
    # What softmax takes off each row; in float32, since it is a difference of sums.
    offset = (gradient.float() * attended.float()).sum(dim=-1, keepdim=True).to(gradient.dtype)
    query_gradient = torch.empty_like(gradient)
    key_gradient = key.new_zeros(key.shape, dtype=torch.float32)
    value_gradient = value.new_zeros(value.shape, dtype=torch.float32)
    for start in range(0, len(query), QUERIES_AT_A_TIME):
        part = slice(start, start + QUERIES_AT_A_TIME)
        probabilities = product(scaled[part], key).softmax(dim=-1)
        value_gradient += transposed_product(probabilities, gradient[part])
        scores_gradient = product(gradient[part], value).sub_(offset[part]).mul_(probabilities)
        query_gradient[part] = product(scores_gradient, transposed_keys)
        key_gradient += transposed_product(scores_gradient, scaled[part])
    return query_gradient * scale, key_gradient, value_gradient


def heads_attention_wins(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Return whether `heads_attention` is the faster kernel for these inputs, each (B, heads, N, size)."""
    same_kind = query.shape == key.shape == value.shape and query.dtype == key.dtype == value.dtype
    dtype = query.dtype
    if not same_kind or not may_choose(query, dtype) or _computed_dtype(query) != dtype:
        return False
    tokens, size = query.shape[2:]
    if tokens < FEWEST_TOKENS:
        return False
    training = _is_training(query)
    measured = min(power_of_two(tokens), MEASURED_TOKENS)

    def measure() -> float:
        # As they come from the projections: heads next to each other.
        shape = (1, measured, MEASURED_HEADS, size)
        heads = [random_tensor(*shape, dtype=dtype, training=training) for _ in range(3)]

        def standard(*tensors: Tensor) -> Tensor:
            query, key, value = (tensor.transpose(1, 2) for tensor in tensors)
            return F.scaled_dot_product_attention(query, key, value).transpose(1, 2)

        def ours(*tensors: Tensor) -> Tensor:
            query, key, value = (tensor.transpose(1, 2) for tensor in tensors)
            return heads_attention(query, key, value, size**-0.5)

        return share_of_time(standard, ours, heads, training)

    return ours_wins("attention", dtype, training, f"{measured}x{size}", measure)


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Compute attention with the faster kernel; arguments and result as in `heads_attention`."""
    if heads_attention_wins(query, key, value):
        return heads_attention(query, key, value, scale)
    return F.scaled_dot_product_attention(query, key, value, scale=scale).transpose(1, 2)
