# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tiny depth model of the tests: its fields, its image size, and the type of the fixture that makes it."""

from __future__ import annotations

from collections.abc import Callable

from depth_anything_hf import DepthAnythingForDepthEstimation


TINY_ENCODER = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "mlp_ratio": 2,
    "image_size": 56,
    "patch_size": 14,
}
TINY_DECODER = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8}
TINY_SIDE_PIXELS = 56

MakeModel = Callable[..., DepthAnythingForDepthEstimation]
