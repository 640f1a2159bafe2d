# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Losses of relative depth: both maps are disparity up to an affine map, or are brought to it.

Conventions of maps, masks, precision and empty images: see the room's docstring, `depth_anything_hf.losses`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._maps import (
    ValidMaps,
    can_use_numpy,
    count_pixels,
    exact_dtype,
    for_each_image,
    has_pixels,
    masked_mean,
    nan_where_empty,
    no_autocast,
    pixel_factors,
    refuse_second_derivative,
    rising_order,
    sum_weights,
    valid_maps,
    zeros_and_ones,
)
from ._median import normalize_with_deviation, normalized_difference, valid_value_at


# An image whose min-max disparity deviates less than this on average is constant but for a few pixels; dividing by
# less would let it outweigh all other images of a batch.
SMALLEST_ANCHOR_DEVIATION = 1e-2


def scale_and_shift_invariant_loss(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    ignore_largest: float = 0.0,
    weights: Tensor | None = None,
) -> Tensor:
    """Compute the mean absolute difference of the two maps after `normalize_median_mad` of each (V1 Eq. 1-3).

    With `ignore_largest` the pixels of largest error are left out of the mean, image by image, as the authors describe
    it for pseudo-labels (Depth-Anything-V2, issue 108): sort the errors of the `n` valid pixels, let `v` be the
    smallest of the `ceil(ignore_largest * n)` largest ones, and average the errors strictly below `v`. So all errors
    equal to `v` go. Where none is below `v` (one pixel, all errors equal), all valid pixels are averaged.

    Args:
        prediction: (B, H, W), disparity up to an affine map.
        target: (B, H, W), likewise; NaN = invalid.
        mask: bool (B, H, W) or None.
        ignore_largest: share of the valid pixels to ignore, in [0, 1), to the nearest millionth; the paper's students
            take 0.1.
        weights: (B, H, W), what each pixel counts, at least 0; a pixel of weight 0 is invalid. Only their ratios in an
            image matter. None: 1.

    Returns:
        (B,), at least 0.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `ignore_largest` outside [0, 1), or (on the
            CPU) valid pixels that are not finite.
    """
    _check_share(ignore_largest)
    with no_autocast(prediction):
        maps = valid_maps(prediction, target, mask, weights)
        return for_each_image(lambda part: _mean_error(normalized_difference(part), part, ignore_largest), maps)


def gradient_matching_loss(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    scales: int = 4,
    weights: Tensor | None = None,
) -> Tensor:
    """Match gradients at several scales, as MiDaS does (arXiv 1907.01341); the term that keeps edges sharp.

    Both maps go through `normalize_median_mad` at full size. Scale `k` takes every `2^k`-th pixel of their difference
    `R`; its term is `(sum |dR/dx| + sum |dR/dy|) / number of valid pixels at that scale`, where a difference of
    neighbours counts if both are valid. The loss is the sum over scales; a scale without a valid pixel adds 0.

    MiDaS' public code has a factor 1/2 in the data term and none in this one. Depth Anything V2 weights the two 1:2
    without saying which form is meant. Neither of our two losses has the factor.

    With weights a difference counts as much as the lesser of its two pixels, and the sums are divided by the weight of
    the valid pixels at their scale.

    Args:
        prediction: (B, H, W), disparity up to an affine map.
        target: (B, H, W), likewise; NaN = invalid.
        mask: bool (B, H, W) or None.
        scales: number of scales, at least 1.
        weights: (B, H, W) or None, as in `scale_and_shift_invariant_loss`.

    Returns:
        (B,), at least 0.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `scales` below 1, or (on the CPU) valid pixels
            that are not finite.
    """
    _check_scales(scales)
    with no_autocast(prediction):
        maps = valid_maps(prediction, target, mask, weights)
        return for_each_image(lambda part: _gradient_sums(normalized_difference(part), part, scales), maps)


