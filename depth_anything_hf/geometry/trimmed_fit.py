# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scale and shift by least trimmed squares: the pixels that fit worst, up to three tenths of them, have no say."""

from __future__ import annotations

import math

import numpy as np

from .alignment import fit_robust_scale_and_shift, fit_scale_and_shift
from .maps import check_same_shape, finite_inside


KEPT_SHARE = 0.7
MOST_PIXELS = 10_000
# Starts are tried on so many pixels, and the best ones go on with all.
PIXELS_OF_STARTS = 2_000
RANDOM_STARTS = 30
BEST_STARTS = 2
STEPS_OF_STARTS = 2
MOST_STEPS = 20
# Of the last step, in robust standard deviations of the residuals: 99 % of a normal distribution lie within.
LARGEST_DEVIATION = 2.5
MEDIAN_TO_DEVIATION = 1.4826


def fit_trimmed_scale_and_shift(
    prediction: np.ndarray,
    target: np.ndarray,
    mask: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    kept_share: float = KEPT_SHARE,
    most_pixels: int = MOST_PIXELS,
) -> tuple[float, float]:
    """Fit scale and shift to the share of pixels that one line fits best: least trimmed squares (Rousseeuw, 1984).

    With residuals `r = scale * prediction + shift - target`, the sum of the smallest `kept_share` of all
    `weights * r^2` is least. It is sought by concentration steps (FAST-LTS, Rousseeuw and Van Driessen, 2006), which
    fit the pixels that the last fit was best on: from the fit of `fit_robust_scale_and_shift`, and from 30 lines
    through two pixels each, always the same ones, as outliers may carry that away. At the end all pixels are fitted by
    least squares whose `sqrt(weights) * |r|` is at most 2.5 robust standard deviations, 1.4826 times the median.

    Args:
        prediction: (H, W), any affine-invariant quantity.
        target: (H, W), the quantity to reach.
        mask: (H, W) bool, the pixels that count; both maps must be finite there.
        weights: (H, W), positive inside the mask, or None for equal weights.
        kept_share: of the pixels, 0.5 to 1; up to the rest of them may be wrong by any amount.
        most_pixels: of more of them, every n-th is taken.

    Returns:
        `(scale, shift)` as from `fit_scale_and_shift`: scale 0 for a constant prediction, NaN without pixels. The
        scale may be negative.

    Raises:
        ValueError: as `fit_scale_and_shift`, or a `kept_share` out of range.
    """
    if not 0.5 <= kept_share <= 1:
        raise ValueError(f"kept_share must be from 0.5 to 1, got {kept_share}")
    check_same_shape(prediction=prediction, target=target, mask=mask, weights=mask if weights is None else weights)
    counted = np.asarray(mask, dtype=bool)
    step = max(1, -(-int(counted.sum()) // most_pixels))
    values = finite_inside(prediction, counted, "prediction")[::step]
    wanted = finite_inside(target, counted, "target")[::step]
    shares = np.ones(values.shape) if weights is None else weights[counted][::step].astype(np.float64)
    if values.size == 0 or values.min() == values.max():
        return fit_scale_and_shift(values, wanted, np.ones(values.shape, dtype=bool), shares)
    points = np.stack([values, wanted, shares])
    few = points[:, :: max(1, -(-values.size // PIXELS_OF_STARTS))]
    starts = [_concentrate(few, start, kept_share, STEPS_OF_STARTS) for start in _starts(few)]
    best = sorted(starts, key=lambda start: _trimmed_sum(few, start, kept_share))[:BEST_STARTS]
    fits = [_concentrate(points, start, kept_share, MOST_STEPS) for start in best]
    fit = min(fits, key=lambda each: _trimmed_sum(points, each, kept_share))
    errors = np.sqrt(_weighted_squares(points, fit))
    deviation = MEDIAN_TO_DEVIATION * float(np.median(errors))
    # At least half of the pixels are fitted exactly.
    return fit if deviation == 0 else _least_squares(points[:, errors <= LARGEST_DEVIATION * deviation], fit)


def _starts(points: np.ndarray) -> list[tuple[float, float]]:
    values, wanted = points[:2]
    starts = [fit_robust_scale_and_shift(values, wanted, np.ones(values.shape, dtype=bool))]
    for first, second in np.random.default_rng(0).integers(0, values.size, size=(RANDOM_STARTS, 2)):
        across = values[second] - values[first]
        if across != 0:
            scale = float((wanted[second] - wanted[first]) / across)
            starts.append((scale, float(wanted[first] - scale * values[first])))
    return starts


def _concentrate(points: np.ndarray, fit: tuple[float, float], kept_share: float, steps: int) -> tuple[float, float]:
    kept = math.ceil(kept_share * points.shape[1])
    for _ in range(steps):
        before, squares = fit, _weighted_squares(points, fit)
        fit = _least_squares(points[:, np.argpartition(squares, kept - 1)[:kept]], fit)
        if np.allclose(before, fit, rtol=1e-7, atol=0):
            break
    return fit


def _least_squares(points: np.ndarray, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Return the fit of pixels; `otherwise` where all have one value, which tells no scale."""
    values, wanted, shares = points
    if values.min() == values.max():
        return otherwise
    return fit_scale_and_shift(values, wanted, np.ones(values.shape, dtype=bool), shares)


def _trimmed_sum(points: np.ndarray, fit: tuple[float, float], kept_share: float) -> float:
    kept = math.ceil(kept_share * points.shape[1])
    return float(np.partition(_weighted_squares(points, fit), kept - 1)[:kept].sum())


def _weighted_squares(points: np.ndarray, fit: tuple[float, float]) -> np.ndarray:
    values, wanted, shares = points
    squares: np.ndarray = shares * np.square(fit[0] * values + fit[1] - wanted)
    return squares
