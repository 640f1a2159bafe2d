# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What trained models predict of the same images, and how near two of them are."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def predict_noise(model: nn.Module) -> Tensor:
    """Return what a model predicts of two images of noise, in evaluation mode."""
    images = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found: Tensor = model.eval()(pixel_values=images).predicted_depth
    return found


def assert_same_output(found: Tensor, expected: Tensor) -> None:
    """Up to the rounding of float32; the range is the model's, which is alive."""
    span = (expected.max() - expected.min()).item()
    assert span > 0.01 and (found - expected).abs().max().item() < 1e-5 * span
