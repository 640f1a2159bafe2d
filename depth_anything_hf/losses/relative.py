# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training losses: pure functions over (prediction, target, mask) that return one value per image.

What holds for every loss over maps in this file:

- Maps are `(B, H, W)`. A pixel counts when the target is not NaN and, if a boolean `mask` is given, the mask is True
  there.
- The arithmetic is float32 whatever the inputs and whether or not autocast is on; float64 inputs stay float64.
- An image without a valid pixel has the value NaN and the gradient zero. `mean_over_images` leaves it out and counts
  it.
- A valid pixel that is not finite (infinite target, infinite or NaN prediction) is a ValueError for tensors on the
  CPU. On an accelerator this is not checked, because the check would have to wait for the device.
- The losses that normalise by the median can be differentiated once: their backward passes are written out. The
  median's own gradient belongs to the pixel it is taken from; where several pixels have that value, one of them gets
  all of it (the first one, on the CPU).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


# An image whose min-max disparity deviates less than this on average is nearly constant but for a few pixels; dividing
# by less would let it outweigh all other images of a batch.
SMALLEST_ANCHOR_DEVIATION = 1e-2

# For medians: one pixel in so many is sorted first.
SAMPLED_STEP = 61

EXCLUDE = "Exclude them with the mask or set them to NaN in the label."
DIVERGED = "The model that gave them has diverged or was fed such values; check its weights and its input."


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
    _check_maps(values=values, mask=mask)
    valid = _valid_pixels(values, mask)
    _check_on_cpu(valid & torch.isinf(values), "valid pixels have a value that is not finite", EXCLUDE)
    with _no_autocast(values):
        normalized, _ = _normalize(torch.where(valid, values.to(_precision(values)), 0), valid, eps)
        # It is 0 at invalid pixels as it is; this keeps back what a caller's gradient may hold there.
        return torch.where(valid, normalized, 0)


def scale_and_shift_invariant_loss(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, ignore_largest: float = 0.0
) -> Tensor:
    """Mean absolute difference of the two maps after `normalize_median_mad` of each (V1 Eq. 1-3).

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

    Returns:
        (B,), at least 0.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `ignore_largest` outside [0, 1), or (on the
            CPU) valid pixels that are not finite.
    """
    _check_share(ignore_largest)
    with _no_autocast(prediction):
        maps = _valid_maps(prediction, target, mask)
        return _for_each_image(
            lambda part: _mean_error(_normalized_difference(part), part.valid, ignore_largest), maps
        )


def gradient_matching_loss(prediction: Tensor, target: Tensor, mask: Tensor | None = None, scales: int = 4) -> Tensor:
    """Multi-scale gradient matching of MiDaS (arXiv 1907.01341), the term that keeps edges sharp.

    Both maps go through `normalize_median_mad` at full size. Scale `k` takes every `2^k`-th pixel of their difference
    `R`; its term is `(sum |dR/dx| + sum |dR/dy|) / number of valid pixels at that scale`, where a difference of
    neighbours counts if both are valid. The loss is the sum over scales; a scale without a valid pixel adds 0.

    MiDaS' public code has a factor 1/2 in the data term and none in this one. Depth Anything V2 weights the two 1:2
    without saying which form is meant. Neither of our two losses has the factor.

    Args:
        prediction: (B, H, W), disparity up to an affine map.
        target: (B, H, W), likewise; NaN = invalid.
        mask: bool (B, H, W) or None.
        scales: number of scales, at least 1.

    Returns:
        (B,), at least 0.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `scales` below 1, or (on the CPU) valid pixels
            that are not finite.
    """
    _check_scales(scales)
    with _no_autocast(prediction):
        maps = _valid_maps(prediction, target, mask)
        return _for_each_image(lambda part: _gradient_sums(_normalized_difference(part), part.valid, scales), maps)


