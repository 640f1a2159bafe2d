# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth errors of one image in float64, and the alignment of a prediction before they are computed."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np

from ..geometry.alignment import align_depth, align_disparity, align_median
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..geometry.maps import check_same_shape, positive_inside
from .table import ALIGNMENTS, DEPTH_METRICS, Alignment


def depth_metrics(prediction_depth: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Compute the errors of a depth map; p is the prediction, t the label, means are over the pixels of the mask.

    - `abs_rel = mean(|p - t| / t)`, `sq_rel = mean((p - t)^2 / t)`, `rmse = sqrt(mean((p - t)^2))`,
      `rmse_log = sqrt(mean((ln p - ln t)^2))`, `delta_k = mean(max(p / t, t / p) < 1.25^k)`: Eigen et al., arXiv
      1406.2283, section 4. The threshold is strict. KITTI's server divides by t^2 in its squared relative error; this
      is Eigen's form.
    - `log10 = mean(|log10 p - log10 t|)`: Saxena et al., Make3D, 2009.
    - `silog = 100 * sqrt(mean(e^2) - mean(e)^2)` with `e = ln p - ln t`: the KITTI depth benchmark. It does not see a
      wrong scale, unlike the SILog loss.

    Args:
        prediction_depth: (H, W), finite and positive inside the mask, in the label's unit.
        depth: (H, W) label, finite and positive inside the mask.
        mask: (H, W) bool.

    Returns:
        One number for each name in `DEPTH_METRICS`; all NaN for an empty mask.

    Raises:
        ValueError: if the shapes differ or one of the maps is not finite and positive inside the mask.
    """
    check_same_shape(prediction_depth=prediction_depth, depth=depth, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    predicted = positive_inside(prediction_depth, mask, "prediction_depth")
    true = positive_inside(depth, mask, "depth")
    if true.size == 0:
        return {name: float("nan") for name in DEPTH_METRICS}
    error = predicted - true
    log_error = np.log(predicted) - np.log(true)
    ratio = np.maximum(predicted / true, true / predicted)
    results = {
        "abs_rel": np.mean(np.abs(error) / true),
        "sq_rel": np.mean(error**2 / true),
        "rmse": np.sqrt(np.mean(error**2)),
        "rmse_log": np.sqrt(np.mean(log_error**2)),
        "log10": np.mean(np.abs(log_error)) / math.log(10.0),
        # np.std subtracts the mean before it squares, so a large common factor costs no digits.
        "silog": 100.0 * np.std(log_error),
        "delta1": np.mean(ratio < 1.25),
        "delta2": np.mean(ratio < 1.25**2),
        "delta3": np.mean(ratio < 1.25**3),
    }
    return {name: float(results[name]) for name in DEPTH_METRICS}


def check_alignment(alignment: Alignment, prediction_kind: PredictionKind) -> None:
    """Raise ValueError unless a prediction of this kind can be aligned in this way.

    A disparity of unknown scale and shift becomes depth only through the fit in disparity; a depth prediction goes
    with every alignment.

    Args:
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" or "depth".
    """
    if prediction_kind not in get_args(PredictionKind):
        raise ValueError(f"prediction_kind must be one of {list(get_args(PredictionKind))}, got {prediction_kind!r}.")
    if alignment not in ALIGNMENTS:
        raise ValueError(f"alignment must be one of {list(ALIGNMENTS)}, got {alignment!r}.")
    if prediction_kind == "disparity" and alignment != "disparity":
        raise ValueError(
            f"a prediction in disparity has unknown scale and shift and cannot be compared with metres by "
            f"alignment={alignment!r}; use alignment='disparity'."
        )


def prediction_fault(
    prediction: np.ndarray, mask: np.ndarray, alignment: Alignment, prediction_kind: PredictionKind
) -> str:
    """Say why a prediction cannot be aligned and scored; "" if it can.

    Args:
        prediction: (H, W) raw output.
        mask: (H, W) bool, the valid label pixels.
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" or "depth".

    Returns:
        One clause for the list of skipped images: the prediction is not finite inside the mask; it is a depth that
        must be inverted and is not positive there; or its median must be scaled and is not positive.
    """
    inside = prediction[mask]
    broken = int((~np.isfinite(inside)).sum())
    if broken:
        return f"the prediction is not finite at {broken} of {inside.size} valid pixels"
    if prediction_kind == "depth" and alignment == "disparity" and (inside <= 0).any():
        return f"the predicted depth is not positive at {int((inside <= 0).sum())} of {inside.size} valid pixels"
    if alignment == "median" and inside.size and np.median(inside) <= 0:
        return f"the predicted depth has the median {np.median(inside)} over the valid pixels, expected a positive one"
    return ""


def align_prediction(
    prediction: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    alignment: Alignment,
    prediction_kind: PredictionKind,
    min_depth: float,
    max_depth: float,
) -> tuple[np.ndarray, float]:
    """Align a prediction to its label and clamp it to the range: what every depth metric compares.

    "disparity", "depth" and "median" are `align_disparity` (a depth prediction is inverted first), `align_depth` and
    `align_median` of `geometry.alignment`; "none" only clamps.

    Args:
        prediction: (H, W) raw output at the label's size, finite inside the mask.
        depth: (H, W) label, finite and positive inside the mask.
        mask: (H, W) bool.
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" (larger = nearer, any scale and shift) or "depth".
        min_depth: smallest depth of the result, in the label's unit.
        max_depth: largest depth of the result, in the label's unit.

    Returns:
        `(aligned_depth, clamped_share)`: (H, W) float64 in the label's unit, and the share of the mask's pixels that
        lay outside the range (NaN for an empty mask).

    Raises:
        ValueError: if the alignment does not fit the prediction, the shapes differ, the range is not `0 < min_depth <
            max_depth < inf`, or a map has forbidden values inside the mask (see `prediction_fault`).
    """
    check_alignment(alignment, prediction_kind)
    check_same_shape(prediction=prediction, depth=depth, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    fault = prediction_fault(prediction, mask, alignment, prediction_kind)
    if fault:
        raise ValueError(f"{fault}.")
    values = np.asarray(prediction, dtype=np.float64)
    if alignment == "median":
        return align_median(values, depth, mask, min_depth, max_depth)
    if alignment == "depth":
        return align_depth(values, depth, mask, min_depth, max_depth)
    if alignment == "disparity":
        disparity = values if prediction_kind == "disparity" else depth_to_disparity(values)
        return align_disparity(disparity, depth, mask, min_depth, max_depth)
    if not 0 < min_depth < max_depth < float("inf"):
        raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {min_depth} and {max_depth}.")
    inside = values[mask]
    clamped_share = float(((inside < min_depth) | (inside > max_depth)).mean()) if inside.size else float("nan")
    return np.clip(values, min_depth, max_depth), clamped_share


def aligned_depth_metrics(
    prediction: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    alignment: Alignment,
    prediction_kind: PredictionKind,
    min_depth: float,
    max_depth: float,
) -> dict[str, float]:
    """Compute `depth_metrics` of the prediction that `align_prediction` returns.

    Args:
        prediction: as `align_prediction`, like all that follow.
        depth: (H, W) label.
        mask: (H, W) bool.
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" or "depth".
        min_depth: smallest predicted depth, in the label's unit.
        max_depth: largest predicted depth, in the label's unit.

    Returns:
        One number for each name in `DEPTH_METRICS`, and `clamped_share`; all NaN for an empty mask.

    Raises:
        ValueError: as `align_prediction`.
    """
    aligned, clamped_share = align_prediction(
        prediction, depth, mask, alignment, prediction_kind, min_depth, max_depth
    )
    return {**depth_metrics(aligned, depth, mask), "clamped_share": clamped_share}
