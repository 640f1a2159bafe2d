# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From one value per image to the scalar that is minimized."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def mean_over_images(values: Tensor, counts: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Average one-value-per-image losses over the images that have a value.

    Args:
        values: (B,), NaN for an image without valid pixels.
        counts: bool (B,), which images count; None takes those with a value.

    Returns:
        The mean over the entries that count, a scalar with a graph, and the number of entries left out, an int64
        scalar on the same device. When no entry counts the mean is 0, with a graph and zero gradients, so that a
        process of a distributed run still takes part in the backward pass; the number tells the two cases apart.
    """
    counts = torch.isfinite(values) if counts is None else counts
    mean = torch.where(counts, values, 0).sum() / counts.sum().clamp(min=1)
    return mean, (~counts).sum()


def images_that_count(values: Iterable[Tensor]) -> Tensor:
    """Return which images count: those for which every term of the loss has a value.

    A term has none, NaN, where an image has no valid pixel in its label. One definition for all terms, so that they
    are divided by the same number of images: an image without a label takes no part in terms that need none either,
    such as feature alignment, and whether an image counts does not depend on the terms' weights.

    Args:
        values: one (B,) for each term, at least one.

    Returns:
        bool (B,).
    """
    return torch.isfinite(torch.stack([each.detach() for each in values])).all(dim=0)
