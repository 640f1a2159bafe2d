# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of metrics covers what is computed."""

from __future__ import annotations

from depth_anything_hf.metrics.table import CONFIDENCE_METRICS, DEPTH_METRICS, METRICS


def test_the_table_of_metrics_covers_what_is_computed() -> None:
    others = {name: metric.needs for name, metric in METRICS.items() if name not in DEPTH_METRICS}
    assert others == {
        "ordinal_accuracy": "order",
        "pairwise_agreement": "reference",
        "boundary_f1": "boundaries",
        "edge_accuracy_error": "edges",
        "edge_completeness_error": "edges",
        "pair_accuracy": "pairs",
        **dict.fromkeys(CONFIDENCE_METRICS, "confidence"),
    }
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {
        "delta1",
        "delta2",
        "delta3",
        "ordinal_accuracy",
        "pairwise_agreement",
        "boundary_f1",
        "pair_accuracy",
        "aurg_abs_rel",
        "aurg_rmse",
    }
    assert all(metric.name == name and metric.description for name, metric in METRICS.items())
