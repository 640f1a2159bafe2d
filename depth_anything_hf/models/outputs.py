# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the model returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers.modeling_outputs import DepthEstimatorOutput


@dataclass
class DepthAnythingOutput(DepthEstimatorOutput):
    """Output of [`DepthAnythingForDepthEstimation`].

    Attributes:
        loss: scalar, when `labels` are given.
        predicted_depth: (B, H, W); a relative model's disparity (larger is nearer, scale and shift are free) or a
            metric model's depth in `config.depth_unit`, which is the metre unless the configuration says otherwise
            (`geometry.depth_units.to_metres` converts). float32 also where the model computes in bfloat16 or float16.
            The name is stock transformers'.
        hidden_states: the states before the first layer and after each computed one, each (B, prefix + N, C).
        attentions: the attention weights of each layer (B, heads, prefix + N, prefix + N), when requested.
        patch_tokens: the encoder's final normalized patch tokens (B, N, C), when requested.
    """

    patch_tokens: Tensor | None = None
