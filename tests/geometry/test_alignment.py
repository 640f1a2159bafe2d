# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scale and shift against numpy's solver, degenerate images, the clamped alignments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.geometry.alignment import (
    align_depth,
    align_disparity,
    align_median,
    fit_robust_scale_and_shift,
    fit_scale_and_shift,
)


def random_maps(seed: int, valid_share: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    depth = random.uniform(0.5, 40, (23, 31)).astype(np.float32)
    prediction = (3 / depth + 0.2 + random.normal(0, 0.1, depth.shape)).astype(np.float32)
    return prediction, depth, random.random(depth.shape) < valid_share


@pytest.mark.parametrize("valid_share", [1.0, 0.5, 0.01])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("output_scale", "output_shift"), [(1, 0), (1e9, -3e9), (1e-7, 2e-6)])
def test_fit_equals_lstsq(valid_share: float, weighted: bool, output_scale: float, output_shift: float) -> None:
    prediction, depth, mask = random_maps(1, valid_share)
    prediction = prediction.astype(np.float64) * output_scale + output_shift
    target = 1 / depth.astype(np.float64)
    weights = np.random.default_rng(2).uniform(0, 5, depth.shape) if weighted else None
    scale, shift = fit_scale_and_shift(prediction, target, mask, weights)

    root = np.ones(mask.sum()) if weights is None else np.sqrt(weights[mask])
    # The reference solves for a standardised column, so that its own conditioning is no issue.
    centre, spread = prediction[mask].mean(), prediction[mask].std()
    columns = np.stack([(prediction[mask] - centre) / spread, np.ones(mask.sum())], axis=1)
    (slope, offset), *_ = np.linalg.lstsq(columns * root[:, None], target[mask] * root, rcond=None)
    assert scale == pytest.approx(slope / spread, rel=1e-9)
    np.testing.assert_allclose(
        scale * prediction[mask] + shift, slope * (prediction[mask] - centre) / spread + offset, rtol=1e-6
    )


def test_fit_recovers_an_exact_relation_also_a_negative_one() -> None:
    prediction, _, mask = random_maps(3)
    for true_scale, true_shift in [(2.5, -1.0), (-0.3, 4.0)]:
        found = fit_scale_and_shift(prediction, true_scale * prediction.astype(np.float64) + true_shift, mask)
        assert found == pytest.approx((true_scale, true_shift), rel=1e-9)


def test_weight_zero_is_the_same_as_outside_the_mask() -> None:
    prediction, depth, mask = random_maps(4)
    spoilt = prediction.copy()
    spoilt[~mask] = np.nan
    everywhere = np.ones_like(mask)
    assert fit_scale_and_shift(spoilt, 1 / depth, everywhere, mask.astype(np.float32)) == pytest.approx(
        fit_scale_and_shift(prediction, 1 / depth, mask), rel=1e-12
    )


def test_constant_prediction_gives_scale_zero_and_the_weighted_mean() -> None:
    target = np.array([[1.0, 2.0, 6.0]])
    mask = np.ones((1, 3), dtype=bool)
    # 0.1 is no binary fraction: the mean of equal values may differ from them in the last digit.
    constant = np.full((1, 3), 0.1, dtype=np.float32)
    assert fit_scale_and_shift(constant, target, mask) == (0.0, pytest.approx(3.0))
    assert fit_scale_and_shift(constant, target, mask, np.array([[1.0, 0.0, 3.0]])) == (0.0, pytest.approx(4.75))


def test_one_pixel_and_empty_mask() -> None:
    values = np.array([[5.0, 7.0]])
    one = np.array([[False, True]])
    assert fit_scale_and_shift(values, 2 * values, one) == (0.0, 14.0)
    assert all(math.isnan(number) for number in fit_scale_and_shift(values, values, np.zeros((1, 2), dtype=bool)))
    aligned, share = align_disparity(values, values, np.zeros((1, 2), dtype=bool), 1e-3, 80)
    assert np.isnan(aligned).all() and math.isnan(share)


def test_a_perfect_disparity_gives_the_depth_back() -> None:
    _, depth, mask = random_maps(5)
    prediction = 17 / depth.astype(np.float64) - 4
    aligned, clamped_share = align_disparity(prediction, depth, mask, 1e-3, 80)
    np.testing.assert_allclose(aligned, depth, rtol=1e-9)
    assert clamped_share == 0


