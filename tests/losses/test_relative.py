# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The losses against plain NumPy loops, their gradients, their invariances, and what they do with missing pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from depth_anything_hf.losses._median import normalize_median_mad
from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.feature_alignment import feature_alignment_loss
from depth_anything_hf.losses.reduction import mean_over_images
from depth_anything_hf.losses.relative import (
    SMALLEST_ANCHOR_DEVIATION,
    anchor_loss,
    gradient_matching_loss,
    relative_depth_losses,
    scale_and_shift_invariant_loss,
)
from depth_anything_hf.losses.silog import silog_loss


Loss = Callable[..., Tensor]
SIZES = [(1, 1), (1, 7), (9, 1), (5, 4), (17, 23), (33, 16)]
DENSITIES = [1.0, 0.6, 0.05]


# The references: one image at a time, NumPy float64, as one would compute it by hand.


def reference_pixels(values: np.ndarray, valid: np.ndarray) -> list[float]:
    return [float(values[y, x]) for y, x in np.argwhere(valid)]


def reference_shift_and_scale(values: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    pixels = sorted(reference_pixels(values, valid))
    middle = pixels[(len(pixels) - 1) // 2]
    return middle, max(sum(abs(pixel - middle) for pixel in pixels) / len(pixels), 1e-6)


def reference_normalized(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    shift, scale = reference_shift_and_scale(values, valid)
    return (np.asarray(values, dtype=np.float64) - shift) / scale


def reference_ssi(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, ignore_largest: float = 0.0) -> float:
    first, second = reference_normalized(prediction, valid), reference_normalized(target, valid)
    errors = sorted(abs(first[y, x] - second[y, x]) for y, x in np.argwhere(valid))
    if ignore_largest:
        begin = len(errors) - math.ceil(round(ignore_largest * len(errors), 9))
        errors = [error for error in errors if error < errors[begin]] or errors
    return float(np.mean(errors))


def reference_gradient(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, scales: int = 4) -> float:
    difference = reference_normalized(prediction, valid) - reference_normalized(target, valid)
    height, width = difference.shape
    total = 0.0
    for scale in range(scales):
        step = 2**scale
        pixels, size = 0, 0.0
        for y in range(0, height, step):
            for x in range(0, width, step):
                if not valid[y, x]:
                    continue
                pixels += 1
                if x + step < width and valid[y, x + step]:
                    size += abs(difference[y, x + step] - difference[y, x])
                if y + step < height and valid[y + step, x]:
                    size += abs(difference[y + step, x] - difference[y, x])
        total += size / pixels if pixels else 0.0
    return total


def reference_anchor(prediction: np.ndarray, target: np.ndarray, valid: np.ndarray) -> float:
    low, high = target[valid].min(), target[valid].max()
    target = (target - low) / (high - low) if high > low else np.zeros_like(target)
    _, scale = reference_shift_and_scale(target, valid)
    error = np.mean([abs(float(prediction[y, x]) - float(target[y, x])) for y, x in np.argwhere(valid)])
    return float(error) / max(scale, SMALLEST_ANCHOR_DEVIATION)


def reference_silog(
    prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, variance_focus: float = 0.5, eps: float = 1e-6
) -> float:
    logs = [math.log(target[y, x]) - math.log(max(prediction[y, x], eps)) for y, x in np.argwhere(valid)]
    squares = sum(log * log for log in logs) / len(logs)
    return math.sqrt(max(squares - variance_focus * (sum(logs) / len(logs)) ** 2, 0.0) + eps**2)


def reference_alignment(student: np.ndarray, teacher: np.ndarray, tolerance: float) -> float:
    distances = []
    for mine, other in zip(student, teacher, strict=True):
        cosine = float(np.dot(mine, other) / (np.linalg.norm(mine) * np.linalg.norm(other)))
        if 1 - cosine >= tolerance:
            distances.append(1 - cosine)
    return sum(distances) / len(distances) if distances else 0.0


def joint(prediction: Tensor, target: Tensor, mask: Tensor | None = None, **options: Any) -> Tensor:
    """Both terms of the joint form as one number per image, weighted as in the paper."""
    ssi, gradient = relative_depth_losses(prediction, target, mask, **options)
    return ssi + 2 * gradient


def reference_joint(
    prediction: np.ndarray, target: np.ndarray, valid: np.ndarray, ignore_largest: float = 0.0, scales: int = 4
) -> float:
    ssi = reference_ssi(prediction, target, valid, ignore_largest)
    return ssi + 2 * reference_gradient(prediction, target, valid, scales)


CASES: list[Any] = [
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {}, id="ssi"),
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {"ignore_largest": 0.1}, id="ssi-ignore-tenth"),
    pytest.param(scale_and_shift_invariant_loss, reference_ssi, {"ignore_largest": 0.37}, id="ssi-ignore-third"),
    pytest.param(gradient_matching_loss, reference_gradient, {}, id="gradient"),
    pytest.param(gradient_matching_loss, reference_gradient, {"scales": 1}, id="gradient-one-scale"),
    pytest.param(joint, reference_joint, {}, id="joint"),
    pytest.param(joint, reference_joint, {"ignore_largest": 0.1, "scales": 2}, id="joint-ignore-tenth"),
    pytest.param(anchor_loss, reference_anchor, {}, id="anchor"),
    pytest.param(silog_loss, reference_silog, {}, id="silog"),
    pytest.param(silog_loss, reference_silog, {"variance_focus": 0.85}, id="silog-0.85"),
]
MAP_LOSSES: tuple[Loss, ...] = (
    scale_and_shift_invariant_loss,
    gradient_matching_loss,
    joint,
    anchor_loss,
    silog_loss,
)
LOSSES: list[Any] = [
    pytest.param(scale_and_shift_invariant_loss, id="ssi"),
    pytest.param(partial(scale_and_shift_invariant_loss, ignore_largest=0.1), id="ssi-ignore-tenth"),
    pytest.param(gradient_matching_loss, id="gradient"),
    pytest.param(joint, id="joint"),
    pytest.param(anchor_loss, id="anchor"),
    pytest.param(silog_loss, id="silog"),
]
AFFINE_INVARIANT: list[Any] = LOSSES[:4]


def random_maps(
    seed: int, batch: int, height: int, width: int, density: float = 1.0, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Positive prediction and target, and a mask of about the given density with a valid pixel in every image."""
    generator = torch.Generator().manual_seed(seed)
    prediction = 0.2 + 3 * torch.rand(batch, height, width, generator=generator, dtype=torch.float64)
    target = 0.05 + torch.rand(batch, height, width, generator=generator, dtype=torch.float64)
    mask = torch.rand(batch, height, width, generator=generator) < density
    mask[:, height // 2, width // 2] = True
    return prediction.to(dtype), target.to(dtype), mask


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("loss, reference, options", CASES)
def test_equals_the_plain_loop(
    loss: Loss, reference: Callable[..., float], options: dict, density: float, size: tuple[int, int]
) -> None:
    prediction, target, mask = random_maps(3, 3, *size, density)
    expected = [
        reference(p, t, m, **options) for p, t, m in zip(prediction.numpy(), target.numpy(), mask.numpy(), strict=True)
    ]
    with_mask = loss(prediction, target, mask, **options)
    assert with_mask.dtype == torch.float64
    np.testing.assert_allclose(with_mask.numpy(), expected, rtol=1e-6, atol=1e-12)

    with_nan = loss(prediction, torch.where(mask, target, torch.nan), **options)
    assert torch.equal(with_nan, with_mask)

    single = loss(prediction.float(), target.float(), mask, **options)
    assert single.dtype == torch.float32
    # float32 moves the scale of a map of few pixels by some 1e-6, and the logarithm of a single pixel alike.
    np.testing.assert_allclose(single.numpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("density", DENSITIES)
def test_normalized_maps_equal_the_plain_loop(density: float) -> None:
    values, _, mask = random_maps(4, 3, 13, 10, density)
    normalized = normalize_median_mad(values, mask)
    for image, valid, result in zip(values.numpy(), mask.numpy(), normalized.numpy(), strict=True):
        np.testing.assert_allclose(result[valid], reference_normalized(image, valid)[valid], rtol=1e-9, atol=1e-12)
        assert (result[~valid] == 0).all()
    assert torch.equal(normalize_median_mad(torch.where(mask, values, torch.nan), None), normalized)


def test_zeros_at_invalid_pixels_do_not_move_the_median() -> None:
    """The public copies of the loss take the median over prediction times mask; here 3 of 9 pixels are valid."""
    values = torch.tensor([[[5.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 10.0]]])
    normalized = normalize_median_mad(values, values > 0)
    assert torch.equal(normalized[values > 0], torch.tensor([-1.0, 0.0, 4.0]) / (5 / 3))


@pytest.mark.parametrize("loss, reference, options", CASES)
def test_gradcheck(loss: Loss, reference: Callable[..., float], options: dict) -> None:
    prediction, target, mask = random_maps(5, 2, 5, 6, 0.7)
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: loss(values, target, mask, **options), (prediction,))


def test_gradcheck_of_normalization_and_region_and_target() -> None:
    prediction, target, mask = random_maps(6, 2, 4, 5, 0.8)
    region = torch.zeros_like(mask)
    region[:, 1:3, 1:4] = True
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: normalize_median_mad(values, mask), (prediction,))
    for loss in MAP_LOSSES:
        mixed = partial(within_and_outside, loss)
        assert torch.autograd.gradcheck(lambda p, mixed=mixed: mixed(p, target, mask, region), (prediction,))
    target.requires_grad_()
    for loss in MAP_LOSSES:
        assert torch.autograd.gradcheck(lambda p, t, loss=loss: loss(p, t, mask), (prediction, target))


def test_gradcheck_of_feature_alignment() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda values: feature_alignment_loss(values, teacher), (student,))


@pytest.mark.parametrize("loss", AFFINE_INVARIANT)
@pytest.mark.parametrize("scale, shift", [(1e-3, 0.0), (37.0, -5.0), (1.0, 80.0)])
def test_invariant_to_scale_and_shift_of_either_map(loss: Loss, scale: float, shift: float) -> None:
    prediction, target, mask = random_maps(7, 3, 12, 15, 0.5)
    plain = loss(prediction, target, mask)
    torch.testing.assert_close(loss(scale * prediction + shift, target, mask), plain, rtol=1e-9, atol=0)
    torch.testing.assert_close(loss(prediction, scale * target + shift, mask), plain, rtol=1e-9, atol=0)
    perfect = loss(scale * target + shift, target, mask)
    torch.testing.assert_close(perfect, torch.zeros_like(perfect), rtol=0, atol=1e-9)
    assert (loss(-prediction, target, mask) - plain).abs().min() > 0.01


def test_ignore_largest_by_hand() -> None:
    """Ten pixels of lower median 0 and deviation 2; the prediction has the same ones, some of them swapped."""
    target = torch.tensor([[[-4.0, -3, -2, -1, 0], [1, 1, 2, 2, 4]]])
    prediction = torch.tensor([[[-4.0, -1, -2, -3, 0], [1, 1, 2, 4, 2]]])
    # Four errors of 2 / 2, six of 0. The largest tenth is one pixel, but the three others share its value and go too.
    assert scale_and_shift_invariant_loss(prediction, target).item() == pytest.approx(0.4)
    assert scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.1).item() == 0
    # Two more errors of 5 / 2.
    prediction = torch.tensor([[[1.0, -1, -2, -3, 0], [-4, 1, 2, 4, 2]]])
    assert scale_and_shift_invariant_loss(prediction, target).item() == pytest.approx(0.9)
    assert scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.1).item() == pytest.approx(4 / 8)
    assert scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.2).item() == pytest.approx(4 / 8)
    # The largest three tenths begin at an error of 1.
    assert scale_and_shift_invariant_loss(prediction, target, ignore_largest=0.3).item() == 0


def test_ignore_largest_counts_per_image() -> None:
    prediction, target, mask = random_maps(9, 3, 11, 13, 0.6)
    mask[1, :, 2:] = False
    mask[1, 0, 0] = True
    together = scale_and_shift_invariant_loss(prediction, target, mask, ignore_largest=0.1)
    apart = [
        scale_and_shift_invariant_loss(prediction[i : i + 1], target[i : i + 1], mask[i : i + 1], ignore_largest=0.1)
        for i in range(3)
    ]
    assert torch.equal(together, torch.cat(apart))


def test_ignore_largest_with_nothing_below_is_the_plain_mean() -> None:
    prediction, target, mask = random_maps(10, 1, 4, 4)
    single = torch.zeros_like(mask)
    single[0, 2, 1] = True
    assert scale_and_shift_invariant_loss(prediction, target, single, ignore_largest=0.1).item() == 0
    # Two values in both maps, the wrong way round: every error is the same. Lower medians 0, deviations 1/2.
    halves = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    swapped = 1 - halves
    assert scale_and_shift_invariant_loss(halves, swapped, ignore_largest=0.1).item() == pytest.approx(2.0)
    assert scale_and_shift_invariant_loss(halves, swapped).item() == pytest.approx(2.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_empty_mask_gives_nan_and_no_gradient(loss: Loss) -> None:
    prediction, target, mask = random_maps(11, 3, 6, 7, 0.7)
    mask[1] = False
    # What stands at invalid pixels must not matter, neither in the value nor in the gradient.
    target[1] = torch.nan
    target[0][~mask[0]] = torch.inf
    prediction[1, 0, 0], prediction[1, 0, 1] = torch.inf, torch.nan
    prediction.requires_grad_()
    values = loss(prediction, target, mask)
    assert torch.isnan(values).tolist() == [False, True, False]
    mean, left_out = mean_over_images(values)
    assert left_out.item() == 1 and left_out.dtype == torch.int64
    assert mean.item() == pytest.approx((values[0] + values[2]).item() / 2)
    (gradient,) = torch.autograd.grad(mean, prediction)
    assert torch.isfinite(gradient).all()
    assert (gradient[1] == 0).all() and (gradient[~mask] == 0).all()
    assert gradient[0].abs().max() > 0 and gradient[2].abs().max() > 0

    alone = prediction[[0, 2]].detach().requires_grad_()
    (expected,) = torch.autograd.grad(loss(alone, target[[0, 2]], mask[[0, 2]]).mean(), alone)
    assert torch.equal(gradient[[0, 2]], expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_all_masks_empty(loss: Loss) -> None:
    prediction = torch.rand(2, 5, 4, requires_grad=True)
    values = loss(prediction, torch.full((2, 5, 4), torch.nan))
    assert torch.isnan(values).all()
    mean, left_out = mean_over_images(values)
    mean.backward()
    assert mean.item() == 0 and left_out.item() == 2
    assert prediction.grad is not None and (prediction.grad == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_target_under_a_true_mask_is_invalid(loss: Loss) -> None:
    prediction, target, mask = random_maps(12, 2, 6, 7)
    known = mask.clone()
    known[0, 2, 3] = False
    expected = loss(prediction, target, known)
    prediction.requires_grad_()
    target[0, 2, 3] = torch.nan
    values = loss(prediction, target, mask)
    assert torch.equal(values, expected)
    (gradient,) = torch.autograd.grad(values.sum(), prediction)
    assert torch.isfinite(gradient).all() and gradient[0, 2, 3] == 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("pixels", ["one pixel", "constant prediction", "constant target", "both constant", "perfect"])
def test_degenerate_maps_have_finite_values_and_gradients(loss: Loss, pixels: str) -> None:
    prediction, target, mask = random_maps(13, 2, 6, 7, 0.8, torch.float32)
    if pixels == "one pixel":
        mask[:] = False
        mask[:, 3, 2] = True
    if pixels in ("constant prediction", "both constant"):
        prediction[:] = 0.3
    if pixels in ("constant target", "both constant"):
        target[:] = 0.7
    if pixels == "perfect":
        prediction = target.clone()
    prediction.requires_grad_()
    values = loss(prediction, target, mask)
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert prediction.grad is not None and torch.isfinite(prediction.grad).all()


def test_constant_prediction_costs_one_deviation() -> None:
    """A constant is 0 once shifted, and the target's mean size is 1 by construction."""
    _, target, mask = random_maps(14, 2, 8, 9, 0.7)
    value = scale_and_shift_invariant_loss(torch.full_like(target, 0.4), target, mask)
    torch.testing.assert_close(value, torch.ones_like(value))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("wrong", [torch.inf, -torch.inf])
def test_infinity_at_valid_pixels_is_an_error(loss: Loss, wrong: float) -> None:
    prediction, target, mask = random_maps(15, 3, 5, 5)
    broken = prediction.clone()
    broken[2, 0, :2] = wrong
    with pytest.raises(ValueError, match=r"2 valid pixels have a prediction .* images \[2\]"):
        loss(broken, target, mask)
    broken = target.clone()
    broken[0, 1, 1], broken[1, 2, 2] = wrong, wrong
    with pytest.raises(ValueError, match=r"2 valid pixels have a target .* images \[0, 1\]"):
        loss(prediction, broken, mask)
    mask[0, 1, 1], mask[1, 2, 2] = False, False
    assert torch.isfinite(loss(prediction, broken, mask)).all()


def test_nan_prediction_is_an_error_rather_than_an_empty_image() -> None:
    prediction, target, mask = random_maps(16, 2, 5, 5)
    prediction[1, 0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"1 valid pixels have a prediction .* images \[1\]"):
        scale_and_shift_invariant_loss(prediction, target, mask)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_inputs_give_float32_arithmetic(loss: Loss, dtype: torch.dtype) -> None:
    prediction, target, mask = random_maps(17, 2, 21, 18, 0.8, dtype)
    prediction.requires_grad_()
    values = loss(prediction, target, mask)
    assert values.dtype == torch.float32
    assert torch.equal(values, loss(prediction.float(), target.float(), mask))
    values.sum().backward()
    assert prediction.grad is not None and torch.isfinite(prediction.grad).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_autocast_changes_nothing(loss: Loss) -> None:
    prediction, target, mask = random_maps(18, 2, 21, 18, 0.8, torch.float32)
    region = torch.zeros_like(mask)
    region[:, 3:10, 4:15] = True
    plain, plain_mixed = loss(prediction, target, mask), within_and_outside(loss, prediction, target, mask, region)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(prediction, target, mask), plain)
        assert torch.equal(within_and_outside(loss, prediction, target, mask, region), plain_mixed)


@pytest.mark.parametrize("variance_focus", [0.0, 0.5, 0.85, 1.0])
@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_silog_of_a_common_factor(variance_focus: float, factor: float) -> None:
    """For prediction = factor * target the loss is sqrt(1 - variance_focus) * |log factor|, and eps if that is 0."""
    _, target, mask = random_maps(19, 2, 9, 8, 0.7)
    expected = math.hypot(math.sqrt(1 - variance_focus) * math.log(factor), 1e-6)
    value = silog_loss(factor * target, target, mask, variance_focus=variance_focus)
    torch.testing.assert_close(value, torch.full_like(value, expected), rtol=1e-9, atol=1e-12)


def test_silog_of_predictions_at_and_below_zero_is_finite() -> None:
    _, target, mask = random_maps(20, 1, 4, 4)
    prediction = target.clone()
    prediction[0, 0, 0], prediction[0, 0, 1] = 0.0, -1.0
    prediction.requires_grad_()
    value = silog_loss(prediction, target, mask)
    value.sum().backward()
    expected = reference_silog(prediction.detach()[0].numpy(), target[0].numpy(), mask[0].numpy())
    assert value.item() == pytest.approx(expected, rel=1e-9)
    assert prediction.grad is not None and torch.isfinite(prediction.grad).all()


@pytest.mark.parametrize("wrong", [0.0, -2.0])
def test_silog_refuses_depth_that_is_not_above_zero(wrong: float) -> None:
    prediction, target, mask = random_maps(21, 2, 4, 4)
    target[1, 2, 2] = wrong
    with pytest.raises(ValueError, match=r"1 valid pixels have a target that is not above 0, in the images \[1\]"):
        silog_loss(prediction, target, mask)
    mask[1, 2, 2] = False
    assert torch.isfinite(silog_loss(prediction, target, mask)).all()


def test_anchor_sees_scale_and_shift() -> None:
    _, target, mask = random_maps(22, 2, 8, 9, 0.7)
    valid = torch.where(mask, target, torch.nan).flatten(1)
    low = torch.tensor([row[~row.isnan()].min() for row in valid])[:, None, None]
    high = torch.tensor([row[~row.isnan()].max() for row in valid])[:, None, None]
    normalized = (target - low) / (high - low)
    torch.testing.assert_close(anchor_loss(normalized, target, mask), torch.zeros(2, dtype=torch.float64))
    shifted = anchor_loss(normalized + 0.1, target, mask)
    deviation = [reference_shift_and_scale(t, m)[1] for t, m in zip(normalized.numpy(), mask.numpy(), strict=True)]
    np.testing.assert_allclose(shifted.numpy(), [0.1 / size for size in deviation], rtol=1e-9)


def test_anchor_does_not_depend_on_the_unit_of_the_target() -> None:
    prediction, target, mask = random_maps(23, 2, 8, 9, 0.7)
    plain = anchor_loss(prediction, target, mask)
    torch.testing.assert_close(anchor_loss(prediction, 40 * target - 3, mask), plain, rtol=1e-9, atol=0)


@pytest.mark.parametrize("tolerance", [0.0, 0.15, 0.4])
def test_feature_alignment_equals_the_plain_loop(tolerance: float) -> None:
    generator = torch.Generator().manual_seed(23)
    teacher = torch.randn(3, 40, 8, generator=generator, dtype=torch.float64)
    student = teacher + 0.7 * torch.randn(3, 40, 8, generator=generator, dtype=torch.float64)
    expected = [reference_alignment(s, t, tolerance) for s, t in zip(student.numpy(), teacher.numpy(), strict=True)]
    value = feature_alignment_loss(student, teacher, tolerance)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6)
    assert 0 < sum(expected)
    single = feature_alignment_loss(student.bfloat16(), teacher.bfloat16(), tolerance)
    assert single.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(feature_alignment_loss(student.bfloat16(), teacher.bfloat16(), tolerance), single)


