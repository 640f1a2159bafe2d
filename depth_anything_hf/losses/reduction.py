# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From one value per image to the scalar that is minimized."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_over_images(values: Tensor) -> tuple[Tensor, Tensor]:
    """Average one-value-per-image losses over the images that have a value.

    Args:
        values: (B,), NaN for an image without valid pixels.

    Returns:
        The mean over the finite entries, a scalar with a graph, and the number of entries left out, an int64 scalar on
        the same device. When no entry is finite the mean is 0, with a graph and zero gradients, so that a process of a
        distributed run still takes part in the backward pass; the count tells the two cases apart.
    """
    finite = torch.isfinite(values)
    mean = torch.where(finite, values, 0).sum() / finite.sum().clamp(min=1)
    return mean, (~finite).sum()