def test_negative_aligned_disparity_is_clamped_and_counted() -> None:
    # Disparities 0.02, 0.02, 0.02, 1 over the outputs 0 .. 3: slope 0.294, line -0.176, 0.118, 0.412, 0.706.
    depth = np.array([[50.0, 50.0, 50.0, 1.0]])
    prediction = np.array([[0.0, 1.0, 2.0, 3.0]])
    aligned, clamped_share = align_disparity(prediction, depth, np.ones((1, 4), dtype=bool), 1e-3, 80)
    np.testing.assert_allclose(aligned, [[80, 1 / 0.118, 1 / 0.412, 1 / 0.706]], rtol=1e-9)
    assert clamped_share == 0.25
    aligned, clamped_share = align_disparity(prediction, depth, np.ones((1, 4), dtype=bool), 2, 5)
    np.testing.assert_allclose(aligned, [[5, 5, 1 / 0.412, 2]], rtol=1e-9)
    assert clamped_share == 0.75


def test_pixels_outside_the_mask_do_not_change_the_fit_but_are_aligned() -> None:
    prediction, depth, mask = random_maps(6)
    aligned, _ = align_disparity(prediction, depth, mask, 1e-3, 80)
    label = depth.copy()
    label[~mask] = np.nan
    again, _ = align_disparity(prediction, label, mask, 1e-3, 80)
    np.testing.assert_array_equal(aligned, again)
    assert np.isfinite(again).all()


