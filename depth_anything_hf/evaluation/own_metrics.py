# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of one's own beside those of the table: functions of an aligned prediction, a label and a mask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from ..geometry.disparity import PredictionKind
from ..metrics.table import METRICS
from .confidence import KEYS as CONFIDENCE_KEYS
from .scoring import Target, aligned_depth, resize_to_label
from .settings import EvaluationSettings


# (prediction, label, valid) -> score, each (H, W) at the label's size: the prediction aligned as the protocol says and
# clamped to its range, in the unit of the label; the label as depth, metres or multiples of the nearest valid pixel's
# depth for a disparity label, NaN where unknown and +inf for sky; and which pixels count.
OwnMetric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
# Other keys of a row of results.
TAKEN = (
    *("index", "name", "valid_pixels", "pairs", "scenario", "reason"),
    *("clamped_share", "output_minimum", "output_maximum", "zero_share"),
    *CONFIDENCE_KEYS,
)


def check_own_metrics(metrics: Mapping[str, OwnMetric] | None, settings: EvaluationSettings) -> dict[str, OwnMetric]:
    """Return own metrics by name.

    Raises:
        ValueError: a name that another number of the results has, or point pairs, which have no dense label.
        TypeError: no mapping of functions.
    """
    if not metrics:
        return {}
    if not isinstance(metrics, Mapping) or not all(callable(each) for each in metrics.values()):
        raise TypeError("metrics must be a dict of functions, name -> function(prediction, label, valid) -> number")
    taken = [name for name in metrics if name in METRICS or name in TAKEN or "/" in name or not name]
    if taken:
        raise ValueError(f"metrics has the names {taken}, which other numbers of the results have; choose others")
    if settings.scores_pairs:
        raise ValueError(f"the metrics {list(metrics)} need a dense label, and the protocol scores point pairs")
    return dict(metrics)


def own_scores(
    metrics: Mapping[str, OwnMetric],
    prediction: np.ndarray,
    target: Target,
    settings: EvaluationSettings,
    prediction_kind: PredictionKind,
) -> dict[str, float]:
    """Return the own metrics of an image.

    Args:
        metrics: by name.
        prediction: (H, W), raw.
        target: the label.
        settings: the protocol.
        prediction_kind: "disparity" or "depth".

    Raises:
        ValueError: a function raises, or returns no number; the message names it.
    """
    aligned, _ = aligned_depth(resize_to_label(prediction, target, settings), target, settings, prediction_kind)
    scores = {}
    for name, function in metrics.items():
        try:
            # Copies, since a function may write into what it gets.
            score = float(function(aligned.copy(), target.depth.copy(), target.mask.copy()))
        except Exception as error:
            raise ValueError(f"the metric {name!r} failed: {type(error).__name__}: {error}") from error
        scores[name] = score if math.isfinite(score) else math.nan
    return scores


__all__ = ["OwnMetric", "check_own_metrics", "own_scores"]
