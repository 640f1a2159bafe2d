# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Weights of pixels in the losses: whole ones are repeated pixels, ones change no bit, only ratios matter."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from loss_references import LOSSES, MAP_LOSSES, Loss, joint, random_maps, reference_gradient
from torch import Tensor

from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.losses.relative import anchor_loss, gradient_matching_loss, scale_and_shift_invariant_loss
from depth_anything_hf.losses.silog import silog_loss


OF_PIXELS = [
    pytest.param(scale_and_shift_invariant_loss, id="ssi"),
    pytest.param(partial(scale_and_shift_invariant_loss, ignore_largest=0.1), id="ssi-ignore-tenth"),
    pytest.param(partial(scale_and_shift_invariant_loss, ignore_largest=0.37), id="ssi-ignore-third"),
    pytest.param(anchor_loss, id="anchor"),
    pytest.param(silog_loss, id="silog"),
    pytest.param(partial(silog_loss, over="batch"), id="silog-batch"),
]


def whole_weights(seed: int, shape: torch.Size, highest: int = 4) -> Tensor:
    return torch.randint(1, highest, shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("density", [1.0, 0.6])
@pytest.mark.parametrize("loss", OF_PIXELS)
def test_a_pixel_of_weight_three_is_three_pixels(loss: Loss, density: float) -> None:
    """Losses without neighbours do not know where pixels are: the same pixels, repeated, are the reference."""
    prediction, target, mask = random_maps(3, 1, 17, 23, density)
    weights = whole_weights(4, prediction.shape)
    times = weights[mask].long()
    repeated = [each[mask].repeat_interleave(times)[None, None] for each in (prediction, target)]
    torch.testing.assert_close(
        loss(prediction, target, mask, weights=weights), loss(*repeated), rtol=1e-12, atol=1e-12
    )


def test_gradient_matching_weighs_a_difference_by_the_lesser_pixel() -> None:
    prediction, target, mask = random_maps(5, 1, 16, 21, 0.8)
    weights = whole_weights(6, prediction.shape)
    p, t, valid, w = (each[0].numpy() for each in (prediction, target, mask, weights))

    def normalized(values: np.ndarray) -> np.ndarray:
        pixels = np.sort(np.repeat(values[valid], w[valid].astype(int)))
        middle = pixels[(len(pixels) - 1) // 2]
        return np.asarray((values - middle) / np.abs(pixels - middle).mean())

    difference, expected = normalized(p) - normalized(t), 0.0
    for step in (1, 2, 4, 8):
        d, v, c = (each[::step, ::step] for each in (difference, valid, w))
        for axis in (0, 1):
            size = d.shape[axis]
            first, second = (np.arange(size - 1), np.arange(1, size))
            rise = np.abs(d.take(second, axis) - d.take(first, axis))
            both = v.take(second, axis) & v.take(first, axis)
            lesser = np.minimum(c.take(second, axis), c.take(first, axis))
            expected += (rise * lesser)[both].sum() / c[v].sum()
    found = gradient_matching_loss(prediction, target, mask, weights=weights)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    ones = gradient_matching_loss(prediction, target, mask, weights=torch.ones_like(weights))
    assert ones.item() == pytest.approx(reference_gradient(p, t, valid), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("loss", [*LOSSES, pytest.param(partial(silog_loss, over="batch"), id="silog-batch")])
def test_weights_of_one_change_no_bit_of_values_and_gradients(loss: Loss, dtype: torch.dtype) -> None:
    prediction, target, mask = random_maps(7, 3, 70, 90, 0.7, dtype)
    # Many pixels of one value, as labels of 8 bits have.
    target = (target * 64).round() / 64 + 0.01
    results = []
    for weights in (None, torch.ones_like(target)):
        leaf = prediction.clone().requires_grad_()
        value = loss(leaf, target, mask, weights=weights)
        value.sum().backward()
        results.append((value.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("loss", LOSSES)
def test_only_ratios_matter_and_zero_is_invalid(loss: Loss) -> None:
    prediction, target, mask = random_maps(8, 2, 15, 12, 0.8)
    weights = whole_weights(9, prediction.shape, 3)
    found = loss(prediction, target, mask, weights=weights)
    torch.testing.assert_close(loss(prediction, target, mask, weights=0.2 * weights), found, rtol=1e-12, atol=0)
    some = torch.rand(prediction.shape, generator=torch.Generator().manual_seed(10)) < 0.5
    some[:, 7, 6] = True
    without = loss(prediction, target, mask & some)
    assert torch.equal(loss(prediction, target, mask, weights=some.double()), without)
    assert loss(prediction, target, mask, weights=torch.zeros_like(weights)).isnan().all()


def test_gradients_with_weights() -> None:
    prediction, target, mask = random_maps(11, 2, 4, 5, 0.8)
    weights = whole_weights(12, prediction.shape) / 3
    region = torch.zeros_like(mask)
    region[:, 1:3, 1:4] = True
    prediction.requires_grad_()
    target.requires_grad_()
    for loss in MAP_LOSSES:
        weighted = partial(loss, weights=weights)
        assert torch.autograd.gradcheck(lambda p, t, loss=weighted: loss(p, t, mask), (prediction, target))
        mixed = partial(within_and_outside, loss, weights=weights)
        assert torch.autograd.gradcheck(lambda p, mixed=mixed: mixed(p, target.detach(), mask, region), (prediction,))


def test_a_part_of_cutmix_without_weight_is_left_out() -> None:
    prediction, target, mask = random_maps(13, 1, 12, 12)
    region = torch.zeros_like(mask)
    region[:, 3:8, 2:9] = True
    outside = joint(prediction, target, mask & ~region)
    mixed = within_and_outside(joint, prediction, target, mask, region, weights=(~region).double())
    torch.testing.assert_close(mixed, outside)


def test_weights_reach_every_term_of_the_relative_loss() -> None:
    prediction, target, _ = random_maps(14, 2, 10, 11, dtype=torch.float32)
    weights = whole_weights(15, prediction.shape).float()
    for weight_of in ({}, {"gradient_weight": 0.0}, {"ssi_weight": 0.0}):
        loss = RelativeLoss(**{"anchor_weight": 1.0, **weight_of})
        plain = loss.terms(prediction, target, None, 1.0)
        for name, (_, values) in loss.terms(prediction, target, None, 1.0, weights).items():
            assert (values != plain[name][1]).all(), name


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_a_weight_below_zero_or_none_is_refused(wrong: float) -> None:
    prediction, target, mask = random_maps(16, 2, 5, 6)
    weights = torch.ones_like(target)
    weights[1, 2, 3] = wrong
    with pytest.raises(ValueError, match=r"1 pixels have a weight below 0 or none, in the images \[1\]"):
        silog_loss(prediction, target, mask, weights=weights)
    with pytest.raises(ValueError, match="same shape"):
        silog_loss(prediction, target, mask, weights=weights[:1])