def reference_alignment(
    kind: str, prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, min_depth: float, max_depth: float
) -> tuple[np.ndarray, float]:
    """Pixel by pixel, from the textbook sums or from sorted lists; no function of the package."""
    pixels = [tuple(index) for index in np.argwhere(mask)]
    p = [float(prediction[pixel]) for pixel in pixels]
    d = [float(depth[pixel]) for pixel in pixels]
    if kind == "median":
        middle = [(sorted(values)[(len(values) - 1) // 2] + sorted(values)[len(values) // 2]) / 2 for values in (d, p)]
        scale, shift = middle[0] / middle[1], 0.0
    else:
        t = [1 / value for value in d] if kind == "disparity" else d
        mean_p, mean_t = math.fsum(p) / len(p), math.fsum(t) / len(t)
        square = math.fsum((one - mean_p) ** 2 for one in p)
        product = math.fsum((one - mean_p) * (other - mean_t) for one, other in zip(p, t, strict=True))
        scale = product / square if max(p) > min(p) else 0.0
        shift = mean_t - scale * mean_p
    aligned, clamped = np.empty(depth.shape), 0
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            value = scale * float(prediction[row, column]) + shift
            if kind == "disparity":
                limited = max(1 / max_depth, min(1 / min_depth, value))
                aligned[row, column] = 1 / limited
            else:
                limited = aligned[row, column] = max(min_depth, min(max_depth, value))
            clamped += bool(mask[row, column]) and limited != value
    return aligned, clamped / len(p)


@pytest.mark.parametrize("kind", ["disparity", "depth", "median"])
@pytest.mark.parametrize(
    "case", ["random", "one per cent valid", "single valid pixel", "constant prediction", "constant label", "clamped"]
)
def test_alignments_equal_the_reference(kind: str, case: str) -> None:
    random = np.random.default_rng(11)
    depth = np.exp(random.uniform(-1, 4, (17, 23))).astype(np.float32)
    noise = np.exp(random.normal(0, 0.3, depth.shape))
    prediction = (3 / depth * noise + 0.2 if kind == "disparity" else 0.4 * depth * noise + 1).astype(np.float32)
    mask = random.random(depth.shape) < {"one per cent valid": 0.01, "single valid pixel": 0.0}.get(case, 0.7)
    mask[3, 4], depth[3, 4] = True, 7
    if case == "constant prediction":
        prediction[:] = 0.1
    elif case == "constant label":
        depth[:] = 3.3
    elif case == "clamped":  # far from affine: negative aligned disparity and depth
        prediction = prediction**2 - 0.5 if kind != "median" else prediction**3
    aligned, share = {"disparity": align_disparity, "depth": align_depth, "median": align_median}[kind](
        prediction, depth, mask, 0.5, 45.0
    )
    expected, expected_share = reference_alignment(kind, prediction, depth, mask, 0.5, 45.0)
    np.testing.assert_allclose(aligned, expected, rtol=1e-6)
    assert share == pytest.approx(expected_share, abs=1e-12)
    if case == "clamped":
        assert share > 0.01
    if case == "single valid pixel":
        assert aligned[3, 4] == pytest.approx(7, rel=1e-9) and share == 0


def test_alignment_in_depth_and_by_the_median_undo_their_own_unknowns() -> None:
    _, depth, mask = random_maps(5)
    np.testing.assert_allclose(align_depth(7 - depth / 4, depth, mask, 1e-3, 80)[0], depth, rtol=1e-5)
    np.testing.assert_allclose(align_median(depth / 4, depth, mask, 1e-3, 80)[0], depth, rtol=1e-6)
    spoilt = depth / 4
    spoilt[mask & (depth > 30)] *= 100  # the median does not move
    near = depth <= 30
    np.testing.assert_allclose(align_median(spoilt, depth, mask, 1e-3, 80)[0][near], depth[near], rtol=1e-6)


@pytest.mark.parametrize("align", [align_depth, align_median])
def test_an_empty_mask_aligns_to_nan(align: object) -> None:
    assert callable(align)
    aligned, share = align(np.ones((2, 3)), np.ones((2, 3)), np.zeros((2, 3), dtype=bool), 1e-3, 80)
    assert aligned.shape == (2, 3) and np.isnan(aligned).all() and math.isnan(share)


def test_errors_say_what_is_wrong() -> None:
    prediction, depth, mask = random_maps(7)
    with pytest.raises(ValueError, match="the same shape"):
        fit_scale_and_shift(prediction[:-1], depth, mask)
    broken = np.where(mask, np.nan, prediction)
    with pytest.raises(ValueError, match="prediction is not finite at"):
        fit_scale_and_shift(broken, depth, mask)
    with pytest.raises(ValueError, match="not negative"):
        fit_scale_and_shift(prediction, depth, mask, -depth)
    with pytest.raises(ValueError, match="min_depth < max_depth"):
        align_disparity(prediction, depth, mask, 10, 1)
    with pytest.raises(ValueError, match="depth is not finite"):
        align_disparity(prediction, np.where(mask, np.inf, depth), mask, 1, 10)
    with pytest.raises(ValueError, match="depth must be positive"):
        align_disparity(prediction, np.where(mask, 0, depth), mask, 1, 10)
    with pytest.raises(ValueError, match="min_depth < max_depth"):
        align_depth(prediction, depth, mask, 0, 1)
    with pytest.raises(ValueError, match="needs a positive median of the predicted depth"):
        align_median(-depth, depth, mask, 1, 10)


def test_the_robust_fit_is_little_moved_by_a_minority_that_differs() -> None:
    prediction, _, mask = random_maps(5, 0.9)
    noise = np.random.default_rng(6).normal(0, 0.01, prediction.shape)
    target = (2 * prediction.astype(np.float64) - 3 + noise).astype(np.float32)
    assert fit_robust_scale_and_shift(prediction, target, mask) == pytest.approx((2, -3), abs=0.02)
    target[:5] += 40
    assert fit_robust_scale_and_shift(prediction, target, mask) == pytest.approx((2, -3), abs=0.1)
    assert abs(fit_scale_and_shift(prediction, target, mask)[1] + 3) > 1


def test_the_robust_fit_minimizes_hubers_loss() -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="the reference is SciPy's")
    random = np.random.default_rng(7)
    prediction = random.uniform(0, 5, (20, 30))
    target = 1.5 * prediction + 2 + random.standard_t(2, prediction.shape)
    found = fit_robust_scale_and_shift(prediction, target, prediction > -1, rounds=200)
    threshold = 1.345 * 1.4826 * np.median(np.abs(found[0] * prediction + found[1] - target))

    def residuals(fit: np.ndarray) -> np.ndarray:
        return ((fit[0] * prediction + fit[1] - target) / threshold).ravel()

    expected = optimize.least_squares(residuals, (1, 0), loss="huber", xtol=1e-12, ftol=1e-12).x
    assert found == pytest.approx(tuple(expected), rel=1e-3)


def test_the_robust_fit_of_exact_sparse_many_and_no_pixels() -> None:
    prediction = np.linspace(0, 1, 200 * 200).reshape(200, 200)
    everywhere = np.ones(prediction.shape, dtype=bool)
    assert fit_robust_scale_and_shift(prediction, 4 * prediction - 1, everywhere) == pytest.approx((4, -1))
    assert fit_robust_scale_and_shift(prediction, 4 * prediction - 1, everywhere, most_pixels=50) == pytest.approx(
        (4, -1)
    )
    assert all(map(math.isnan, fit_robust_scale_and_shift(prediction, prediction, ~everywhere)))
    assert fit_robust_scale_and_shift(everywhere * 2.0, prediction, everywhere)[0] == 0
