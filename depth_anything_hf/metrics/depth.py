# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of one image in float64: depth errors, order of pixels, agreement of two predictions; and their table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..geometry.alignment import (
    align_depth,
    align_disparity,
    align_median,
    check_same_shape,
    finite_inside,
    values_at_pixels,
)
from ..geometry.disparity import PredictionKind, depth_to_disparity


Alignment = Literal["disparity", "depth", "median", "none"]
ALIGNMENTS: tuple[str, ...] = get_args(Alignment)


@dataclass(frozen=True)
class Metric:
    """What a metric's name stands for.

    Attributes:
        name: key in every result.
        higher_is_better: direction.
        description: one line.
        needs: what must be known: "depth" (depth up to scale, both maps in one unit), "metric_depth" (depth in
            metres), "order" (which of two pixels is nearer, by how much of a ratio), "reference" (a second
            prediction), "boundaries" (a dense label whose contours are sharp), "edges" (the exact depth edges),
            "pairs" (annotated points, which of two is nearer).
    """

    name: str
    higher_is_better: bool
    description: str
    needs: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("delta1", True, "share of pixels with max(p/t, t/p) < 1.25", "depth"),
        Metric("ordinal_accuracy", True, "share of pixel pairs ordered right by the raw output", "order"),
        Metric("abs_rel", False, "mean of |p - t| / t", "depth"),
        Metric("delta2", True, "share of pixels with max(p/t, t/p) < 1.25^2", "depth"),
        Metric("delta3", True, "share of pixels with max(p/t, t/p) < 1.25^3", "depth"),
        Metric("rmse_log", False, "root mean square of ln p - ln t", "depth"),
        Metric("log10", False, "mean of |log10 p - log10 t|", "depth"),
        Metric("silog", False, "100 x standard deviation of ln p - ln t", "depth"),
        Metric("rmse", False, "root mean square of p - t, metres", "metric_depth"),
        Metric("sq_rel", False, "mean of (p - t)^2 / t, metres", "metric_depth"),
        Metric("pairwise_agreement", True, "share of pixel pairs ordered as in the reference prediction", "reference"),
        Metric("boundary_f1", True, "F1 of contours by the ratio of neighbours' depths, Depth Pro's", "boundaries"),
        Metric("edge_accuracy_error", False, "mean distance of a predicted edge to the true ones, pixels", "edges"),
        Metric("edge_completeness_error", False, "mean distance between both sets of edges, pixels", "edges"),
        Metric("pair_accuracy", True, "share of annotated point pairs that are ordered right", "pairs"),
    )
}

DEPTH_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs in ("depth", "metric_depth"))


