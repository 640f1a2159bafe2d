# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Losses on images made by CutMix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ._maps import check_maps, has_pixels, nan_where_empty, valid_pixels


def within_and_outside(
    loss_function: Callable[..., Tensor],
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None,
    region: Tensor,
    **options: Any,
) -> Tensor:
    """Compute a loss on images made by CutMix (V1 Eq. 6-8): inside and outside the box, weighted by area.

    The two parts come from two photographs, so each has its own shift and scale; `loss_function` sees one part at a
    time. A part without valid pixels has weight 0 and the weights of the others are divided by their sum.

    Args:
        loss_function: a loss over maps of this package, (..., B).
        prediction: (B, H, W).
        target: (B, H, W), NaN = invalid; inside the region the label of one photograph, outside that of the other.
        mask: bool (B, H, W) or None.
        region: bool (B, H, W), True inside the box; all False for an image that was not mixed.
        **options: handed to `loss_function`; of "weights" a pixel of weight 0 is invalid.

    Returns:
        (..., B), as `loss_function`; NaN where neither part has a valid pixel.

    Raises:
        ValueError: for shapes that differ, a mask or region that is not boolean, and whatever `loss_function` raises.
    """
    check_maps(prediction=prediction, target=target, mask=mask, region=region)
    valid = valid_pixels(target, mask)
    if options.get("weights") is not None:
        valid = valid & (options["weights"] > 0)
    inside, outside = valid & region, valid & ~region
    loss_inside = loss_function(prediction, target, inside, **options)
    loss_outside = loss_function(prediction, target, outside, **options)
    share = region.to(loss_inside.dtype).mean(dim=(1, 2))
    weight_inside = torch.where(has_pixels(inside), share, 0)
    weight_outside = torch.where(has_pixels(outside), 1 - share, 0)
    # A part of weight 0 is NaN, and 0 * NaN would be NaN.
    weighted = weight_inside * torch.where(has_pixels(inside), loss_inside, 0)
    weighted = weighted + weight_outside * torch.where(has_pixels(outside), loss_outside, 0)
    total = torch.where(has_pixels(valid), weight_inside + weight_outside, 1)
    return nan_where_empty(weighted / total, valid)
