# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth metrics: pure functions on NumPy arrays in float64 that return one number per image.

- `table`: every metric's name, direction, description and what it needs; the alignments
- `depth`: alignment of a prediction to its label, then errors of depth (AbsRel, RMSE, delta, ...)
- `ordinal`: order of pixel pairs: against a label, against another prediction, at annotated points
- `boundaries`: sharpness: boundary F1 (Depth Pro), depth boundary errors (iBims-1)
- `sparsification`: does a confidence rank the errors: AUSE, AURG
- `flicker`: steadiness of a clip: flicker without truth, consistency along the true motion
- `hf_evaluate`: the depth metrics as a metric of the Hugging Face library `evaluate`

A new metric is a function in one of these files and a line in `table`; `evaluation.scoring` calls it.

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .boundaries import boundary_f1, canny_edges, depth_boundary_errors, depth_edges
    from .depth import align_prediction, aligned_depth_metrics, check_alignment, depth_metrics, prediction_fault
    from .flicker import change_along_motion, change_on_matched_pixels, flicker_score, warped_consistency_error
    from .hf_evaluate import DepthMetric
    from .ordinal import ordinal_accuracy, pairwise_agreement, point_pairs_correct
    from .sparsification import sparsification_curve, sparsification_scores
    from .table import ALIGNMENTS, CONFIDENCE_METRICS, DEPTH_METRICS, METRICS, Alignment, Metric

_MODULES = {
    "ALIGNMENTS": "table",
    "Alignment": "table",
    "CONFIDENCE_METRICS": "table",
    "DEPTH_METRICS": "table",
    "DepthMetric": "hf_evaluate",
    "METRICS": "table",
    "Metric": "table",
    "align_prediction": "depth",
    "aligned_depth_metrics": "depth",
    "boundary_f1": "boundaries",
    "canny_edges": "boundaries",
    "change_along_motion": "flicker",
    "change_on_matched_pixels": "flicker",
    "check_alignment": "depth",
    "depth_boundary_errors": "boundaries",
    "depth_edges": "boundaries",
    "depth_metrics": "depth",
    "flicker_score": "flicker",
    "ordinal_accuracy": "ordinal",
    "pairwise_agreement": "ordinal",
    "point_pairs_correct": "ordinal",
    "prediction_fault": "depth",
    "sparsification_curve": "sparsification",
    "sparsification_scores": "sparsification",
    "warped_consistency_error": "flicker",
}

__all__ = [
    "ALIGNMENTS",
    "CONFIDENCE_METRICS",
    "DEPTH_METRICS",
    "METRICS",
    "Alignment",
    "DepthMetric",
    "Metric",
    "align_prediction",
    "aligned_depth_metrics",
    "boundary_f1",
    "canny_edges",
    "change_along_motion",
    "change_on_matched_pixels",
    "check_alignment",
    "depth_boundary_errors",
    "depth_edges",
    "depth_metrics",
    "flicker_score",
    "ordinal_accuracy",
    "pairwise_agreement",
    "point_pairs_correct",
    "prediction_fault",
    "sparsification_curve",
    "sparsification_scores",
    "warped_consistency_error",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
