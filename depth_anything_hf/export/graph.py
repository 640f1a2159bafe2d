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
from .inputs import IMAGES, LARGEST_BATCH, LARGEST_GRID, LARGEST_SIDE, PIXEL_VALUES, SMALLEST_GRID, SMALLEST_SIDE
from .preprocessing import ImagePreparation


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


class ImageGraph(nn.Module):
    """A model behind the steps of its image processor: bytes in, maps of the images' own size out."""

    def __init__(self, model: DepthAnythingForDepthEstimation, preparation: ImagePreparation) -> None:
        super().__init__()
        self.network, self.preparation = DepthGraph(model), preparation

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 (B, H, W, 3) -> float32 (B, H, W)."""
        return self.preparation.resize_back(self.network(self.preparation(images)), images)


def own_grid(model: DepthAnythingForDepthEstimation) -> int:
    """Return rows (and columns) of the patch grid that the position embeddings were made for."""
    stored: Any = model.backbone.embeddings.position_embeddings
    return math.isqrt(int(stored.shape[1]) - 1)


def check_exporter() -> None:
    """Raise ImportError where `torch.export` does not tell a model that it is traced, as before PyTorch 2.7."""
    if not hasattr(torch.compiler, "is_exporting"):
        raise ImportError(f"models are exported by PyTorch 2.7 or later, here is {torch.__version__}; install it")


def trace(
    model: DepthAnythingForDepthEstimation, size: tuple[int, int] | None, preparation: ImagePreparation | None = None
) -> ExportedProgram:
    """Trace a model for inference.

    Args:
        model: in evaluation mode.
        size: height and width of all images; None leaves them free, in multiples of the patch size.
        preparation: the steps before the model, of images whose size is free.

    Returns:
        A program whose batch is free. It is not decomposed: exporters do so by tables of their own.
    """
    # A batch of 1 or the model's own grid could be taken for the only ones.
    patch, own = model.patch_size, own_grid(model)
    sides = size if size is not None and preparation is None else (patch * (own + 1), patch * (own + 2))
    shapes: dict[int, Any] = {0: Dim("batch", min=1, max=LARGEST_BATCH)}
    graph: nn.Module
    if preparation is not None:
        graph, name, example = ImageGraph(model, preparation), IMAGES, torch.zeros(2, *sides, 3, dtype=torch.uint8)
        shapes |= {
            axis: Dim(side, min=SMALLEST_SIDE, max=LARGEST_SIDE) for axis, side in ((1, "height"), (2, "width"))
        }
    else:
        graph, name, example = DepthGraph(model), PIXEL_VALUES, torch.zeros(2, 3, *sides)
        if size is None:
            shapes |= {
                axis: patch * Dim(side, min=SMALLEST_GRID, max=LARGEST_GRID)
                for axis, side in ((2, "rows"), (3, "columns"))
            }
    with torch.no_grad():
        program = torch.export.export(graph.eval(), (example,), dynamic_shapes={name: shapes}, strict=False)
    for node in program.graph.nodes:
        # Files of programs and ONNX keep the lines of code of each operation, with their places on this machine.
        node.meta.pop("stack_trace", None)
    return program
