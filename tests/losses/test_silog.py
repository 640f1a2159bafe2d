# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The scale-invariant logarithmic error: a common factor, and predictions and labels near zero."""

from __future__ import annotations

import math

import pytest
import torch
from loss_references import random_maps, reference_silog

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


@pytest.mark.parametrize("wrong", [0.0, -2.0])
def test_silog_refuses_depth_that_is_not_above_zero(wrong: float) -> None:
    prediction, target, mask = random_maps(21, 2, 4, 4)
    target[1, 2, 2] = wrong
    with pytest.raises(ValueError, match=r"1 valid pixels have a target that is not above 0, in the images \[1\]"):
        silog_loss(prediction, target, mask)
    mask[1, 2, 2] = False
    assert torch.isfinite(silog_loss(prediction, target, mask)).all()
