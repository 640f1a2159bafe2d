# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""On a GPU the losses and their gradients are those of float64, whatever the precision around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from loss_references import CASES, MAP_LOSSES, Loss, random_maps
from on_gpu import DEVICE, ON_GPU


pytestmark = ON_GPU

RecordProperty = Callable[[str, object], None]


@pytest.mark.parametrize(("loss", "reference", "options"), CASES)
def test_values_are_those_worked_out_by_hand(loss: Loss, reference: Any, options: dict[str, Any]) -> None:
    prediction, target, mask = random_maps(1, 3, 17, 23, 0.6)
    expected = [
        reference(*(each[index].numpy() for each in (prediction, target, mask)), **options) for index in range(3)
    ]
    found = loss(prediction.float().to(DEVICE), target.float().to(DEVICE), mask.to(DEVICE), **options)
    assert found.device.type == DEVICE.type and found.tolist() == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("loss", MAP_LOSSES, ids=lambda loss: loss.__name__)
def test_large_maps_are_near_float64(loss: Loss, record_property: RecordProperty) -> None:
    prediction, target, mask = random_maps(32, 2, 518, 518, 0.9)
    results = []
    for dtype, device in ((torch.float64, "cpu"), (torch.float32, DEVICE)):
        leaf = prediction.to(device, dtype).requires_grad_()
        values = loss(leaf, target.to(device, dtype), mask.to(device))
        (gradient,) = torch.autograd.grad(values.sum(), leaf)
        results.append((values.detach().double().cpu(), gradient.double().cpu()))
    (values, gradient), (values_32, gradient_32) = results
    value_error = ((values_32 - values).abs() / values).max().item()
    # A pair of pixels whose step is zero in float32 alone has no sign there, so that single pixels may differ.
    gradient_error = ((gradient_32 - gradient).norm() / gradient.norm()).item()
    record_property("values", value_error)
    record_property("gradients", gradient_error)
    assert value_error < 1e-5 and gradient_error < 1e-3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("loss", MAP_LOSSES, ids=lambda loss: loss.__name__)
def test_a_prediction_in_half_precision_is_summed_in_float32(loss: Loss, dtype: torch.dtype) -> None:
    prediction, target, mask = (each.to(DEVICE) for each in random_maps(33, 2, 259, 301, 0.9, torch.float32))
    rounded = prediction.to(dtype)
    expected = loss(rounded.float(), target, mask)
    with torch.autocast(DEVICE.type, dtype):
        found = loss(rounded, target, mask)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
