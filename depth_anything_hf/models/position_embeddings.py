# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Position embeddings interpolated as the authors of DINOv2 and Depth Anything do."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


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