def test_feature_alignment_ignores_aligned_tokens_and_the_teacher_gets_no_gradient() -> None:
    """Tokens at 1 - cos = 0, 0.1 and 1: only the last counts at tolerance 0.15."""
    teacher = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]], requires_grad=True)
    student = torch.tensor([[[2.0, 0.0], [0.9, math.sqrt(0.19)], [0.0, 3.0]]], requires_grad=True)
    value = feature_alignment_loss(student, teacher)
    assert value.tolist() == pytest.approx([1.0])
    value.sum().backward()
    assert teacher.grad is None
    assert student.grad is not None and (student.grad[0, :2] == 0).all() and student.grad[0, 2].abs().max() > 0


def test_feature_alignment_of_aligned_or_zero_features_is_finite() -> None:
    teacher = torch.rand(2, 5, 4)
    student = teacher.clone()
    student[1] = 0
    student.requires_grad_()
    value = feature_alignment_loss(student, teacher)
    value.sum().backward()
    assert value.tolist() == pytest.approx([0.0, 1.0])
    assert student.grad is not None and torch.isfinite(student.grad).all()


def test_feature_alignment_errors() -> None:
    with pytest.raises(ValueError, match=r"\(2, 5, 4\).*\(2, 5, 6\).*linear projector.*Linear\(4, 6\)"):
        feature_alignment_loss(torch.rand(2, 5, 4), torch.rand(2, 5, 6))
    with pytest.raises(ValueError, match=r"\(2, 5, 4\) and \(2, 6, 4\)"):
        feature_alignment_loss(torch.rand(2, 5, 4), torch.rand(2, 6, 4))
    broken = torch.rand(2, 5, 4)
    broken[1, 0, 0] = torch.inf
    with pytest.raises(ValueError, match=r"1 student features are not finite, in the images \[1\]"):
        feature_alignment_loss(broken, torch.rand(2, 5, 4))


