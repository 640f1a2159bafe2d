# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What holds for every loss over maps: NumPy loops, gradients, missing pixels, precision, errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from loss_references import CASES, DENSITIES, LOSSES, MAP_LOSSES, SIZES, Loss, random_maps

from depth_anything_hf.losses._median import normalize_median_mad
from depth_anything_hf.losses.cutmix import within_and_outside
from depth_anything_hf.losses.reduction import mean_over_images
from depth_anything_hf.losses.relative import gradient_matching_loss, scale_and_shift_invariant_loss
from depth_anything_hf.losses.silog import silog_loss


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(("loss", "reference", "options"), CASES)
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


@pytest.mark.parametrize(("loss", "reference", "options"), CASES)
def test_gradcheck(loss: Loss, reference: Callable[..., float], options: dict) -> None:
    prediction, target, mask = random_maps(5, 2, 5, 6, 0.7)
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: loss(values, target, mask, **options), (prediction,))


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
