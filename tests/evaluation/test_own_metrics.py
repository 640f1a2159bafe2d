# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of one's own: what they get, where their numbers go, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from accelerate import Accelerator
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.evaluation.evaluator import evaluate, evaluate_on_all_processes
from depth_anything_hf.evaluation.own_metrics import check_own_metrics
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.settings import PAIR_METRICS, EvaluationSettings
from depth_anything_hf.metrics.depth import depth_metrics


SETTINGS = EvaluationSettings(max_depth=25)


def own_abs_rel(prediction, label, valid):
    return np.mean(np.abs(prediction[valid] - label[valid]) / label[valid])


def scored(metrics, **options):
    return evaluate(
        predictor(brightness), make_dataset(), SETTINGS, prediction_kind="disparity", metrics=metrics, **options
    )


def test_own_metrics_get_what_those_of_the_table_get(tmp_path):
    shapes = []

    def spoils_its_arguments(prediction, label, valid):
        shapes.append((prediction.shape, label.shape, valid.shape, valid.dtype))
        prediction[:], label[:], valid[:] = 0, 0, False
        return 1.0

    result = scored({"spoils": spoils_its_arguments, "own": own_abs_rel})
    assert set(shapes) == {((18, 24), (18, 24), (18, 24), np.dtype(bool))}
    assert [row["own"] for row in result.rows] == pytest.approx([row["abs_rel"] for row in result.rows])
    assert result.mean["own"] == pytest.approx(result.mean["abs_rel"]) and result.mean["spoils"] == 1.0
    without = scored(None)
    assert [{**row, "own": 0, "spoils": 0} for row in without.rows] == [
        {**row, "own": 0, "spoils": 0} for row in result.rows
    ]
    result.save(tmp_path)
    saved = json.loads((tmp_path / "results.json").read_text())
    assert saved["mean"]["own"] == result.mean["own"] and len(saved["interval_95"]["own"]) == 2
    assert pq.read_table(tmp_path / "per_image.parquet")["own"].to_pylist() == [row["own"] for row in result.rows]
    assert "\nown " in result.table() and "own" in result.card_entries()["held-out images"]["metrics"]


def test_predictions_in_metres_are_compared_as_they_are():
    found = []
    settings = EvaluationSettings(alignment="none", max_depth=25)

    def keep(prediction, label, valid):
        found.append(depth_metrics(prediction, label, valid)["rmse"])
        return found[-1]

    result = evaluate(
        predictor(lambda image: image[..., 0].astype(np.float32) + 1),
        make_dataset(2),
        settings,
        prediction_kind="depth",
        metrics={"keep": keep},
    )
    # Images are scored side by side, in any order.
    assert sorted(row["rmse"] for row in result.rows) == pytest.approx(sorted(found))


def test_a_score_that_is_not_finite_is_not_measured():
    values = iter([math.nan, math.inf, 1.0, 2.0, 3.0, np.float32(4.0)])
    result = scored({"some": lambda prediction, label, valid: next(values)})
    assert result.mean["some"] == pytest.approx(2.5)


def test_processes_are_joined_with_own_metrics(fresh_accelerate):
    settings = {"prediction_kind": "disparity", "metrics": {"own": own_abs_rel}}
    alone = evaluate(predictor(brightness), make_dataset(), SETTINGS, **settings)
    joined = evaluate_on_all_processes(
        predictor(brightness), make_dataset(), SETTINGS, accelerator=Accelerator(cpu=True), **settings
    )
    assert joined == alone
    shares = [scored({"own": own_abs_rel}, indices=range(start, 6, 2)) for start in (0, 1)]
    assert EvaluationResult.merge(shares).mean["own"] == pytest.approx(alone.mean["own"])
    with pytest.raises(ValueError, match="same settings, prediction_kind and metrics"):
        EvaluationResult.merge([shares[0], scored(None, indices=[1])])


def test_an_error_names_the_metric_and_the_image():
    with pytest.raises(ValueError, match="image 0: the metric 'mine' failed: ZeroDivisionError"):
        scored({"mine": lambda prediction, label, valid: 1 / 0})
    with pytest.raises(ValueError, match="the metric 'mine' failed: TypeError"):
        scored({"mine": lambda prediction, label, valid: None})


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ({"delta1": own_abs_rel}, ValueError, r"names \['delta1'\]"),
        ({"index": own_abs_rel}, ValueError, "choose others"),
        ({"a/b": own_abs_rel}, ValueError, "choose others"),
        ({"mine": 3}, TypeError, "a dict of functions"),
        ([own_abs_rel], TypeError, "a dict of functions"),
    ],
)
def test_what_is_no_metric_is_refused(metrics, error, message):
    with pytest.raises(error, match=message):
        check_own_metrics(metrics, SETTINGS)


def test_point_pairs_have_no_dense_label_for_own_metrics():
    with pytest.raises(ValueError, match="need a dense label"):
        check_own_metrics({"mine": own_abs_rel}, EvaluationSettings(metrics=PAIR_METRICS))
