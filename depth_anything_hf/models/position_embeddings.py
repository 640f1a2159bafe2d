# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Position embeddings interpolated as the authors of DINOv2 and Depth Anything do, and in graphs of free sizes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .resampling import bicubic_matrix, count_of, resample


def offset_position_embeddings(embeddings: Tensor, grid: tuple[int, int], offset: float) -> Tensor:
    """Interpolate position embeddings to another patch grid, as the authors of DINOv2 and Depth Anything do.

    The offset goes into the scale of the bicubic interpolation, so that every sample lies a little nearer to the first
    one than in transformers. The formula is that of `interpolate_pos_encoding` in facebookresearch/dinov2
    (dinov2/models/vision_transformer.py).

    Args:
        embeddings: (1, 1 + n * n, C), the class token first.
        grid: rows and columns of patches.
        offset: added to both, 0 <= offset < 1.

    Returns:
        (1, 1 + rows * columns, C) in float32, or `embeddings` themselves where the grid is their own.
    """
    rows, columns = grid
    side = math.isqrt(embeddings.shape[1] - 1)
    if rows == columns == side:
        return embeddings
    class_token, patches = torch.split(embeddings.float(), [1, side * side], dim=1)
    resized = F.interpolate(
        torch.unflatten(patches, 1, (side, side)).permute(0, 3, 1, 2),
        scale_factor=((rows + offset) / side, (columns + offset) / side),
        mode="bicubic",
        align_corners=False,
    )
    return torch.cat([class_token, resized.flatten(2).transpose(1, 2)], dim=1)


def exported_position_embeddings(embeddings: Any, grid: tuple[int, int], offset: float) -> Tensor:
    """Interpolate position embeddings in a graph that is exported, whose grid is a symbol.

    On the embeddings' own grid the result is the embeddings; on others, up to 74 x 74, it is within 6e-6 of what the
    ordinary forward pass computes, as a share of the embeddings' range (1e-6 where the own grid is small). The grid's
    size becomes a tensor of the graph, so that neither the grid nor the scale that was traced is in it.

    Args:
        embeddings: the encoder's module of embeddings.
        grid: rows and columns of patches.
        offset: as for `offset_position_embeddings`; 0 is transformers' interpolation, which antialiases for encoders
            with registers.

    Returns:
        (1, 1 + rows * columns, C) in the precision of the embeddings, with an offset in float32.
    """
    stored: Tensor = embeddings.position_embeddings
    side = math.isqrt(stored.shape[1] - 1)
    antialias = hasattr(embeddings, "register_tokens") and not offset
    lengths = [count_of(length) for length in grid]
    matrices = [
        bicubic_matrix(length, side, side / (count + offset), antialias=antialias)
        for length, count in zip(grid, lengths, strict=True)
    ]
    if offset:
        # Without one, the matrices of the own grid are the identity by themselves.
        is_own = (lengths[0] == side) & (lengths[1] == side)
        identities = [(torch.arange(length)[:, None] == torch.arange(side)[None]).to(torch.float32) for length in grid]
        matrices = [torch.where(is_own, one, other) for one, other in zip(identities, matrices, strict=True)]
    class_token, patches = torch.split(stored.float(), [1, side * side], dim=1)
    maps = torch.unflatten(patches, 1, (side, side)).permute(0, 3, 1, 2)
    resized = resample(maps, *(matrix.to(stored.device) for matrix in matrices)).flatten(2).transpose(1, 2)
    positions = torch.cat([class_token, resized], dim=1)
    return positions if offset else positions.to(stored.dtype)


def is_exporting() -> bool:
    """Return whether `torch.export` traces this call; before PyTorch 2.7 that cannot be told."""
    ask = getattr(torch.compiler, "is_exporting", None)
    return False if ask is None else bool(ask())