@pytest.mark.parametrize("loss, reference, options", CASES)
def test_cutmix_form_equals_two_separate_computations(
    loss: Loss, reference: Callable[..., float], options: dict
) -> None:
    prediction, target, mask = random_maps(24, 3, 14, 11, 0.7)
    region = torch.zeros_like(mask)
    region[0, 2:9, 3:8] = True
    region[1, :7] = True
    region[2, 5:, 6:] = True
    # Two photographs have two scales; one fit over both would not see them.
    target = torch.where(region, 0.05 * target, target)
    mixed = within_and_outside(loss, prediction, target, mask, region, **options)
    for image in range(3):
        p, t, m, r = (maps[image].numpy() for maps in (prediction, target, mask, region))
        share = r.sum() / r.size
        expected = share * reference(p, t, m & r, **options) + (1 - share) * reference(p, t, m & ~r, **options)
        assert mixed[image].item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_cutmix_form_without_a_second_part_is_the_plain_loss(loss: Loss) -> None:
    prediction, target, mask = random_maps(25, 2, 9, 10, 0.7)
    plain = loss(prediction, target, mask)
    assert torch.equal(within_and_outside(loss, prediction, target, mask, torch.zeros_like(mask)), plain)
    assert torch.equal(within_and_outside(loss, prediction, target, mask, torch.ones_like(mask)), plain)
    unmasked = within_and_outside(loss, prediction, torch.where(mask, target, torch.nan), None, torch.zeros_like(mask))
    assert torch.equal(unmasked, plain)


