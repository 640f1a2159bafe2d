# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The decoder's last convolution, which gives float32 whatever the precision of its features.

A map in bfloat16 has some hundred different values: a prediction near its label, whose loss sees differences between
neighbours, then trains on rounding, and a label made by a model in bfloat16 has steps in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn


# Features are converted piece by piece: in float32 the whole map would be the largest of all. On a CPU a piece of this
# many pixels with 32 channels stays in the cache (2 MiB); an accelerator wants few calls.
PIXELS_AT_A_TIME_ON_CPU = 2**14
PIXELS_AT_A_TIME = 2**18

REDUCED = (torch.bfloat16, torch.float16)


def full_precision(features: Tensor) -> AbstractContextManager[Any]:
    """Context without autocast on the device of the features; where there is none anyway, it does nothing."""
    device = features.device.type
    if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)


class OutputConvolution(nn.Conv2d):
    """A convolution that gives float32 for features in bfloat16 or float16, otherwise `torch.nn.Conv2d`.

    Products and sums are float32 too, and so are the weights as far as they are stored in it. It is meant for a 1x1
    convolution to one channel, which converts a piece of the features at a time; any other one, as adapters make them
    of the class that they find, converts all of them.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, N, H, W)."""
        with full_precision(input):
            dtype = torch.float32 if input.dtype in REDUCED else input.dtype
            weight = self.weight.to(dtype)
            bias = None if self.bias is None else self.bias.to(dtype)
            if input.dtype == dtype or self.out_channels > 1 or self.kernel_size != (1, 1):
                convolved: Tensor = self._conv_forward(input.to(dtype), weight, bias)
                return convolved
            if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
                # A compiler fuses conversion, products and sum by itself.
                output = (input.float() * weight.view(-1, 1, 1)).sum(dim=1, keepdim=True)
            else:
                # torch does not annotate `Function.apply`.
                output = _WeightedSum.apply(input, weight.flatten())  # type: ignore[no-untyped-call]
            return output if bias is None else output + bias


class _WeightedSum(torch.autograd.Function):
    """Sum over the channels of (B, C, H, W), weighted by float32 (C,): float32 (B, 1, H, W).

    Only a piece of the features exists in float32 at a time, also in the backward pass.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(features, weight)
        batch, _, height, width = features.shape
        output = features.new_empty(batch, height * width, dtype=torch.float32)
        pixels = _pixels(features)
        with full_precision(features):
            for image, part in _pieces(features):
                torch.mv(pixels[image, part].float(), weight, out=output[image, part])
        return output.view(batch, 1, height, width)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, weight = ctx.saved_tensors
        of_features = torch.empty_like(features, memory_format=_order(features)) if ctx.needs_input_grad[0] else None
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        gradients, pixels = gradient.flatten(1), _pixels(features)
        with full_precision(features):
            for image, part in _pieces(features):
                if of_features is not None:
                    _pixels(of_features)[image, part] = torch.outer(gradients[image, part], weight)
                if of_weight is not None:
                    of_weight.addmv_(pixels[image, part].float().t(), gradients[image, part])
        return of_features, of_weight


def _order(features: Tensor) -> torch.memory_format:
    """Return that of the two memory orders in which `_pixels` is a view, and what is written to it is kept."""
    is_channels_last = features.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_channels_last else torch.contiguous_format


def _pixels(features: Tensor) -> Tensor:
    """View (B, C, H, W) as (B, H * W, C); where rows and columns cannot be one dimension, as transposed, copy it."""
    return features.flatten(2).transpose(1, 2)


def _pieces(features: Tensor) -> Iterator[tuple[int, slice]]:
    """Yield an image's index and a part of its pixels, until all are through."""
    pixels = features.shape[2] * features.shape[3]
    size = PIXELS_AT_A_TIME_ON_CPU if features.device.type == "cpu" else PIXELS_AT_A_TIME
    for image in range(features.shape[0]):
        for start in range(0, pixels, size):
            yield image, slice(start, start + size)


__all__ = ["OutputConvolution"]