def relative_depth_losses(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    ignore_largest: float = 0.0,
    scales: int = 4,
    weights: Tensor | None = None,
) -> Tensor:
    """Compute `scale_and_shift_invariant_loss` and `gradient_matching_loss` of the same maps, normalized once.

    The values and gradients are those of the two functions; together they cost little more than one of them.

    Args:
        prediction: (B, H, W), disparity up to an affine map.
        target: (B, H, W), likewise; NaN = invalid.
        mask: bool (B, H, W) or None.
        ignore_largest: of the first loss.
        scales: of the second loss.
        weights: (B, H, W) or None, of both.

    Returns:
        (2, B): `ssi, gradient = relative_depth_losses(...)`. `within_and_outside` takes it as it is.

    Raises:
        ValueError: as the two functions.
    """
    _check_share(ignore_largest)
    _check_scales(scales)

    def both(part: ValidMaps) -> Tensor:
        difference = normalized_difference(part)
        error = _mean_error(difference, part, ignore_largest)
        return torch.stack([error, _gradient_sums(difference, part, scales)])

    with no_autocast(prediction):
        return for_each_image(both, valid_maps(prediction, target, mask, weights))


def anchor_loss(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, weights: Tensor | None = None
) -> Tensor:
    """Compute the mean of `|prediction - t|` in units of the mean absolute deviation of `t` from its median.

    `t` is the target normalized to [0, 1] by its smallest and largest valid value. The scale-and-shift-invariant loss
    leaves the scale of the output free, and in training from scratch it runs away. This loss pins it. It is not part
    of the paper's recipe.

    Args:
        prediction: (B, H, W), disparity as the model gives it.
        target: (B, H, W), disparity up to an affine map; NaN = invalid. A constant one counts as 0.
        mask: bool (B, H, W) or None.
        weights: (B, H, W) or None, as in `scale_and_shift_invariant_loss`; of the means and the median, not of the
            smallest and the largest value.

    Returns:
        (B,), at least 0. The deviation divided by is at least `SMALLEST_ANCHOR_DEVIATION`.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, or (on the CPU) valid pixels that are not
            finite.
    """
    with no_autocast(prediction):
        maps = valid_maps(prediction, target, mask, weights)
        target = _min_max(maps.target, maps.valid)
        _, deviation = normalize_with_deviation(target, maps.valid, weights=maps.weights)
        error = masked_mean((maps.prediction - target).abs(), maps.valid, maps.weights)
        return nan_where_empty(error / deviation.clamp(min=SMALLEST_ANCHOR_DEVIATION), maps.valid)


def _check_share(ignore_largest: float) -> None:
    if not 0 <= ignore_largest < 1:
        raise ValueError(f"ignore_largest must be a share in [0, 1), got {ignore_largest}.")


def _check_scales(scales: int) -> None:
    if scales < 1:
        raise ValueError(f"scales must be at least 1, got {scales}.")


def _min_max(values: Tensor, valid: Tensor) -> Tensor:
    """Map valid values to [0, 1] per image; 0 at invalid pixels and everywhere in a constant map."""
    low = torch.where(valid, values, torch.inf).amin(dim=(1, 2), keepdim=True)
    high = torch.where(valid, values, -torch.inf).amax(dim=(1, 2), keepdim=True)
    span = high - low
    return torch.where(valid & (span > 0), (values - low) / torch.where(span > 0, span, 1), 0)


def _mean_error(difference: Tensor, maps: ValidMaps, ignore_largest: float) -> Tensor:
    """Return the mean absolute value (B,) of a map that is 0 at invalid pixels."""
    error, valid, weights = difference.abs(), maps.valid, maps.weights
    if ignore_largest > 0:
        valid = _without_largest(error.detach(), valid, ignore_largest, weights)
        if weights is not None:
            weights = weights * zeros_and_ones(valid, error.dtype)
    if ignore_largest > 0 or weights is not None:
        error = error * pixel_factors(valid, weights, error.dtype)
    return error.sum(dim=(1, 2)) / sum_weights(valid, weights)