def depth_metrics(prediction_depth: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of a depth map, with p the prediction and t the label at the n pixels of the mask.

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


def check_alignment(alignment: str, prediction_kind: str) -> None:
    """Raise ValueError unless a prediction of this kind can be aligned in this way.

    A disparity of unknown scale and shift becomes depth only through the fit in disparity; a depth prediction goes
    with every alignment.

    Args:
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" or "depth".
    """
    if prediction_kind not in get_args(PredictionKind):
        raise ValueError(f"prediction_kind must be 'disparity' or 'depth', got {prediction_kind!r}.")
    if alignment not in ALIGNMENTS:
        raise ValueError(f"alignment must be one of {list(ALIGNMENTS)}, got {alignment!r}.")
    if prediction_kind == "disparity" and alignment != "disparity":
        raise ValueError(
            f"a disparity of unknown scale and shift cannot be compared with metres by alignment={alignment!r}; "
            "use alignment='disparity'."
        )


def prediction_fault(prediction: np.ndarray, mask: np.ndarray, alignment: Alignment, prediction_kind: str) -> str:
    """Why this prediction cannot be aligned and scored, or "" if it can.

    Args:
        prediction: (H, W) raw output.
        mask: (H, W) bool, the valid label pixels.
        alignment: one of `ALIGNMENTS`.
        prediction_kind: "disparity" or "depth".

    Returns:
        One clause with the numbers, for the list of skipped images: the prediction is not finite inside the mask; it
        is a depth to be inverted and not positive there; its median is to be scaled and not positive.
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
    """Bring a prediction to the label's unit, clamped to the range: what every depth metric compares.

    "disparity", "depth" and "median" are `align_disparity` (a depth prediction is inverted first), `align_depth` and
    `align_median` of `alignment`; "none" only clamps.

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
    """`align_prediction`, then `depth_metrics`.

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


def ordinal_accuracy(
    prediction_disparity: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    pairs: int = 5000,
    min_ratio: float = 1.1,
    seed: int = 0,
) -> float:
    """Share of random pixel pairs that the raw output, without any alignment, puts in the right order.

    `pairs` pairs are drawn with replacement from the mask; those whose depths differ by more than `min_ratio` count. A
    pair is right if the nearer pixel has the larger value, and half right if the values are equal, so that a constant
    map scores 0.5. It is one minus the error rate of relative depth (Chen et al., arXiv 1604.03901) on clearly ordered
    pairs, and unlike the aligned metrics it cannot be ruined by one pixel.

    Args:
        prediction_disparity: (H, W), larger = nearer, finite inside the mask. For a depth prediction pass its
            negative.
        depth: (H, W) label, positive inside the mask; `+inf` (sky) is farther than any finite depth.
        mask: (H, W) bool.
        pairs: number of pairs drawn.
        min_ratio: depth ratio that a pair must exceed, >= 1.
        seed: of the generator that draws the pairs; the same seed and mask give the same pairs.

    Returns:
        A number in [0, 1]; NaN if no drawn pair qualifies (also for an empty mask).

    Raises:
        ValueError: if the shapes differ, the label is not positive or the prediction not finite inside the mask, or
            `min_ratio` is less than 1.
    """
    check_same_shape(prediction_disparity=prediction_disparity, depth=depth, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    values = finite_inside(prediction_disparity, mask, "prediction_disparity")
    true = depth_inside(depth, mask)
    first, second = _random_pairs(values.size, pairs, seed)
    clear = _ratio_exceeds(true[first], true[second], min_ratio)
    return _order_agreement(values[first] - values[second], true[second] > true[first], clear)


def pairwise_agreement(
    first: np.ndarray,
    second: np.ndarray,
    pairs: int = 5000,
    seed: int = 0,
    *,
    mask: np.ndarray | None = None,
    depth: np.ndarray | None = None,
    min_ratio: float = 1.1,
    min_difference: float = 0.05,
) -> float:
    """Share of random pixel pairs that two predictions put in the same order, such as a student and its teacher.

    Only pairs with a clear order count: with `depth`, those whose depth ratio exceeds `min_ratio`; without it, those
    whose values in the second map differ by more than `min_difference` of that map's range in the mask. A pair that
    one map ties and the other orders counts half; a pair that both tie counts as agreed.

    Args:
        first: (H, W), the judged disparity, finite inside the mask.
        second: (H, W), the reference disparity, finite inside the mask.
        pairs: number of pairs drawn with replacement.
        seed: of the generator that draws the pairs.
        mask: (H, W) bool; None takes all pixels, or with `depth` all pixels that have one.
        depth: (H, W) label that says which pairs are clear, positive inside the mask, or None.
        min_ratio: depth ratio that a pair must exceed, >= 1; used with `depth`.
        min_difference: share of the reference's range that a pair must exceed, >= 0; used without `depth`.

    Returns:
        A number in [0, 1]; NaN if no drawn pair qualifies.

    Raises:
        ValueError: if the shapes differ, a map is not finite or the label not positive inside the mask, or a threshold
            is out of range.
    """
    if mask is None:
        mask = np.ones(second.shape, dtype=bool) if depth is None else depth > 0
    check_same_shape(first=first, second=second, mask=mask, depth=mask if depth is None else depth)
    mask = np.asarray(mask, dtype=bool)
    judged = finite_inside(first, mask, "first")
    reference = finite_inside(second, mask, "second")
    left, right = _random_pairs(judged.size, pairs, seed)
    reference_difference = reference[left] - reference[right]
    if depth is not None:
        true = depth_inside(depth, mask)
        clear = _ratio_exceeds(true[left], true[right], min_ratio)
    elif min_difference < 0:
        raise ValueError(f"min_difference must not be negative, got {min_difference}.")
    else:
        spread = np.ptp(reference) if reference.size else 0.0
        clear = np.abs(reference_difference) > min_difference * spread
    if not clear.any():
        return float("nan")
    signs_apart = np.abs(np.sign(judged[left] - judged[right]) - np.sign(reference_difference))
    return float(1.0 - signs_apart[clear].mean() / 2.0)


def point_pairs_correct(prediction_disparity: np.ndarray, nearer: np.ndarray, farther: np.ndarray) -> np.ndarray:
    """Which annotated pairs a prediction orders right: strictly larger at the nearer point (DA-2K, arXiv 2406.09414).

    The accuracy of a dataset is the mean over all its pairs, not over images. A tie is wrong.

    Args:
        prediction_disparity: (H, W) at the annotation's size, larger = nearer. For a depth prediction pass its
            negative.
        nearer: (N, 2) whole numbers, [row, column] of the point annotated as nearer.
        farther: (N, 2), of the other one.

    Returns:
        (N,) bool.

    Raises:
        ValueError: if the points do not pair up, lie outside the map (the point is named) or on a pixel where the
            prediction is NaN.
    """
    values_nearer = values_at_pixels(prediction_disparity, nearer, "nearer")
    values_farther = values_at_pixels(prediction_disparity, farther, "farther")
    if values_nearer.shape != values_farther.shape:
        raise ValueError(f"expected one farther point per nearer point, got {len(farther)} for {len(nearer)}.")
    if np.isnan(values_nearer).any() or np.isnan(values_farther).any():
        raise ValueError("the prediction is NaN at an annotated point; predict the whole image.")
    return values_nearer > values_farther


def _order_agreement(difference: np.ndarray, first_is_nearer: np.ndarray, clear: np.ndarray) -> float:
    if not clear.any():
        return float("nan")
    wanted = np.where(first_is_nearer, 1.0, -1.0)
    return float(0.5 + 0.5 * (np.sign(difference) * wanted)[clear].mean())


def _random_pairs(count: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if count == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    drawn = np.random.default_rng(seed).integers(0, count, size=(2, pairs))
    return drawn[0], drawn[1]


def _ratio_exceeds(first: np.ndarray, second: np.ndarray, min_ratio: float) -> np.ndarray:
    if min_ratio < 1:
        raise ValueError(f"min_ratio must be at least 1, got {min_ratio}.")
    # A product and not a quotient: two sky pixels give inf > inf, which is false, where inf / inf would be NaN.
    return np.maximum(first, second) > min_ratio * np.minimum(first, second)


def depth_inside(depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    inside = depth[mask]
    if not (inside > 0).all():
        raise ValueError("depth must be positive inside the mask; leave NaN and zero pixels out of the mask.")
    return inside.astype(np.float64)


def positive_inside(values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    inside = finite_inside(values, mask, name)
    if (inside <= 0).any():
        raise ValueError(f"{name} must be positive inside the mask, its smallest value there is {inside.min()}.")
    return inside
