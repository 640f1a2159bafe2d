# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Align a prediction of unknown scale (and shift) to a label: closed-form fits in float64."""

from __future__ import annotations

import numpy as np

from .maps import check_same_shape, finite_inside


def fit_scale_and_shift(
    prediction: np.ndarray, target: np.ndarray, mask: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Fit scale and shift: the minimum of `sum(weights * (scale * prediction + shift - target)^2)`.

    This is the alignment of MiDaS (Ranftl et al., arXiv 1907.01341, equation 4). The scale is unconstrained: a
    prediction in reversed order gets a negative scale and may then fit well, which only an ordinal metric on the raw
    output reveals.

    Args:
        prediction: (H, W), any affine-invariant quantity.
        target: (H, W), the quantity to reach.
        mask: (H, W) bool, the pixels that count; both maps must be finite there.
        weights: (H, W), not negative, or None for equal weights. Pixels of weight 0 do not count.

    Returns:
        `(scale, shift)`. If the prediction is constant over the counted pixels (one pixel is always constant) the
        problem is degenerate: the scale is 0 and the shift is the weighted mean of the target. With no counted pixel
        both are NaN.

    Raises:
        ValueError: if the shapes differ, a weight is negative or not finite, or a map is not finite inside the mask.
    """
    check_same_shape(prediction=prediction, target=target, mask=mask, weights=mask if weights is None else weights)
    counted = np.asarray(mask, dtype=bool)
    if weights is not None:
        if not (np.isfinite(weights[counted]).all() and (weights[counted] >= 0).all()):
            raise ValueError(
                "weights must be finite and not negative inside the mask; give pixels that must not count weight 0."
            )
        counted = counted & (weights > 0)
    values = finite_inside(prediction, counted, "prediction")
    wanted = finite_inside(target, counted, "target")
    if values.size == 0:
        return float("nan"), float("nan")

    if weights is None:
        share = np.float64(1.0 / values.size)
        wanted_mean, mean = float(wanted.mean()), float(values.mean())
    else:
        relative = weights[counted].astype(np.float64)
        relative = relative / relative.max()
        share = relative / relative.sum()
        wanted_mean, mean = float(share @ wanted), float(share @ values)
    if values.min() == values.max():
        return 0.0, wanted_mean
    # Dividing by the largest deviation keeps the squares in range for outputs of any size.
    spread = float(np.abs(values - mean).max())
    deviation = (values - mean) / spread
    weighted = share * deviation
    scale = float(weighted @ (wanted - wanted_mean)) / float(weighted @ deviation) / spread
    return scale, wanted_mean - scale * mean


def fit_robust_scale_and_shift(
    prediction: np.ndarray, target: np.ndarray, mask: np.ndarray, *, most_pixels: int = 20_000, rounds: int = 8
) -> tuple[float, float]:
    """Fit scale and shift so that a minority of pixels which differ, as objects' borders do, has little effect.

    Huber's estimator by iteratively reweighted least squares (Huber, 1964; Holland and Welsch, 1977): a pixel whose
    residual is larger than `k = 1.345 * 1.4826 * median residual` has the weight `k / residual`, all others 1.

    Args:
        prediction: (H, W), any affine-invariant quantity.
        target: (H, W), the quantity to reach.
        mask: (H, W) bool, the pixels that count; both maps must be finite there.
        most_pixels: of more of them, every n-th is taken.
        rounds: of weights and fits; it ends before where the fit stands still.

    Returns:
        `(scale, shift)` as from `fit_scale_and_shift`.

    Raises:
        ValueError: as `fit_scale_and_shift`.
    """
    check_same_shape(prediction=prediction, target=target, mask=mask)
    counted = np.asarray(mask, dtype=bool)
    step = max(1, -(-int(counted.sum()) // most_pixels))
    values = finite_inside(prediction, counted, "prediction")[::step]
    wanted = finite_inside(target, counted, "target")[::step]
    everywhere, weights = np.ones(values.shape, dtype=bool), np.ones(values.shape)
    fit = fit_scale_and_shift(values, wanted, everywhere)
    for _ in range(rounds if values.size else 0):
        residuals = np.abs(fit[0] * values + fit[1] - wanted)
        threshold = 1.345 * 1.4826 * float(np.median(residuals))
        # At least half of the pixels are fitted exactly.
        if threshold == 0:
            break
        np.divide(threshold, residuals, out=weights, where=residuals > threshold)
        weights[residuals <= threshold] = 1.0
        before, fit = fit, fit_scale_and_shift(values, wanted, everywhere, weights)
        if np.allclose(before, fit, rtol=1e-6, atol=0):
            break
    return fit


def align_disparity(
    prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, min_depth: float, max_depth: float
) -> tuple[np.ndarray, float]:
    """Convert an affine-invariant disparity to depth with the scale and shift that fit this image's label best.

    The protocol of MiDaS: least squares against `1 / depth`, the aligned disparity clamped to
    `[1 / max_depth, 1 / min_depth]`, then inverted. The lower clamp decides the score of a pixel whose aligned
    disparity is near or below zero: the metrics that follow must be read together with the returned share.

    Args:
        prediction: (H, W) disparity, larger = nearer, finite inside the mask.
        depth: (H, W) label, finite and positive inside the mask. Sky (`+inf`) is not part of the mask.
        mask: (H, W) bool, the pixels to fit.
        min_depth: smallest depth of the result, in the label's unit.
        max_depth: largest depth of the result, in the label's unit.

    Returns:
        `(aligned_depth, clamped_share)`: (H, W) float64 in the label's unit, for all pixels (NaN where the prediction
        is NaN or the mask is empty), and the share of the mask's pixels whose aligned disparity lay outside the range
        (NaN for an empty mask). See `fit_scale_and_shift` for a constant prediction.

    Raises:
        ValueError: if the shapes differ, the range is not `0 < min_depth < max_depth < inf`, the label is not finite
            and positive inside the mask, or the prediction is not finite there.
    """
    mask, valid_depth = _valid_depth(prediction, depth, mask, min_depth, max_depth)
    disparity = np.zeros(depth.shape, dtype=np.float64)
    disparity[mask] = 1.0 / valid_depth
    scale, shift = fit_scale_and_shift(prediction, disparity, mask)
    aligned = scale * prediction.astype(np.float64) + shift
    clamped, clamped_share = _clamp(aligned, mask, 1.0 / max_depth, 1.0 / min_depth)
    return 1.0 / clamped, clamped_share


def align_depth(
    prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, min_depth: float, max_depth: float
) -> tuple[np.ndarray, float]:
    """Fit an affine-invariant depth to this image's label with a scale and a shift in depth.

    The protocol of Marigold (Ke et al., arXiv 2312.02145): least squares against the depth itself, then clamped to
    `[min_depth, max_depth]`. Far pixels weigh more than in `align_disparity`, so the two give different scores for the
    same prediction, outdoors by more than a factor of two.

    Args:
        prediction: (H, W) depth up to scale and shift, larger = farther, finite inside the mask.
        depth: (H, W) label, finite and positive inside the mask.
        mask: (H, W) bool, the pixels to fit.
        min_depth: smallest depth of the result, in the label's unit.
        max_depth: largest depth of the result, in the label's unit.

    Returns:
        `(aligned_depth, clamped_share)` as from `align_disparity`. A constant prediction becomes the label's mean.

    Raises:
        ValueError: as `align_disparity`.
    """
    mask, _ = _valid_depth(prediction, depth, mask, min_depth, max_depth)
    scale, shift = fit_scale_and_shift(prediction, depth, mask)
    return _clamp(scale * prediction.astype(np.float64) + shift, mask, min_depth, max_depth)


def align_median(
    prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, min_depth: float, max_depth: float
) -> tuple[np.ndarray, float]:
    """Scale a depth of unknown unit by the ratio of the medians, `median(depth) / median(prediction)`.

    The protocol of self-supervised depth (Zhou et al., SfMLearner, arXiv 1704.07813): no shift, and robust against
    outliers. The result is clamped to `[min_depth, max_depth]`.

    Args:
        prediction: (H, W) depth up to scale, finite inside the mask, its median there positive.
        depth: (H, W) label, finite and positive inside the mask.
        mask: (H, W) bool, the pixels whose medians are compared.
        min_depth: smallest depth of the result, in the label's unit.
        max_depth: largest depth of the result, in the label's unit.

    Returns:
        `(aligned_depth, clamped_share)` as from `align_disparity`.

    Raises:
        ValueError: as `align_disparity`, and if the prediction's median inside the mask is not positive.
    """
    mask, valid_depth = _valid_depth(prediction, depth, mask, min_depth, max_depth)
    predicted = finite_inside(prediction, mask, "prediction")
    if predicted.size == 0:
        return np.full(depth.shape, np.nan), float("nan")
    median = float(np.median(predicted))
    if median <= 0:
        raise ValueError(
            f"median scaling needs a positive median of the predicted depth inside the mask, got {median}."
        )
    scale = float(np.median(valid_depth)) / median
    return _clamp(scale * prediction.astype(np.float64), mask, min_depth, max_depth)


def _valid_depth(
    prediction: np.ndarray, depth: np.ndarray, mask: np.ndarray, min_depth: float, max_depth: float
) -> tuple[np.ndarray, np.ndarray]:
    check_same_shape(prediction=prediction, depth=depth, mask=mask)
    if not 0 < min_depth < max_depth < float("inf"):
        raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {min_depth} and {max_depth}.")
    mask = np.asarray(mask, dtype=bool)
    valid_depth = finite_inside(depth, mask, "depth")
    if (valid_depth <= 0).any():
        raise ValueError("depth must be positive inside the mask; take pixels without depth out of the mask.")
    return mask, valid_depth


def _clamp(aligned: np.ndarray, mask: np.ndarray, smallest: float, largest: float) -> tuple[np.ndarray, float]:
    inside = aligned[mask]
    share = float(((inside < smallest) | (inside > largest)).mean()) if inside.size else float("nan")
    return np.clip(aligned, smallest, largest), share
