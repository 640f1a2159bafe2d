# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training losses: pure functions over (prediction, target, mask) that return one value per image.

- `relative`: scale-and-shift-invariant loss, gradient matching, and the anchor of the output's scale
- `loss_weights`: `RelativeLoss`, the weight of each term of the relative loss
- `silog`: scale-invariant logarithmic error of metric models
- `feature_alignment`: cosine distance of a student's features to a frozen encoder's
- `cutmix`: any loss on images that CutMix put together from two photographs
- `reduction`: the mean over a batch, without images that have no valid pixel
- `_median`: shift and scale of a map by its median and mean absolute deviation
- `_maps`: checks, valid pixels, precision and masked means, for all losses over maps

What holds for every loss over maps:

- Maps are `(B, H, W)`. A pixel counts when the target is not NaN and, if a boolean `mask` is given, the mask is True
  there.
- The arithmetic is float32 whatever the inputs and whether or not autocast is on; float64 inputs stay float64.
- An image without a valid pixel has the value NaN and the gradient zero. `mean_over_images` leaves it out and counts
  it.
- A valid pixel that is not finite (infinite target, infinite or NaN prediction) is a ValueError for tensors on the
  CPU. On an accelerator this is not checked, because the check would force a host sync.
- The losses that normalize by the median are differentiable once: their backward passes are written out. The
  median's own gradient belongs to the pixel it is taken from; where several pixels have that value, one of them gets
  all of it (the first one, on the CPU).

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from ._median import normalize_median_mad
    from .cutmix import within_and_outside
    from .feature_alignment import feature_alignment_loss
    from .loss_weights import RelativeLoss
    from .reduction import mean_over_images
    from .relative import (
        anchor_loss,
        gradient_matching_loss,
        relative_depth_losses,
        scale_and_shift_invariant_loss,
    )
    from .silog import silog_loss

_MODULES = {
    "RelativeLoss": "loss_weights",
    "anchor_loss": "relative",
    "feature_alignment_loss": "feature_alignment",
    "gradient_matching_loss": "relative",
    "mean_over_images": "reduction",
    "normalize_median_mad": "_median",
    "relative_depth_losses": "relative",
    "scale_and_shift_invariant_loss": "relative",
    "silog_loss": "silog",
    "within_and_outside": "cutmix",
}

__all__ = [
    "RelativeLoss",
    "anchor_loss",
    "feature_alignment_loss",
    "gradient_matching_loss",
    "mean_over_images",
    "normalize_median_mad",
    "relative_depth_losses",
    "scale_and_shift_invariant_loss",
    "silog_loss",
    "within_and_outside",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