def _without_largest(error: Tensor, valid: Tensor, share: float, weights: Tensor | None) -> Tensor:
    """Select valid pixels with an error strictly below the value where the largest `share` begins; all, if none is."""
    # Whole millionths keep the rounding exact.
    millionths = max(1, round(share * 1_000_000))
    if weights is not None:
        threshold = _weighted_threshold(error, valid, millionths, weights)
    elif can_use_numpy(error):
        count = count_pixels(valid).long()
        threshold = valid_value_at(error, valid, count - -(-count * millionths // 1_000_000))
    else:
        ignored = -(-count_pixels(valid).long() * millionths // 1_000_000)
        # The list is as long as for an image without invalid pixels, which is known without asking the device.
        longest = -(-valid.shape[1] * valid.shape[2] * millionths // 1_000_000)
        largest = torch.where(valid, error, -torch.inf).flatten(1).topk(longest, dim=1).values
        threshold = largest.gather(1, (ignored - 1).clamp(min=0)[:, None])[:, 0]
    below = valid & (error < threshold[:, None, None])
    return torch.where(has_pixels(below)[:, None, None], below, valid)


def _weighted_threshold(error: Tensor, valid: Tensor, millionths: int, weights: Tensor) -> Tensor:
    """Return the largest error (B,) of which, with all above it, the share of the weight lies."""
    errors = torch.where(valid, error, -torch.inf).flatten(1)
    order = rising_order(-errors)
    # Ones add up to whole numbers, of which the products are exact.
    above = weights.flatten(1).gather(1, order).to(exact_dtype(error)).cumsum(dim=1)
    place = (above * 1_000_000 < above[:, -1:] * millionths).sum(dim=1, keepdim=True)
    return errors.gather(1, order.gather(1, place.clamp(max=above.shape[1] - 1)))[:, 0]


def _gradient_sums(difference: Tensor, maps: ValidMaps, scales: int) -> Tensor:
    """Sum |difference of valid neighbours| per valid pixel over the scales (B,)."""
    # torch does not annotate `Function.apply`.
    sums: Tensor = _GradientSums.apply(difference, maps.valid, scales, maps.weights)  # type: ignore[no-untyped-call]
    return sums


class _GradientSums(torch.autograd.Function):
    """The gradient is known in the forward pass: of two neighbours, one gets the sign of the step, one loses it."""

    @staticmethod
    def forward(ctx: Any, difference: Tensor, valid: Tensor, scales: int, weights: Tensor | None) -> Tensor:
        total = difference.new_zeros(len(difference))
        slope = torch.zeros_like(difference, memory_format=torch.contiguous_format)
        for step in (2**scale for scale in range(scales)):
            coarse = difference[:, ::step, ::step].contiguous()
            known = valid[:, ::step, ::step]
            counts = None if weights is None else weights[:, ::step, ::step].contiguous()
            factors = pixel_factors(known, counts, difference.dtype)
            whole = sum_weights(known, counts)
            coarse_slope = torch.zeros_like(coarse)
            for axis in (1, 2):
                rise = _neighbour(coarse, axis, 1) - _neighbour(coarse, axis, 0)
                pair = _pair_factors(factors, axis, is_weighted=counts is not None)
                rise *= pair
                total += rise.abs().sum(dim=(1, 2)) / whole
                if ctx.needs_input_grad[0]:
                    sign = rise.sign_() if counts is None else rise.sign_().mul_(pair)
                    _neighbour(coarse_slope, axis, 1).add_(sign)
                    _neighbour(coarse_slope, axis, 0).sub_(sign)
            slope[:, ::step, ::step] += coarse_slope / whole[:, None, None]
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(slope)
        return total

    @staticmethod
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor, None, None, None]:
        refuse_second_derivative()
        (slope,) = ctx.saved_tensors
        return slope * of_sums[:, None, None], None, None, None


def _pair_factors(factors: Tensor, axis: int, *, is_weighted: bool) -> Tensor:
    """Return what two neighbours count together: the lesser of both, which of 0 and 1 is their product."""
    first, second = _neighbour(factors, axis, 0), _neighbour(factors, axis, 1)
    return torch.minimum(first, second) if is_weighted else first * second


def _neighbour(maps: Tensor, axis: int, first: int) -> Tensor:
    """View the maps without their last row or column (`first` 0), or without their first (1)."""
    return maps.narrow(axis, first, maps.shape[axis] - 1)
