# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The mean over a batch leaves out images without a value."""

from __future__ import annotations

import torch

from depth_anything_hf.losses.reduction import images_that_count, mean_over_images


def test_mean_over_images() -> None:
    values = torch.tensor([1.0, torch.nan, 4.0, torch.nan], requires_grad=True)
    mean, left_out = mean_over_images(values)
    mean.backward()
    assert mean.item() == 2.5 and left_out.item() == 2
    assert values.grad is not None and values.grad.tolist() == [0.5, 0.0, 0.5, 0.0]


def test_the_images_that_count_have_a_value_in_every_term() -> None:
    one, two = torch.tensor([1.0, torch.nan, 4.0]), torch.tensor([5.0, 6.0, torch.nan])
    counts = images_that_count([one, two])
    assert counts.tolist() == [True, False, False]
    mean, left_out = mean_over_images(two, counts)
    assert mean.item() == 5.0 and left_out.item() == 2
