# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scale and shift from one noisy map to another, against outliers; no fit where the pixels cannot tell one."""

from __future__ import annotations

import numpy as np


FEWEST_PIXELS = 100
# The middle 80 % of the values must be spread over this share of what the whole map is spread over.
LEAST_SPREAD = 0.03
LEAST_CORRELATION = 0.5
# Beyond these a fit is an accident.
LARGEST_SCALE = 50.0
PAIRS = 512
ROUNDS = 5
# Of Tukey's biweight, in standard deviations: 95 % efficiency for a normal distribution.
TUKEY = 4.685
# A median absolute deviation of a normal distribution, times this, is its standard deviation.
MAD_TO_DEVIATION = 1.4826


def fit_robustly(values: np.ndarray, target: np.ndarray, *, whole_spread: float) -> tuple[float, float] | None:
    """Fit `target = scale * values + shift` where both are equally noisy and some pairs are wrong.

    The start is the median of the slopes of random pairs (Theil, 1950; Sen, 1968), always the same pairs, which up to
    29 % of wrong pixels cannot carry away. Then the scale is the ratio of the standard deviations (reduced major
    axis), weighted anew in each round by Tukey's biweight of the residuals. Least squares would give smaller
    residuals, but its scale is too small by the share of noise in `values`: a chain of such fits shrinks a clip to
    its mean.

    Args:
        values: (N,) finite.
        target: (N,) finite, with as much noise for its scale: no mean of several.
        whole_spread: between the 10th and the 90th percentile of the whole map that `values` are of.

    Returns:
        (scale, shift), or None: too few pixels, values too much alike, a scale that is not positive or beyond reason,
        or no relation between the two.
    """
    if values.size < FEWEST_PIXELS:
        return None
    values, target = values.astype(np.float64), target.astype(np.float64)
    low, high = np.percentile(values, [10, 90])
    if high - low <= LEAST_SPREAD * whole_spread or high - low <= 1e-6 * max(abs(low), abs(high)):
        return None
    # Pairs that differ by much of what the middle half is spread over: a near object must not be in every pair.
    lower, upper = np.percentile(values, [25, 75])
    scale = _median_slope(values, target, max(0.5 * (upper - lower), 0.05 * (high - low)))
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        return None
    shift = float(np.median(target - scale * values))
    for _ in range(ROUNDS):
        residual = target - scale * values - shift
        deviation = MAD_TO_DEVIATION * float(np.median(np.abs(residual)))
        if deviation <= 1e-9 * scale * (high - low):
            # All but a few lie on the line.
            return scale, shift
        weights = np.square(np.maximum(0.0, 1 - np.square(residual / (TUKEY * deviation))))
        share = weights / weights.sum()
        mean, target_mean = float(share @ values), float(share @ target)
        variance, target_variance = float(share @ (values - mean) ** 2), float(share @ (target - target_mean) ** 2)
        covariance = float(share @ ((values - mean) * (target - target_mean)))
        if not covariance > LEAST_CORRELATION * float(np.sqrt(variance * target_variance)):
            return None
        scale = float(np.sqrt(target_variance / variance))
        shift = target_mean - scale * mean
    return (scale, shift) if 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE else None


def _median_slope(values: np.ndarray, target: np.ndarray, least_difference: float) -> float:
    first, second = np.random.default_rng(0).integers(0, values.size, size=(2, PAIRS))
    across = values[first] - values[second]
    counted = np.abs(across) > least_difference
    if counted.sum() < PAIRS // 16:
        return float("nan")
    return float(np.median((target[first] - target[second])[counted] / across[counted]))