@pytest.mark.parametrize("loss", LOSSES)
def test_cutmix_part_without_valid_pixels_has_no_weight(loss: Loss) -> None:
    prediction, target, mask = random_maps(26, 3, 9, 10, 0.7)
    region = torch.zeros_like(mask)
    region[:, 2:6, 3:8] = True
    mask[0] &= ~region[0]
    mask[1] &= region[1]
    mask[2] = False
    prediction.requires_grad_()
    mixed = within_and_outside(loss, prediction, target, mask, region)
    plain = loss(prediction, target, mask)
    torch.testing.assert_close(mixed[:2], plain[:2], rtol=1e-12, atol=0)
    assert torch.isnan(mixed[2])
    (gradient,) = torch.autograd.grad(mean_over_images(mixed)[0], prediction)
    assert torch.isfinite(gradient).all()
    assert (gradient[2] == 0).all() and gradient[0].abs().max() > 0 and gradient[1].abs().max() > 0


@pytest.mark.parametrize("loss", LOSSES)
def test_shape_errors_name_the_shapes(loss: Loss) -> None:
    maps = torch.rand(2, 4, 5) + 0.1
    with pytest.raises(ValueError, match=r"prediction \(2, 4, 5\), target \(2, 4, 6\)"):
        loss(maps, torch.rand(2, 4, 6))
    with pytest.raises(ValueError, match=r"mask \(4, 5\)"):
        loss(maps, maps, torch.ones(4, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"\(B, H, W\).*prediction \(2, 1, 4, 5\)"):
        loss(maps[:, None], maps[:, None])
    with pytest.raises(ValueError, match=r"mask must be boolean, got torch.uint8"):
        loss(maps, maps, torch.ones(2, 4, 5, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"region \(2, 4, 4\)"):
        within_and_outside(loss, maps, maps, None, torch.ones(2, 4, 4, dtype=torch.bool))


def test_option_errors() -> None:
    maps = torch.rand(1, 4, 5) + 0.1
    for share in (-0.1, 1.0):
        with pytest.raises(ValueError, match="ignore_largest"):
            scale_and_shift_invariant_loss(maps, maps, ignore_largest=share)
    with pytest.raises(ValueError, match="scales"):
        gradient_matching_loss(maps, maps, scales=0)
    with pytest.raises(ValueError, match="variance_focus"):
        silog_loss(maps, maps, variance_focus=1.1)
    with pytest.raises(ValueError, match=r"1 valid pixels have a value that is not finite, in the images \[0\]"):
        normalize_median_mad(torch.tensor([[[1.0, torch.inf]]]), None)


def test_inputs_are_left_as_they_were() -> None:
    prediction, target, mask = random_maps(27, 2, 6, 7, 0.7)
    target[~mask] = torch.nan
    before = prediction.clone(), target.clone(), mask.clone()
    for loss in MAP_LOSSES:
        within_and_outside(loss, prediction, target, mask, mask.flip(0))
    for value, copy in zip((prediction, target, mask), before, strict=True):
        assert torch.equal(torch.nan_to_num(value.double()), torch.nan_to_num(copy.double()))


def test_mean_over_images() -> None:
    values = torch.tensor([1.0, torch.nan, 4.0, torch.nan], requires_grad=True)
    mean, left_out = mean_over_images(values)
    mean.backward()
    assert mean.item() == 2.5 and left_out.item() == 2
    assert values.grad is not None and values.grad.tolist() == [0.5, 0.0, 0.5, 0.0]


# The joint form and the backward passes that are written out


def autograd_normalized(values: Tensor, valid: Tensor, eps: float = 1e-6) -> Tensor:
    """`normalize_median_mad` as autograd differentiates it."""
    median = torch.where(valid, values, torch.nan).flatten(1).nanmedian(dim=1).values
    centred = torch.where(valid, values - median[:, None, None], 0)
    deviation = centred.abs().sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp(min=1)
    return centred / deviation.clamp(min=eps)[:, None, None]


def autograd_losses(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    difference = autograd_normalized(prediction, mask) - autograd_normalized(target, mask)
    ssi = difference.abs().sum(dim=(1, 2)) / mask.sum(dim=(1, 2)).clamp(min=1)
    gradient = torch.zeros_like(ssi)
    for step in (1, 2, 4, 8):
        coarse, known = difference[:, ::step, ::step], mask[:, ::step, ::step]
        across = (coarse.diff(dim=2).abs() * (known[:, :, 1:] & known[:, :, :-1])).sum(dim=(1, 2))
        down = (coarse.diff(dim=1).abs() * (known[:, 1:] & known[:, :-1])).sum(dim=(1, 2))
        gradient = gradient + (across + down) / known.sum(dim=(1, 2)).clamp(min=1)
    return torch.stack([ssi, gradient])


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("density", DENSITIES)
def test_values_and_gradients_are_those_of_autograd(density: float, dtype: torch.dtype, tolerance: float) -> None:
    prediction, target, mask = random_maps(30, 3, 41, 37, density, dtype)
    mask[2] = False
    weights = torch.tensor([[1.0, 0.3, 2.0], [2.0, -0.7, 1.0]], dtype=dtype)
    for target_has_gradient in (False, True):
        first, second = prediction.clone().requires_grad_(), target.clone().requires_grad_(target_has_gradient)
        leaves = [first, second] if target_has_gradient else [first]
        values, expected = relative_depth_losses(first, second, mask), autograd_losses(first, second, mask)
        assert values.isnan().all(dim=0).tolist() == [False, False, True]
        torch.testing.assert_close(values[:, :2], expected[:, :2], rtol=tolerance, atol=tolerance)
        gradients = torch.autograd.grad((weights * values.nan_to_num(0)).sum(), leaves)
        expected_gradients = torch.autograd.grad((weights * expected).sum(), leaves)
        for gradient, by_autograd in zip(gradients, expected_gradients, strict=True):
            assert by_autograd.abs().max() > 1e-3
            torch.testing.assert_close(gradient, by_autograd, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("ignore_largest", [0.0, 0.1])
def test_the_joint_form_is_the_two_losses(ignore_largest: float) -> None:
    prediction, target, mask = random_maps(31, 3, 30, 26, 0.8, torch.float32)
    prediction.requires_grad_()
    ssi, gradient = relative_depth_losses(prediction, target, mask, ignore_largest=ignore_largest, scales=3)
    assert torch.equal(ssi, scale_and_shift_invariant_loss(prediction, target, mask, ignore_largest=ignore_largest))
    assert torch.equal(gradient, gradient_matching_loss(prediction, target, mask, scales=3))
    region = torch.zeros_like(mask)
    region[:, 4:20, 7:18] = True
    mixed = within_and_outside(relative_depth_losses, prediction, target, mask, region, ignore_largest=ignore_largest)
    apart = partial(within_and_outside, prediction=prediction, target=target, mask=mask, region=region)
    assert torch.equal(mixed[0], apart(scale_and_shift_invariant_loss, ignore_largest=ignore_largest))
    assert torch.equal(mixed[1], apart(gradient_matching_loss))
    with pytest.raises(ValueError, match="ignore_largest must be a share"):
        relative_depth_losses(prediction, target, ignore_largest=1.0)
    with pytest.raises(ValueError, match="scales must be at least 1"):
        relative_depth_losses(prediction, target, scales=0)


def test_float32_is_near_float64_on_large_maps() -> None:
    prediction, target, mask = random_maps(32, 1, 259, 301, 0.9)
    results = []
    for dtype in (torch.float64, torch.float32):
        leaf = prediction.to(dtype).requires_grad_()
        values = relative_depth_losses(leaf, target.to(dtype), mask)
        (gradient,) = torch.autograd.grad(values.sum(), leaf)
        results.append((values.detach().double(), gradient.double()))
    (values, gradient), (values_32, gradient_32) = results
    assert ((values_32 - values).abs() / values).max() < 1e-6
    # A pair of pixels whose step is zero in float32 only has no sign there; none is in this map. The median's pixel
    # gets the sum over all others, which rounds the most.
    assert (gradient_32 - gradient).abs().max() < 1e-7 < 1e-4 * gradient.abs().max()


def test_of_tied_medians_one_pixel_gets_the_gradient() -> None:
    """The median 2 stands at three pixels. Shifting all values changes nothing, so the gradients sum to zero."""
    values = torch.tensor([[[1.0, 2.0, 2.0], [2.0, 3.0, 9.0]]], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([[[1.0, 10.0, 100.0], [1000.0, 1e4, 1e5]]], dtype=torch.float64)
    (gradient,) = torch.autograd.grad((normalize_median_mad(values, None) * weights).sum(), values)
    assert gradient.sum().item() == pytest.approx(0, abs=1e-9)
    # Away from the median the derivative exists.
    for y, x in ((0, 0), (1, 1), (1, 2)):
        step = torch.zeros_like(values)
        step[0, y, x] = 1e-6
        moved = [(normalize_median_mad((values + sign * step).detach(), None) * weights).sum() for sign in (1, -1)]
        assert gradient[0, y, x].item() == pytest.approx((moved[0] - moved[1]).item() / 2e-6, rel=1e-6)
    # The tied ones get the weight of their own value, and the first of them that of the median too.
    deviation = 9 / 6
    assert gradient[0, 0, 2].item() == pytest.approx(100 / deviation)
    assert gradient[0, 1, 0].item() == pytest.approx(1000 / deviation)


def test_the_written_out_gradients_have_no_second_derivative() -> None:
    prediction, target, mask = random_maps(33, 1, 6, 5)
    prediction.requires_grad_()
    for values in (joint(prediction, target, mask), normalize_median_mad(prediction, mask)):
        with pytest.raises(RuntimeError, match="differentiated once; leave out create_graph=True"):
            torch.autograd.grad(values.sum(), prediction, create_graph=True)


@pytest.mark.parametrize("ignore_largest", [0.0, 0.1])
def test_selection_without_numpy_gives_the_same(monkeypatch: pytest.MonkeyPatch, ignore_largest: float) -> None:
    """What devices and `torch.compile` use; all values differ, so that the median is one pixel."""
    prediction, target, mask = random_maps(34, 3, 13, 12, 0.7)
    mask[1] = False
    prediction.requires_grad_()

    def values_and_gradient() -> tuple[Tensor, Tensor]:
        values = relative_depth_losses(prediction, target, mask, ignore_largest=ignore_largest)[:, [0, 2]]
        return values.detach(), torch.autograd.grad(values.sum(), prediction)[0]

    expected = values_and_gradient()
    for module in ("relative", "_median", "_maps"):
        monkeypatch.setattr(f"depth_anything_hf.losses.{module}.can_use_numpy", lambda values: False)
    for found, wanted in zip(values_and_gradient(), expected, strict=True):
        assert torch.equal(found, wanted)


def test_gradients_reach_maps_of_any_memory_layout() -> None:
    prediction, target, mask = random_maps(35, 2, 9, 7, 0.8)
    leaf = prediction.transpose(1, 2).contiguous().requires_grad_()
    values = relative_depth_losses(leaf.transpose(1, 2), target, mask)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    plain = prediction.clone().requires_grad_()
    (expected,) = torch.autograd.grad(relative_depth_losses(plain, target, mask).sum(), plain)
    torch.testing.assert_close(gradient.transpose(1, 2), expected, rtol=1e-12, atol=1e-15)
