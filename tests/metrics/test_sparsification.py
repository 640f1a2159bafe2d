# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""AUSE and AURG against plain loops in float64, by hand, and against the code of Poggi et al. 2020."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.metrics.sparsification import sparsification_curve, sparsification_scores
from depth_anything_hf.metrics.table import CONFIDENCE_METRICS


def maps(seed: int = 0, size: tuple[int, int] = (13, 17)) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    depth = random.uniform(1, 20, size)
    predicted = (depth * np.exp(random.normal(0, 0.3, size))).astype(np.float32)
    confidence = np.exp(-np.abs(np.log(predicted / depth)) * random.uniform(0.2, 3, size)).astype(np.float32)
    return predicted, depth.astype(np.float32), confidence, random.random(size) < 0.8


def area(values: np.ndarray, confidence: np.ndarray, is_squared: bool) -> float:
    """Remove one pixel after the other, the least confident first."""
    left, errors = list(zip(confidence, values, strict=True)), []
    left.sort(key=lambda pair: -pair[0])
    while left:
        mean = math.fsum(value for _, value in left) / len(left)
        errors.append(math.sqrt(mean) if is_squared else mean)
        left.pop()
    return math.fsum(errors) / len(errors)


def test_areas_equal_those_of_plain_loops() -> None:
    predicted, depth, confidence, mask = maps()
    found = sparsification_scores(predicted, depth, confidence, mask)
    p, t, c = (one[mask].astype(np.float64) for one in (predicted, depth, confidence))
    assert len(set(c)) == c.size and tuple(found) == CONFIDENCE_METRICS
    for name, values, is_squared in (("abs_rel", np.abs(p - t) / t, False), ("rmse", (p - t) ** 2, True)):
        full = math.sqrt(values.mean()) if is_squared else values.mean()
        by_confidence, by_error = (area(values, order, is_squared) for order in (c, -values))
        assert found[f"ause_{name}"] == pytest.approx((by_confidence - by_error) / full, rel=1e-12)
        assert found[f"aurg_{name}"] == pytest.approx(1 - by_confidence / full, rel=1e-12)


def test_areas_by_hand() -> None:
    # Errors .1, .2, .6: in the order of confidence (.6), .2, .1 the means of what is left are .3, .4, .6.
    depth, predicted = np.ones((1, 3)), np.array([[1.1, 1.2, 1.6]])
    everywhere = np.ones((1, 3), dtype=bool)
    found = sparsification_scores(predicted, depth, np.array([[0.1, 0.5, 0.9]]), everywhere)
    assert found["aurg_abs_rel"] == pytest.approx(1 - (0.3 + 0.4 + 0.6) / 3 / 0.3)
    assert found["ause_abs_rel"] == pytest.approx(((0.3 + 0.4 + 0.6) - (0.3 + 0.15 + 0.1)) / 3 / 0.3)
    turned = sparsification_scores(predicted, depth, np.array([[0.9, 0.5, 0.1]]), everywhere)
    assert turned["ause_abs_rel"] == pytest.approx(0, abs=1e-12) and turned["aurg_abs_rel"] > 0


def test_equal_confidence_gains_nothing_and_its_pixels_have_no_order() -> None:
    predicted, depth, _, mask = maps(1)
    flat = sparsification_scores(predicted, depth, np.full(depth.shape, 0.3), mask)
    assert flat["aurg_abs_rel"] == pytest.approx(0, abs=1e-12)
    assert flat["aurg_rmse"] == pytest.approx(0, abs=1e-12)
    two = np.where(np.arange(depth.size).reshape(depth.shape) % 3 == 0, 0.9, 0.4)
    found = sparsification_scores(predicted, depth, two, mask)
    order = np.random.default_rng(2).permutation(depth.size)
    shuffled = [one.ravel()[order].reshape(depth.shape) for one in (predicted, depth, two, mask)]
    assert sparsification_scores(*shuffled) == pytest.approx(found, rel=1e-12)


def test_any_monotone_scale_of_confidence_and_of_depth_gives_the_same() -> None:
    predicted, depth, confidence, mask = maps(3)
    found = sparsification_scores(predicted, depth, confidence, mask)
    other = sparsification_scores(predicted * 7, depth * 7, np.log(confidence) * 3 + 5, mask)
    assert other == pytest.approx(found, rel=1e-5)


def test_numbers_of_papers_are_near_ours_times_the_error() -> None:
    """Steps of 2 % and a last point at 0, as in `compute_aucs` of mattpoggi/mono-uncertainty, evaluate.py."""
    predicted, depth, confidence, _ = maps(4, (60, 80))
    error = (np.abs(predicted - depth) / depth).ravel().astype(np.float64)
    x = np.arange(51) / 50

    def of_paper(order: np.ndarray) -> float:
        limits = [np.percentile(order, 2 * step) for step in range(50)]
        curve = [error[order >= limit].mean() for limit in limits] + [0]
        return float(np.sum((np.array(curve)[1:] + np.array(curve)[:-1]) / 2 * np.diff(x)))

    by_confidence, by_error = of_paper(confidence.ravel()), of_paper(-error)
    found = sparsification_scores(predicted, depth, confidence, np.ones(depth.shape, dtype=bool))
    full = error.mean()
    assert found["ause_abs_rel"] * full == pytest.approx(by_confidence - by_error, abs=0.02 * full)
    assert found["aurg_abs_rel"] * full == pytest.approx(full - by_confidence, abs=0.02 * full)


def test_the_curve_is_the_mean_error_of_what_is_left() -> None:
    error, confidence = np.array([0.4, 0.1, 0.3, 0.2]), np.array([0.2, 0.9, 0.1, 0.9])
    removed = np.array([0, 0.25, 0.5, 0.99])
    np.testing.assert_allclose(sparsification_curve(error, confidence, removed), [0.25, 0.7 / 3, 0.15, 0.15])
    assert np.isnan(sparsification_curve(error[:0], confidence[:0], removed)).all()


def test_nothing_to_rank_is_nan_and_bad_maps_are_refused() -> None:
    predicted, depth, confidence, mask = maps(5)
    assert all(map(math.isnan, sparsification_scores(predicted, depth, confidence, mask & False).values()))
    assert all(map(math.isnan, sparsification_scores(depth, depth, confidence, mask).values()))
    with pytest.raises(ValueError, match="confidence is not finite"):
        sparsification_scores(predicted, depth, np.full(depth.shape, np.nan), mask)
    with pytest.raises(ValueError, match="same shape"):
        sparsification_scores(predicted, depth, confidence[1:], mask)
