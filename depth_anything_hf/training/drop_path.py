# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Drop path of the encoder (stochastic depth), which rises with the depth of the layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..models.compilation import repeated_layers


class DropPath(nn.Module):
    """Leave out the branch of a residual layer, for each image by itself; only in training.

    What is kept is divided by the probability to be kept, so that its mean stays.

    Args:
        rate: probability to be left out, 0..1, without 1.
    """

    keep: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        # A buffer and not a number: layers of one kind, each with its own rate, then share their compiled code.
        self.register_buffer("keep", torch.tensor(1 - rate), persistent=False)

    def forward(self, branch: Tensor) -> Tensor:
        """Return the branch (B, N, C) of the images that keep it, and zeros for the others."""
        if not self.training:
            return branch
        keep = self.keep.to(branch.device, torch.float32)
        is_kept = torch.rand(len(branch), 1, 1, device=branch.device) < keep
        return branch * (is_kept / keep).to(branch.dtype)


def set_drop_path(model: nn.Module, rate: float | None) -> None:
    """Give the encoder's layers drop path: 0 at the first, rising linearly to `rate` at the last.

    The rule is that of "Deep Networks with Stochastic Depth" (arXiv 1603.09382, equation 4, with the first layer never
    left out, as in timm). Transformers' DINOv2 takes the `drop_path_rate` of its configuration for all layers alike.
    The configuration stays as it is, so that a saved model is not left with a training's choice.

    Args:
        model: changed in place; `model_state.restore_module` puts back what was there.
        rate: of the last layer, 0..1 without 1; None leaves the layers as they are.
    """
    if rate is None:
        return
    layers = [layer for layer in repeated_layers(model) if hasattr(layer, "drop_path")]
    for index, layer in enumerate(layers):
        own = rate * index / max(1, len(layers) - 1)
        layer.drop_path = DropPath(own) if own > 0 else nn.Identity()
        # An encoder that is frozen may be in evaluation mode already.
        layer.drop_path.train(layer.training)


__all__ = ["DropPath", "set_drop_path"]
