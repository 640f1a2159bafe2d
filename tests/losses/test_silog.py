# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The scale-invariant logarithmic error: a common factor, and predictions and labels near zero."""

from __future__ import annotations

import math

import pytest
import torch
from loss_references import random_maps, reference_silog

from depth_anything_hf.losses.reduction import mean_over_images
from depth_anything_hf.losses.silog import silog_loss


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


def test_silog_over_the_batch_is_one_value_over_the_pixels_of_all_images() -> None:
    """Against the formula of the authors' loss, in float64: images weigh by their valid pixels, empty ones not."""
    prediction, target, mask = random_maps(22, 4, 7, 9, 0.6)
    prediction[1] *= 3  # Another scale in each image, which the mean over images would forgive.
    mask[0, :5] = False
    mask[2] = False
    prediction.requires_grad_()
    value = silog_loss(prediction, target, mask, over="batch")
    logs = target[mask].log() - prediction[mask].log()
    expected = torch.sqrt((logs**2).mean() - 0.5 * logs.mean() ** 2)
    assert value.isnan().tolist() == [False, False, True, False]
    torch.testing.assert_close(value[mask.any(dim=(1, 2))], expected.expand(3), rtol=1e-10, atol=1e-10)
    mean, empty = mean_over_images(value)
    assert empty == 1 and mean.item() == pytest.approx(expected.item(), rel=1e-10)
    (gradient,) = torch.autograd.grad(mean, prediction)
    (wanted,) = torch.autograd.grad(expected, prediction)
    torch.testing.assert_close(gradient, wanted, rtol=1e-8, atol=1e-12)
    assert (gradient[2] == 0).all() and gradient[3].abs().max() > 0
    over_images = mean_over_images(silog_loss(prediction, target, mask))[0]
    assert abs(over_images - mean) > 0.05


def test_silog_over_the_batch_of_one_image_is_that_of_the_image() -> None:
    maps = random_maps(23, 1, 9, 8, 0.7)
    torch.testing.assert_close(silog_loss(*maps, over="batch"), silog_loss(*maps), rtol=0, atol=0)


def test_silog_over_a_batch_without_a_valid_pixel_is_nan_with_zero_gradients() -> None:
    prediction, target, _ = random_maps(24, 2, 4, 4)
    prediction.requires_grad_()
    value = silog_loss(prediction, target, torch.zeros(2, 4, 4, dtype=torch.bool), over="batch")
    assert value.isnan().all()
    mean_over_images(value)[0].backward()
    assert prediction.grad is not None and (prediction.grad == 0).all()


def test_an_unknown_extent_of_silog_is_refused() -> None:
    with pytest.raises(ValueError, match="silog_over is 'pixels', expected 'batch'"):
        silog_loss(*random_maps(25, 1, 4, 4), over="pixels")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0.0, -2.0])
def test_silog_refuses_depth_that_is_not_above_zero(wrong: float) -> None:
    prediction, target, mask = random_maps(21, 2, 4, 4)
    target[1, 2, 2] = wrong
    with pytest.raises(ValueError, match=r"1 valid pixels have a target that is not above 0, in the images \[1\]"):
        silog_loss(prediction, target, mask)
    mask[1, 2, 2] = False
    assert torch.isfinite(silog_loss(prediction, target, mask)).all()


def test_silog_over_the_batch_takes_maps_of_any_memory_order() -> None:
    prediction, target, mask = random_maps(23, 3, 7, 9, 0.6)
    expected = silog_loss(prediction, target, mask, over="batch")
    swapped = [maps.transpose(1, 2).contiguous().transpose(1, 2) for maps in (prediction, target, mask)]
    images_last = [maps.permute(1, 2, 0).contiguous().permute(2, 0, 1) for maps in (prediction, target, mask)]
    for maps in (swapped, images_last):
        torch.testing.assert_close(silog_loss(*maps, over="batch"), expected, rtol=1e-12, atol=0)
