# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Losses on images of two parts: each part has its own shift and scale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from loss_references import CASES, LOSSES, Loss, random_maps

from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.reduction import mean_over_images


@pytest.mark.parametrize(("loss", "reference", "options"), CASES)
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
