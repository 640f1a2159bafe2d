# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shift and scale by the median and the mean absolute deviation from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._maps import (
    EXCLUDE,
    ValidMaps,
    can_use_numpy,
    check_maps,
    check_on_cpu,
    count_pixels,
    exact_dtype,
    no_autocast,
    refuse_second_derivative,
    rising_order,
    sum_weights,
    valid_pixels,
    working_precision,
    zeros_and_ones,
)


# For medians: one pixel in so many is sorted first.
SAMPLED_STEP = 61


def normalize_median_mad(values: Tensor, mask: Tensor | None, eps: float = 1e-6) -> Tensor:
    """Remove shift and scale of each map: `(values - median) / mean(|values - median|)` over its valid pixels.

    This is Eq. 2-3 of Depth Anything V1 (arXiv 2401.10891), after MiDaS. The median is the lower one for an even
    number of pixels, as in `torch.median`. Gradients flow through the median and through the deviation, once.

    Args:
        values: (B, H, W), any unit.
        mask: bool (B, H, W) or None; NaN pixels are invalid in either case.
        eps: smallest deviation divided by. A map that deviates less is shifted, but not brought to unit deviation.

    Returns:
        (B, H, W), float32 or float64; 0 at invalid pixels.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, or (on the CPU) valid pixels that are infinite.
    """
    check_maps(values=values, mask=mask)
    valid = valid_pixels(values, mask)
    check_on_cpu(valid & torch.isinf(values), "valid pixels have a value that is not finite", EXCLUDE)
    with no_autocast(values):
        normalized, _ = normalize_with_deviation(
            torch.where(valid, values.to(working_precision(values)), 0), valid, eps
        )
        # It is 0 at invalid pixels already; this stops what a caller's gradient may hold there.
        return torch.where(valid, normalized, 0)


def normalized_difference(maps: ValidMaps) -> Tensor:
    prediction, _ = normalize_with_deviation(maps.prediction, maps.valid, weights=maps.weights)
    target, _ = normalize_with_deviation(maps.target, maps.valid, weights=maps.weights)
    return prediction - target


def normalize_with_deviation(
    values: Tensor, valid: Tensor, eps: float = 1e-6, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return values (B, H, W) without shift and scale, 0 at invalid pixels, and the deviation (B,) before `eps`.

    With weights the median is the weighted one, and the deviation a weighted mean.
    """
    # torch does not annotate `Function.apply`.
    normalized, deviation = _MedianNormalization.apply(values, valid, eps, weights)  # type: ignore[no-untyped-call]
    return normalized, deviation


class _MedianNormalization(torch.autograd.Function):
    """`(values - median) / deviation`, written out because autograd would keep and pass over seven maps for it.

    With `n = c / s`, `c = v - m` and `s = mean |c|`, a gradient `g` of `n` gives each pixel `g / s`; the deviation's
    own gradient, `-sum(g n) / s`, is divided among the pixels by the sign of `c`; and the sum over all of them, with
    its sign reversed, belongs to the pixel that is the median. With weights `w` the mean is `sum(w |c|) / sum(w)`, and
    the deviation's gradient is divided among the pixels by `w` times the sign of `c`.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, valid: Tensor, eps: float, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        median, index = _lower_median(values, valid, weights)
        # Products with 0 and 1 pass over the maps several times as fast as selections.
        normalized = (values - median[:, None, None]).mul_(zeros_and_ones(valid, values.dtype))
        distance = normalized.abs() if weights is None else normalized.abs() * weights
        deviation = distance.sum(dim=(1, 2)) / sum_weights(valid, weights)
        normalized /= deviation.clamp(min=eps)[:, None, None]
        ctx.eps = eps
        ctx.save_for_backward(normalized, deviation, valid, index, weights)
        return normalized, deviation

    @staticmethod
    def backward(ctx: Any, of_normalized: Tensor, of_deviation: Tensor) -> tuple[Tensor, None, None, None]:
        refuse_second_derivative()
        normalized, deviation, valid, index, weights = ctx.saved_tensors
        gradient = (of_normalized * zeros_and_ones(valid, normalized.dtype)).contiguous()
        gradient /= deviation.clamp(min=ctx.eps)[:, None, None]
        through_scale = (gradient * normalized).sum(dim=(1, 2))
        of_deviation = of_deviation - torch.where(deviation >= ctx.eps, through_scale, 0)
        sign = normalized.sign() if weights is None else normalized.sign() * weights
        gradient.addcmul_(sign, (of_deviation / sum_weights(valid, weights))[:, None, None])
        gradient.flatten(1).scatter_add_(1, index[:, None], -gradient.sum(dim=(1, 2))[:, None])
        return gradient, None, None, None


def _lower_median(values: Tensor, valid: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the lower median of the valid pixels (B,), 0 for none, and the flat index of a pixel that has it (B,).

    The weighted one is the smallest value of which, with all below it, half of the weight lies.
    """
    if weights is not None:
        return _weighted_median(values, valid, weights)
    if not can_use_numpy(values):
        found = torch.where(valid, values, torch.nan).flatten(1).nanmedian(dim=1)
        return found.values.nan_to_num(0), found.indices
    median = valid_value_at(values, valid, (count_pixels(valid) - 1) // 2)
    maps = zip(values.numpy(), valid.numpy(), median.tolist(), strict=True)
    return median, torch.tensor([int(((one == middle) & known).argmax()) for one, known, middle in maps])


def _weighted_median(values: Tensor, valid: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    order = rising_order(torch.where(valid, values, torch.inf).flatten(1))
    # Ones add up to whole numbers, and the median is the unweighted one.
    below = weights.flatten(1).gather(1, order).to(exact_dtype(weights)).cumsum(dim=1)
    place = (2 * below < below[:, -1:]).sum(dim=1, keepdim=True).clamp(max=below.shape[1] - 1)
    index = order.gather(1, place)[:, 0]
    median = torch.where(count_pixels(valid) > 0, values.flatten(1).gather(1, index[:, None])[:, 0], 0)
    # Of several pixels with this value, the first one, as without weights.
    has_value = valid.flatten(1) & (values.flatten(1) == median[:, None])
    return median, torch.where(count_pixels(valid) > 0, has_value.to(torch.uint8).argmax(dim=1), index)


def valid_value_at(values: Tensor, valid: Tensor, ranks: Tensor) -> Tensor:
    """Return the value at a rank (B,) among the sorted valid ones of each image (B,); 0 for an image without any."""
    found = torch.zeros(len(values), dtype=values.dtype)
    for image, rank in enumerate(ranks.tolist()):
        known = values[image].numpy()[valid[image].numpy()]
        if known.size:
            found[image] = float(_value_at(known, rank))
    return found


def _value_at(values: np.ndarray, rank: int) -> np.floating[Any]:
    """Select the value of a rank among (N,), exactly; bounds from a sorted sample take a quarter of a full sort."""
    sample = np.sort(values[::SAMPLED_STEP])
    place, margin = rank // SAMPLED_STEP, 2 + len(sample) // 50
    low, high = sample[max(0, place - margin)], sample[min(len(sample) - 1, place + margin)]
    between = values[(values >= low) & (values <= high)]
    rank_between = rank - int(np.count_nonzero(values < low))
    if not 0 <= rank_between < len(between):
        between, rank_between = values, rank
    value: np.floating[Any] = np.partition(between, rank_between)[rank_between]
    return value
