# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Does a confidence rank errors? Areas of sparsification of one image (AUSE, AURG), in float64."""

from __future__ import annotations

import numpy as np

from ..geometry.maps import check_same_shape, finite_inside, positive_inside
from .table import CONFIDENCE_METRICS


def sparsification_scores(
    prediction_depth: np.ndarray, depth: np.ndarray, confidence: np.ndarray, mask: np.ndarray
) -> dict[str, float]:
    """Compare the order of a confidence with that of the errors; p is the prediction, t the label.

    Pixels are removed, the least confident first. `E(n)` is the error of the n pixels that are left: for `abs_rel` the
    mean of `|p - t| / t`, for `rmse` the root mean square of `p - t`. The area under the curve is the mean of `E(n)`
    over n from all N pixels down to the last one, and all areas are in multiples of `E(N)`:

    - `ause = area by confidence - area by the error itself`: Ilg et al., arXiv 1802.07095, section 5. 0: the order is
      that of the errors.
    - `aurg = 1 - area by confidence`: Poggi et al., arXiv 2005.06209, section 4. 0: no better than removing pixels at
      random, below 0: worse.

    Both add up to what could be gained at best. Poggi et al. take steps of 2 %, end their curve at 0, and divide by
    nothing: their numbers are near these times `E(N)`. Pixels of one confidence have their mean error, so that their
    order has no effect; a confidence that is one number everywhere has `aurg` 0.

    Args:
        prediction_depth: (H, W), finite and positive inside the mask, in the label's unit.
        depth: (H, W) label, finite and positive inside the mask.
        confidence: (H, W), larger is better, any monotone scale; finite inside the mask.
        mask: (H, W) bool.

    Returns:
        One number for each name in `CONFIDENCE_METRICS`; NaN for an empty mask, and where there is no error to rank.

    Raises:
        ValueError: if the shapes differ, or a map has forbidden values inside the mask.
    """
    check_same_shape(prediction_depth=prediction_depth, depth=depth, confidence=confidence, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    predicted = positive_inside(prediction_depth, mask, "prediction_depth")
    true = positive_inside(depth, mask, "depth")
    ranking = finite_inside(confidence, mask, "confidence")
    error = np.abs(predicted - true)
    scores: dict[str, float] = {}
    for name, values, is_squared in (("abs_rel", error / true, False), ("rmse", error**2, True)):
        full, by_confidence, by_error = (
            _area(values, order, is_squared) for order in (np.zeros(values.size), ranking, -values)
        )
        has_error = values.size > 0 and full > 0
        scores[f"ause_{name}"] = (by_confidence - by_error) / full if has_error else float("nan")
        scores[f"aurg_{name}"] = 1.0 - by_confidence / full if has_error else float("nan")
    return {name: float(scores[name]) for name in CONFIDENCE_METRICS}


def sparsification_curve(error: np.ndarray, confidence: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Return the mean error of the pixels that are left when a share of them, the least confident ones, is removed.

    Args:
        error: (N,), not negative.
        confidence: (N,), larger is better.
        removed: (M,) shares, from 0 to less than 1; at least one pixel is left.

    Returns:
        float64 (M,); NaN without pixels.
    """
    if not error.size:
        return np.full(len(removed), np.nan)
    left = np.maximum(np.rint((1 - np.asarray(removed, dtype=np.float64)) * error.size).astype(int), 1)
    curve: np.ndarray = _errors_left(error, confidence)[left - 1]
    return curve


def _area(values: np.ndarray, confidence: np.ndarray, is_squared: bool) -> float:
    if not values.size:
        return float("nan")
    left = _errors_left(values, confidence)
    return float(np.mean(np.sqrt(left) if is_squared else left))


def _errors_left(values: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return for n = 1..N the mean of the n values of most confidence; equal confidence has its mean value."""
    order = np.argsort(-confidence, kind="stable")
    ranked, in_order = confidence[order], np.asarray(values, dtype=np.float64)[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    if starts.size < ranked.size:
        lengths = np.diff(starts, append=ranked.size)
        in_order = np.repeat(np.add.reduceat(in_order, starts) / lengths, lengths)
    means: np.ndarray = np.cumsum(in_order) / np.arange(1, in_order.size + 1)
    return means
