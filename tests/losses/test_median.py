# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shift and scale by the median, against NumPy loops and autograd."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from loss_references import DENSITIES, MAP_LOSSES, joint, random_maps, reference_normalized
from torch import Tensor

from depth_anything_hf.losses._median import normalize_median_mad
from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.relative import relative_depth_losses


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
