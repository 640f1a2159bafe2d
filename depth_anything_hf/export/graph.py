# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The graph that is exported: images in, a map out, with a free batch, height and width."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .metadata import INPUT_NAME


LARGEST_BATCH = 4096
# Rows and columns of patches. In fewer of them a map of the decoder has a single row, which PyTorch traces apart.
SMALLEST_GRID, LARGEST_GRID = 3, 1024


class DepthGraph(nn.Module):
    """A model that gives its map alone."""

    def __init__(self, model: DepthAnythingForDepthEstimation) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H, W)."""
        output: Any = self.model(pixel_values, output_attentions=False, output_hidden_states=False, return_dict=True)
        predicted: Tensor = output.predicted_depth
        return predicted


def own_grid(model: DepthAnythingForDepthEstimation) -> int:
    """Return rows (and columns) of the patch grid that the position embeddings were made for."""
    stored: Any = model.backbone.embeddings.position_embeddings
    return math.isqrt(int(stored.shape[1]) - 1)


def trace(model: DepthAnythingForDepthEstimation, size: tuple[int, int] | None) -> ExportedProgram:
    """Trace a model for inference.

    Args:
        model: in evaluation mode.
        size: height and width of all images; None leaves them free, in multiples of the patch size.

    Returns:
        A program whose batch is free.
    """
    patch, own = model.patch_size, own_grid(model)
    shapes: dict[int, Any] = {0: Dim("batch", min=1, max=LARGEST_BATCH)}
    # A batch of 1 or the model's own grid could be taken for the only ones.
    height, width = size or (patch * (own + 1), patch * (own + 2))
    if size is None:
        shapes |= {
            axis: patch * Dim(name, min=SMALLEST_GRID, max=LARGEST_GRID)
            for axis, name in ((2, "rows"), (3, "columns"))
        }
    example = torch.zeros(2, 3, height, width)
    with torch.no_grad():
        program = torch.export.export(
            DepthGraph(model).eval(), (example,), dynamic_shapes={INPUT_NAME: shapes}, strict=False
        )
        decomposed: ExportedProgram = program.run_decompositions({})
    return decomposed
