# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""All metrics in one table: name, direction, description, what must be known; and the alignments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args


# How a prediction is brought to the label's unit before depth metrics; see `depth.align_prediction`.
Alignment = Literal["disparity", "depth", "median", "none"]
ALIGNMENTS: tuple[Alignment, ...] = get_args(Alignment)


@dataclass(frozen=True)
class Metric:
    """A row of the table of metrics.

    Attributes:
        name: key in every result.
        higher_is_better: direction.
        description: one line; p is the prediction, t the label.
        needs: what must be known: "depth" (depth up to scale, both maps in one unit), "metric_depth" (depth in
            metres), "order" (which of two pixels is nearer, by how much of a ratio), "reference" (a second
            prediction), "boundaries" (a dense label whose contours are sharp), "edges" (the exact depth edges),
            "pairs" (annotated points, which of two is nearer), "confidence" (a confidence of each pixel).
    """

    name: str
    higher_is_better: bool
    description: str
    needs: str


_CONF = "confidence"

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
        Metric("ause_abs_rel", False, "how far the order of confidence is from that of |p - t| / t, 0: equal", _CONF),
        Metric("aurg_abs_rel", True, "what confidence gains in |p - t| / t over chance, 0: nothing", _CONF),
        Metric("ause_rmse", False, "how far the order of confidence is from that of |p - t|, 0: equal", _CONF),
        Metric("aurg_rmse", True, "what confidence gains in the root mean square of p - t over chance", _CONF),
    )
}


DEPTH_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs in ("depth", "metric_depth"))
CONFIDENCE_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs == _CONF)