def relative_depth_losses(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, ignore_largest: float = 0.0, scales: int = 4
) -> Tensor:
    """`scale_and_shift_invariant_loss` and `gradient_matching_loss` of the same maps, which are normalised once.

    The values and gradients are those of the two functions; together they cost little more than one of them.

    Args:
        prediction: (B, H, W), disparity up to an affine map.
        target: (B, H, W), likewise; NaN = invalid.
        mask: bool (B, H, W) or None.
        ignore_largest: of the first loss.
        scales: of the second loss.

    Returns:
        (2, B): `ssi, gradient = relative_depth_losses(...)`. `within_and_outside` takes it as it is.

    Raises:
        ValueError: as the two functions.
    """
    _check_share(ignore_largest)
    _check_scales(scales)

    def both(part: _ValidMaps) -> Tensor:
        difference = _normalized_difference(part)
        error = _mean_error(difference, part.valid, ignore_largest)
        return torch.stack([error, _gradient_sums(difference, part.valid, scales)])

    with _no_autocast(prediction):
        return _for_each_image(both, _valid_maps(prediction, target, mask))


def anchor_loss(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of `|prediction - t|` in units of the mean absolute deviation of `t` from its median.

    `t` is the target brought to [0, 1] by its smallest and largest valid value. The scale-and-shift-invariant loss
    leaves the scale of the output free, and in training from scratch it runs away. This loss ties it down. It is no
    part of the paper's recipe.

    Args:
        prediction: (B, H, W), disparity as the model gives it.
        target: (B, H, W), disparity up to an affine map; NaN = invalid. A constant one counts as 0.
        mask: bool (B, H, W) or None.

    Returns:
        (B,), at least 0. The deviation divided by is at least `SMALLEST_ANCHOR_DEVIATION`.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, or (on the CPU) valid pixels that are not
            finite.
    """
    with _no_autocast(prediction):
        maps = _valid_maps(prediction, target, mask)
        target = _min_max(maps.target, maps.valid)
        _, deviation = _normalize(target, maps.valid)
        error = _mean((maps.prediction - target).abs(), maps.valid)
        return _nan_where_empty(error / deviation.clamp(min=SMALLEST_ANCHOR_DEVIATION), maps.valid)


def silog_loss(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    variance_focus: float = 0.5,
    eps: float = 1e-6,
) -> Tensor:
    """Scale-invariant logarithmic error (Eigen et al., arXiv 1406.2283), the loss of the metric models.

    With `g = log(prediction) - log(target)` over the valid pixels: `sqrt(mean(g^2) - variance_focus * mean(g)^2 +
    eps^2)`. It is computed as `var(g) + (1 - variance_focus) * mean(g)^2`, which cannot become negative by rounding.

    Args:
        prediction: (B, H, W), depth in metres. Values below `eps` count as `eps` and get no gradient.
        target: (B, H, W), depth in metres, above 0; NaN = invalid. The sky (`+inf`) has to be masked out.
        mask: bool (B, H, W) or None.
        variance_focus: in [0, 1]; 0 is the plain logarithmic error, 1 ignores a common factor. Depth Anything V2 takes
            0.5.
        eps: metres, smallest depth of which the logarithm is taken. It is also the value for a perfect prediction,
            where the square root alone would have an infinite gradient.

    Returns:
        (B,), at least `eps`.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `variance_focus` outside [0, 1], or (on the
            CPU) valid pixels that are not finite or whose target is not above 0.
    """
    if not 0 <= variance_focus <= 1:
        raise ValueError(f"variance_focus must be in [0, 1], got {variance_focus}.")
    with _no_autocast(prediction):
        maps = _valid_maps(prediction, target, mask)
        _check_on_cpu(maps.valid & (maps.target <= 0), "valid pixels have a target that is not above 0", EXCLUDE)
        ratio = maps.prediction.clamp(min=eps).log() - maps.target.clamp(min=eps).log()
        mean = _mean(ratio, maps.valid)
        variance = _mean((ratio - mean[:, None, None]).square(), maps.valid)
        error = (variance + (1 - variance_focus) * mean.square() + eps**2).sqrt()
        return _nan_where_empty(error, maps.valid)


def feature_alignment_loss(student: Tensor, teacher: Tensor, tolerance: float = 0.15) -> Tensor:
    """Mean of `1 - cosine` between student and frozen features over the tokens not aligned well enough yet (V1 §3.3).

    A token whose `1 - cosine` is below the tolerance is ignored: the student need not copy the frozen encoder exactly,
    for that one gives all parts of an object the same features (V1 takes 0.15 = 1 - 0.85).

    Args:
        student: (B, N, C), features of the N tokens, no class token.
        teacher: (B, N, C), features of the frozen encoder; no gradient flows into them.
        tolerance: `1 - cosine` below which a token is ignored.

    Returns:
        (B,), between 0 and 2; 0 for an image of which every token is ignored.

    Raises:
        ValueError: for shapes that differ or (on the CPU) features that are not finite.
    """
    if student.ndim != 3 or teacher.ndim != 3 or student.shape[:2] != teacher.shape[:2]:
        raise ValueError(
            "student and teacher features must have the same shape (B, N, C), got "
            f"{tuple(student.shape)} and {tuple(teacher.shape)}."
        )
    if student.shape[2] != teacher.shape[2]:
        raise ValueError(
            f"student features {tuple(student.shape)} and teacher features {tuple(teacher.shape)} differ in width; "
            "bring the student's to the teacher's with a linear projector, "
            f"torch.nn.Linear({student.shape[2]}, {teacher.shape[2]})."
        )
    with _no_autocast(student):
        precision = _precision(student, teacher)
        student, teacher = student.to(precision), teacher.detach().to(precision)
        _check_finite_on_cpu(student, "student features are not finite", DIVERGED)
        _check_finite_on_cpu(teacher, "teacher features are not finite", DIVERGED)
        distance = 1 - F.cosine_similarity(student, teacher, dim=-1)
        kept = distance >= tolerance
        return torch.where(kept, distance, 0).sum(dim=1) / kept.sum(dim=1).clamp(min=1)


def within_and_outside(
    loss_function: Callable[..., Tensor],
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None,
    region: Tensor,
    **options: Any,
) -> Tensor:
    """A loss on images made by CutMix (V1 Eq. 6-8): separately inside and outside the box, weighted by area.

    The two parts come from two photographs, so each has its own shift and scale; `loss_function` sees one part at a
    time. A part without valid pixels has weight 0 and the weights of the others are divided by their sum.

    Args:
        loss_function: one of the losses over maps in this file; (..., B) for all of them.
        prediction: (B, H, W).
        target: (B, H, W), NaN = invalid; inside the region the label of one photograph, outside that of the other.
        mask: bool (B, H, W) or None.
        region: bool (B, H, W), True inside the box; all False for an image that was not mixed.
        **options: handed to `loss_function`.

    Returns:
        (..., B), as `loss_function`; NaN where neither part has a valid pixel.

    Raises:
        ValueError: for shapes that differ, a mask or region that is not boolean, and whatever `loss_function` raises.
    """
    _check_maps(prediction=prediction, target=target, mask=mask, region=region)
    valid = _valid_pixels(target, mask)
    inside, outside = valid & region, valid & ~region
    loss_inside = loss_function(prediction, target, inside, **options)
    loss_outside = loss_function(prediction, target, outside, **options)
    share = region.to(loss_inside.dtype).mean(dim=(1, 2))
    weight_inside = torch.where(_has_pixels(inside), share, 0)
    weight_outside = torch.where(_has_pixels(outside), 1 - share, 0)
    # A part of weight 0 is NaN, and 0 * NaN would be NaN.
    weighted = weight_inside * torch.where(_has_pixels(inside), loss_inside, 0)
    weighted = weighted + weight_outside * torch.where(_has_pixels(outside), loss_outside, 0)
    total = torch.where(_has_pixels(valid), weight_inside + weight_outside, 1)
    return _nan_where_empty(weighted / total, valid)


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


class _ValidMaps(NamedTuple):
    prediction: Tensor  # (B, H, W), 0 at invalid pixels
    target: Tensor  # (B, H, W), 0 at invalid pixels
    valid: Tensor  # bool (B, H, W)


def _valid_maps(prediction: Tensor, target: Tensor, mask: Tensor | None) -> _ValidMaps:
    """Check the inputs, bring them to the working precision and clear what is invalid before any arithmetic."""
    _check_maps(prediction=prediction, target=target, mask=mask)
    precision = _precision(prediction, target)
    valid = _valid_pixels(target, mask)
    prediction = torch.where(valid, prediction.to(precision), 0)
    target = torch.where(valid, target.to(precision), 0)
    _check_finite_on_cpu(prediction, "valid pixels have a prediction that is not finite", DIVERGED)
    _check_finite_on_cpu(target, "valid pixels have a target that is not finite", EXCLUDE)
    return _ValidMaps(prediction, target, valid)


def _valid_pixels(target: Tensor, mask: Tensor | None) -> Tensor:
    known = ~torch.isnan(target)
    return known if mask is None else known & mask


def _check_maps(**maps: Tensor | None) -> None:
    given = {name: values for name, values in maps.items() if values is not None}
    shapes = [values.shape for values in given.values()]
    if len(shapes[0]) != 3 or any(shape != shapes[0] for shape in shapes):
        found = ", ".join(f"{name} {tuple(values.shape)}" for name, values in given.items())
        raise ValueError(f"All maps must have the same shape (B, H, W), got {found}.")
    for name in ("mask", "region"):
        if name in given and given[name].dtype != torch.bool:
            raise ValueError(f"{name} must be boolean, got {given[name].dtype}; convert it, e.g. `{name} > 0`.")


def _check_share(ignore_largest: float) -> None:
    if not 0 <= ignore_largest < 1:
        raise ValueError(f"ignore_largest must be a share in [0, 1), got {ignore_largest}.")


def _check_scales(scales: int) -> None:
    if scales < 1:
        raise ValueError(f"scales must be at least 1, got {scales}.")


def _check_finite_on_cpu(values: Tensor, fault: str, advice: str) -> None:
    # A value that is not finite makes the sum so, and the sum is cheap. (Huge ones may too: then all are looked at.)
    if values.device.type == "cpu" and not torch.isfinite(values.detach().sum()):
        _check_on_cpu(~torch.isfinite(values), fault, advice)


def _check_on_cpu(wrong: Tensor, fault: str, advice: str) -> None:
    """Raise if `wrong` (B, ...) is True anywhere; on an accelerator do nothing, because looking would wait for it."""
    if wrong.device.type != "cpu" or not wrong.any():
        return
    images = wrong.flatten(1).any(dim=1).nonzero().flatten().tolist()
    raise ValueError(f"{int(wrong.sum())} {fault}, in the images {images} of the batch. {advice}")


def _precision(*tensors: Tensor) -> torch.dtype:
    precision = torch.float32
    for tensor in tensors:
        precision = torch.promote_types(precision, tensor.dtype)
    return precision


def _no_autocast(tensor: Tensor) -> torch.autocast:
    return torch.autocast(device_type=tensor.device.type, enabled=False)


def _for_each_image(loss: Callable[[_ValidMaps], Tensor], maps: _ValidMaps) -> Tensor:
    """A loss (..., B), with NaN for images without a valid pixel.

    On the CPU one image is finished before the next is begun: then what is computed on the way stays in the cache.
    """
    if _can_use_numpy(maps.valid) and len(maps.valid) > 1:
        parts = zip(*(whole.split(1) for whole in maps), strict=True)
        values = torch.cat([loss(_ValidMaps(*part)) for part in parts], dim=-1)
    else:
        values = loss(maps)
    return _nan_where_empty(values, maps.valid)


def _normalized_difference(maps: _ValidMaps) -> Tensor:
    return _normalize(maps.prediction, maps.valid)[0] - _normalize(maps.target, maps.valid)[0]


def _normalize(values: Tensor, valid: Tensor, eps: float = 1e-6) -> tuple[Tensor, Tensor]:
    """Values (B, H, W) without shift and scale, 0 at invalid pixels, and the deviation (B,), before `eps`."""
    return _MedianNormalization.apply(values, valid, eps)


class _MedianNormalization(torch.autograd.Function):
    """`(values - median) / deviation`, written out because autograd would keep and pass over seven maps for it.

    With `n = c / s`, `c = v - m` and `s = mean |c|`, a gradient `g` of `n` gives each pixel `g / s`; the deviation's
    own gradient, `-sum(g n) / s`, is divided among the pixels by the sign of `c`; and what all of them got belongs,
    with its sign reversed, to the one that is the median.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, valid: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        median, index = _lower_median(values, valid)
        # Products with 0 and 1 pass over the maps several times as fast as selections.
        normalized = (values - median[:, None, None]).mul_(_zeros_and_ones(valid, values.dtype))
        deviation = normalized.abs().sum(dim=(1, 2)) / _count(valid).clamp(min=1)
        normalized /= deviation.clamp(min=eps)[:, None, None]
        ctx.eps = eps
        ctx.save_for_backward(normalized, deviation, valid, index)
        return normalized, deviation

    @staticmethod
    def backward(ctx: Any, of_normalized: Tensor, of_deviation: Tensor) -> tuple[Tensor, None, None]:
        _refuse_second_derivative()
        normalized, deviation, valid, index = ctx.saved_tensors
        gradient = (of_normalized * _zeros_and_ones(valid, normalized.dtype)).contiguous()
        gradient /= deviation.clamp(min=ctx.eps)[:, None, None]
        through_scale = (gradient * normalized).sum(dim=(1, 2))
        of_deviation = of_deviation - torch.where(deviation >= ctx.eps, through_scale, 0)
        gradient.addcmul_(normalized.sign(), (of_deviation / _count(valid).clamp(min=1))[:, None, None])
        gradient.flatten(1).scatter_add_(1, index[:, None], -gradient.sum(dim=(1, 2))[:, None])
        return gradient, None, None


def _lower_median(values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """The lower median of the valid pixels (B,), 0 for none, and the flat index of a pixel that has it (B,)."""
    if not _can_use_numpy(values):
        found = torch.where(valid, values, torch.nan).flatten(1).nanmedian(dim=1)
        return found.values.nan_to_num(0), found.indices
    median = _valid_value_at(values, valid, (_count(valid) - 1) // 2)
    maps = zip(values.numpy(), valid.numpy(), median.tolist(), strict=True)
    return median, torch.tensor([int(((one == middle) & known).argmax()) for one, known, middle in maps])


def _can_use_numpy(values: Tensor) -> bool:
    """Not on a device, which NumPy would have to wait for, nor where `torch.compile` traces."""
    return values.device.type == "cpu" and not torch.compiler.is_compiling()


def _valid_value_at(values: Tensor, valid: Tensor, ranks: Tensor) -> Tensor:
    """The value at a rank (B,) among the sorted valid ones of each image (B,); 0 for an image without any."""
    found = torch.zeros(len(values), dtype=values.dtype)
    for image, rank in enumerate(ranks.tolist()):
        known = values[image].numpy()[valid[image].numpy()]
        if known.size:
            found[image] = float(_value_at(known, rank))
    return found


def _value_at(values: np.ndarray, rank: int) -> np.floating[Any]:
    """The value (N,) at a rank, exactly: between two values of a sample first, which takes a quarter of the time."""
    sample = np.sort(values[::SAMPLED_STEP])
    place, margin = rank // SAMPLED_STEP, 2 + len(sample) // 50
    low, high = sample[max(0, place - margin)], sample[min(len(sample) - 1, place + margin)]
    between = values[(values >= low) & (values <= high)]
    rank_between = rank - int(np.count_nonzero(values < low))
    if not 0 <= rank_between < len(between):
        between, rank_between = values, rank
    value: np.floating[Any] = np.partition(between, rank_between)[rank_between]
    return value


def _min_max(values: Tensor, valid: Tensor) -> Tensor:
    """Valid values mapped to [0, 1] per image, 0 at invalid pixels and everywhere in a constant map."""
    low = torch.where(valid, values, torch.inf).amin(dim=(1, 2), keepdim=True)
    high = torch.where(valid, values, -torch.inf).amax(dim=(1, 2), keepdim=True)
    span = high - low
    return torch.where(valid & (span > 0), (values - low) / torch.where(span > 0, span, 1), 0)


def _mean_error(difference: Tensor, valid: Tensor, ignore_largest: float) -> Tensor:
    """Mean absolute value (B,) of a map that is 0 at invalid pixels."""
    error = difference.abs()
    if ignore_largest > 0:
        valid = _without_largest(error.detach(), valid, ignore_largest)
        error = error * _zeros_and_ones(valid, error.dtype)
    return error.sum(dim=(1, 2)) / _count(valid).clamp(min=1)


def _without_largest(error: Tensor, valid: Tensor, share: float) -> Tensor:
    """The valid pixels with an error strictly below the value at which the largest `share` begins; all, if none is."""
    # Whole millionths keep the rounding exact.
    millionths = max(1, round(share * 1_000_000))
    count = _count(valid).long()
    ignored = -(-count * millionths // 1_000_000)
    if _can_use_numpy(error):
        threshold = _valid_value_at(error, valid, count - ignored)
    else:
        # The list is as long as for an image without invalid pixels, which is known without asking the device.
        longest = -(-valid.shape[1] * valid.shape[2] * millionths // 1_000_000)
        largest = torch.where(valid, error, -torch.inf).flatten(1).topk(longest, dim=1).values
        threshold = largest.gather(1, (ignored - 1).clamp(min=0)[:, None])[:, 0]
    below = valid & (error < threshold[:, None, None])
    return torch.where(_has_pixels(below)[:, None, None], below, valid)


def _gradient_sums(difference: Tensor, valid: Tensor, scales: int) -> Tensor:
    """Sum over the scales of the sum of |difference of valid neighbours| per valid pixel (B,)."""
    sums: Tensor = _GradientSums.apply(difference, valid, scales)
    return sums


class _GradientSums(torch.autograd.Function):
    """The gradient is known in the forward pass: of two neighbours, one gets the sign of the step, one loses it."""

    @staticmethod
    def forward(ctx: Any, difference: Tensor, valid: Tensor, scales: int) -> Tensor:
        total = difference.new_zeros(len(difference))
        slope = torch.zeros_like(difference, memory_format=torch.contiguous_format)
        for step in (2**scale for scale in range(scales)):
            coarse = difference[:, ::step, ::step].contiguous()
            known = _zeros_and_ones(valid[:, ::step, ::step], difference.dtype)
            count = _count(valid[:, ::step, ::step]).clamp(min=1)
            coarse_slope = torch.zeros_like(coarse)
            for axis in (1, 2):
                rise = _neighbour(coarse, axis, 1) - _neighbour(coarse, axis, 0)
                rise *= _neighbour(known, axis, 1) * _neighbour(known, axis, 0)
                total += rise.abs().sum(dim=(1, 2)) / count
                if ctx.needs_input_grad[0]:
                    sign = rise.sign_()
                    _neighbour(coarse_slope, axis, 1).add_(sign)
                    _neighbour(coarse_slope, axis, 0).sub_(sign)
            slope[:, ::step, ::step] += coarse_slope / count[:, None, None]
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(slope)
        return total

    @staticmethod
    def backward(ctx: Any, of_sums: Tensor) -> tuple[Tensor, None, None]:
        _refuse_second_derivative()
        (slope,) = ctx.saved_tensors
        return slope * of_sums[:, None, None], None, None


def _refuse_second_derivative() -> None:
    # Autograd records a backward pass only where a graph of it was asked for.
    if torch.is_grad_enabled() and not torch.compiler.is_compiling():
        raise RuntimeError("the losses over normalised maps can be differentiated once; leave out create_graph=True")


def _neighbour(maps: Tensor, axis: int, first: int) -> Tensor:
    """The maps without their last row or column (`first` 0), or without their first (1); a view."""
    return maps.narrow(axis, first, maps.shape[axis] - 1)


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid pixels (B,); 0 for none, because a NaN in mid-arithmetic would reach the gradients."""
    return torch.where(valid, values, 0).sum(dim=(1, 2)) / _count(valid).clamp(min=1)


def _zeros_and_ones(valid: Tensor, dtype: torch.dtype) -> Tensor:
    # On the CPU torch converts bytes ten times as fast as booleans, which are stored alike.
    return valid.view(torch.uint8).to(dtype)


def _nan_where_empty(per_image: Tensor, valid: Tensor) -> Tensor:
    return torch.where(_has_pixels(valid), per_image, torch.nan)


def _has_pixels(valid: Tensor) -> Tensor:
    return _count(valid) > 0


def _count(valid: Tensor) -> Tensor:
    # On the CPU torch sums booleans into int32 ten times as fast as into int64, its default.
    return valid.sum(dim=(1, 2), dtype=torch.int32)


@dataclass
class RelativeLoss:
    """The affine-invariant loss of the relative models, with CutMix where a batch has it.

    Defaults are the paper's (arXiv 2406.09414, section 7.1): SSI + 2 x gradient matching over four scales.

    Attributes:
        ssi_weight: scale-and-shift-invariant error.
        gradient_weight: gradient matching.
        gradient_ramp: share of the run over which `gradient_weight` rises from 0; a random model starts faster so.
        anchor_weight: error against the min-max disparity, which pins the output's scale; 0 in the paper's recipe,
            needed from scratch, where the affine-invariant terms let the scale run away. None counts as 0; see
            `for_start`.
        ignore_largest: share of each image's largest errors that is left out of the SSI term (0.1 on pseudo-labels).
    """

    ssi_weight: float = field(default=1.0, metadata={"help": "Weight of the scale-and-shift-invariant error."})
    gradient_weight: float = field(default=2.0, metadata={"help": "Weight of gradient matching; the paper's is 2."})
    gradient_ramp: float = field(
        default=0.0, metadata={"help": "Share of the run over which gradient_weight rises from 0."}
    )
    anchor_weight: float | None = field(
        default=None,
        metadata={"help": "Weight of the error against min-max disparity. Default: 0 (the paper), 1 from scratch."},
    )
    ignore_largest: float = field(
        default=0.0, metadata={"help": "Share of each image's largest errors left out; 0.1 suits pseudo-labels."}
    )

    def for_start(self, *, pretrained: bool) -> RelativeLoss:
        """The same loss with an anchor that was not given chosen by how the encoder starts."""
        if self.anchor_weight is not None:
            return self
        return replace(self, anchor_weight=0.0 if pretrained else 1.0)

    def terms(
        self, prediction: Tensor, target: Tensor, region: Tensor | None, progress: float
    ) -> dict[str, tuple[float, Tensor]]:
        """Named (weight, per-image values); a weight of zero costs nothing and is left out.

        Args:
            prediction, target: (B, H, W); target disparity with NaN where unknown.
            region: (B, H, W) bool, the pasted box of CutMix, or None.
            progress: share of the run that is done, 0..1.
        """
        ramp = min(1.0, progress / self.gradient_ramp) if self.gradient_ramp > 0 else 1.0
        gradient_weight = self.gradient_weight * ramp

        def values(loss: Callable[..., Tensor], **options: Any) -> Tensor:
            if region is None:
                return loss(prediction, target, **options)
            return within_and_outside(loss, prediction, target, ~target.isnan(), region, **options)

        weighted: dict[str, tuple[float, Tensor]] = {}
        if self.ssi_weight and gradient_weight:
            ssi, gradient = values(relative_depth_losses, ignore_largest=self.ignore_largest)
            weighted = {"ssi": (self.ssi_weight, ssi), "gradient": (gradient_weight, gradient)}
        elif self.ssi_weight:
            ssi = values(scale_and_shift_invariant_loss, ignore_largest=self.ignore_largest)
            weighted = {"ssi": (self.ssi_weight, ssi)}
        elif gradient_weight:
            weighted = {"gradient": (gradient_weight, values(gradient_matching_loss))}
        if self.anchor_weight:
            weighted["anchor"] = (self.anchor_weight, values(anchor_loss))
        return weighted
