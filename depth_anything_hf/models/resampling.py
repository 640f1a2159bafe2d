# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bicubic resampling as products with small matrices, whose sizes an exporter may leave free.

`torch.nn.functional.interpolate` becomes an operation of fixed scale in most exported graphs, or one that engines
compute by other rules. Products of matrices are computed alike everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor


# Slope of the kernel at distance 1: PyTorch's and OpenCV's, and that of Pillow, which PyTorch takes with antialiasing.
SLOPE, PILLOW_SLOPE = -0.75, -0.5


def bicubic_matrix(length: int, source: int, scale: Tensor | float, *, antialias: bool = False) -> Tensor:
    """Compute the weights with which samples of a new length are sums of the old ones.

    Without antialiasing the formula is that of `upsample_bicubic2d` in PyTorch (aten/native/UpSample.h): four taps,
    those beyond the ends repeat the sample at the end. With it, it is that of `ImagingResample` in Pillow
    (libImaging/Resample.c), which PyTorch follows: the kernel is as much wider as the result is smaller, and taps
    beyond the ends are left out.

    Args:
        length: number of new samples; a symbol of an exported graph, or a number.
        source: number of old samples, likewise.
        scale: old samples per new one.
        antialias: see above.

    Returns:
        (length, source) in float32.
    """
    new = torch.arange(length, dtype=torch.float32)[:, None]
    old = torch.arange(source, dtype=torch.float32)[None]
    scale = torch.as_tensor(scale, dtype=torch.float32)
    if antialias:
        stretch = torch.clamp(scale, min=1.0)
        centre = (new + 0.5) * scale
        first = torch.floor(torch.clamp(centre - 2 * stretch + 0.5, min=0.0))
        end = torch.floor(centre + 2 * stretch + 0.5)
        weights = _kernel((old - centre + 0.5) / stretch, PILLOW_SLOPE) * ((old >= first) & (old < end))
        return weights / weights.sum(dim=1, keepdim=True)
    position = (new + 0.5) * scale - 0.5
    nearest = torch.floor(position)
    last = old[:, -1:]
    matrix = torch.zeros_like(position)
    for tap in range(-1, 3):
        index = torch.minimum(torch.clamp(nearest + tap, min=0.0), last)
        matrix = matrix + _kernel(position - (nearest + tap), SLOPE) * (index == old)
    return matrix


def resample(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Resample maps (..., H, W) by matrices (h, H) and (w, W): (..., h, w)."""
    return torch.matmul(rows, torch.matmul(maps, columns.T))


def _kernel(distance: Tensor, slope: float) -> Tensor:
    """Compute the kernel of Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    far = distance.abs()
    near_value = ((slope + 2) * far - (slope + 3)) * far * far + 1
    far_value = ((slope * far - 5 * slope) * far + 8 * slope) * far - 4 * slope
    return torch.where(far <= 1, near_value, torch.where(far < 2, far_value, torch.zeros_like(far)))
