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


def bicubic_matrix(
    length: int, source: int, scale: Tensor | float | None = None, *, antialias: bool = False
) -> Tensor:
    """Compute the weights with which samples of a new length are sums of the old ones.

    Without antialiasing the formula is that of `upsample_bicubic2d` in PyTorch (aten/native/UpSample.h): four taps,
    those beyond the ends repeat the sample at the end. With it, it is that of `ImagingResample` in Pillow
    (libImaging/Resample.c), which PyTorch follows: the kernel is as much wider as the result is smaller, and taps
    beyond the ends are left out.

    Args:
        length: number of new samples; a symbol of an exported graph, or a number.
        source: number of old samples, likewise.
        scale: old samples per new one. None: source / length, and positions are quotients of whole numbers, so that
            in float32 they are those of a computation in float64, rounded once.
        antialias: see above.

    Returns:
        (length, source) in float32.
    """
    new = torch.arange(length, dtype=torch.float32)[:, None]
    old = torch.arange(source, dtype=torch.float32)[None]
    if scale is None:
        centre, counts = (2 * new + 1) * count_of(source), (count_of(length), count_of(source))
        if antialias:
            return _antialiased(((2 * old + 1) * counts[0] - centre) / (2 * torch.maximum(*counts)))
        return _four_taps((centre - counts[0]) / (2 * counts[0]), old)
    scale = torch.as_tensor(scale, dtype=torch.float32)
    if antialias:
        return _antialiased((old - (new + 0.5) * scale + 0.5) / torch.clamp(scale, min=1.0))
    return _four_taps((new + 0.5) * scale - 0.5, old)


def count_of(length: int) -> Tensor:
    """Return a length as a float32 tensor of the graph, which does not keep the one that is traced."""
    return torch.ones(length).sum()


def _antialiased(distances: Tensor) -> Tensor:
    """Compute weights from distances in widths of the kernel; where Pillow's window ends, they are zero."""
    weights = _kernel(distances, PILLOW_SLOPE)
    return weights / weights.sum(dim=1, keepdim=True)


def _four_taps(position: Tensor, old: Tensor) -> Tensor:
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
