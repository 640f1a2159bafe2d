# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Losses of relative depth: invariances, pixels of largest error, the joint form and its written-out gradients."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from loss_references import AFFINE_INVARIANT, DENSITIES, Loss, random_maps, reference_shift_and_scale
from torch import Tensor

from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.relative import (
    anchor_loss,
    gradient_matching_loss,
    relative_depth_losses,
    scale_and_shift_invariant_loss,
)


@pytest.mark.parametrize("loss", AFFINE_INVARIANT)
@pytest.mark.parametrize(("scale", "shift"), [(1e-3, 0.0), (37.0, -5.0), (1.0, 80.0)])
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


def test_constant_prediction_costs_one_deviation() -> None:
    """A constant is 0 once shifted, and the target's mean size is 1 by construction."""
    _, target, mask = random_maps(14, 2, 8, 9, 0.7)
    value = scale_and_shift_invariant_loss(torch.full_like(target, 0.4), target, mask)
    torch.testing.assert_close(value, torch.ones_like(value))


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


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
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


def test_gradients_reach_maps_of_any_memory_layout() -> None:
    prediction, target, mask = random_maps(35, 2, 9, 7, 0.8)
    leaf = prediction.transpose(1, 2).contiguous().requires_grad_()
    values = relative_depth_losses(leaf.transpose(1, 2), target, mask)
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    plain = prediction.clone().requires_grad_()
    (expected,) = torch.autograd.grad(relative_depth_losses(plain, target, mask).sum(), plain)
    torch.testing.assert_close(gradient.transpose(1, 2), expected, rtol=1e-12, atol=1e-15)


# All terms together
