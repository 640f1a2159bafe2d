# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of a confidence: rows, joined curves and table, files, several processes, and what has none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.evaluation.confidence import CONFIDENCE_SCORES, EDGES, ConfidenceSummary
from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.reports import save_report
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.metrics.sparsification import sparsification_scores


# Of error and aligned depth.
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
SETTINGS = EvaluationSettings(max_depth=25)


class Confident:
    """Reads disparity from the brightness, and has the confidence that a function gives for a sample."""

    confidence = True

    def __init__(self, dataset: list[dict[str, Any]], function: Function) -> None:
        self._truth = {sample["name"]: sample["depth"] for sample in dataset}
        self._function = function

    def __call__(self, images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for prediction in predictor(brightness)(images):
            assert prediction.values is not None
            aligned, mask = align(prediction.values, self._truth[prediction.name])
            error = np.where(mask, np.abs(aligned / np.where(mask, self._truth[prediction.name], 1) - 1), 0)
            prediction.confidence = self._function(error, aligned).astype(np.float32)
            yield prediction


def align(values: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mask = np.nan_to_num(depth, nan=99, posinf=99) <= SETTINGS.max_depth
    return align_disparity(values, depth, mask, SETTINGS.min_depth, SETTINGS.max_depth)[0], mask


def score(function: Function, count: int = 6) -> EvaluationResult:
    dataset = make_dataset(count)
    return evaluate(Confident(dataset, function), dataset, SETTINGS, prediction_kind="disparity")


def noisy(error: np.ndarray, aligned: np.ndarray) -> np.ndarray:
    return np.exp(-error * np.random.default_rng(error.size).uniform(0.2, 2, error.shape))


def test_rows_hold_the_scores_of_the_aligned_prediction() -> None:
    dataset, result = make_dataset(), score(noisy)
    assert result.own_metrics == CONFIDENCE_SCORES
    predict = Confident(dataset, noisy)
    for row, sample in zip(result.rows, dataset, strict=True):
        (prediction,) = predict([(sample["name"], sample["image"])])
        assert prediction.values is not None and prediction.confidence is not None
        aligned, mask = align(prediction.values, sample["depth"])
        expected = sparsification_scores(aligned, sample["depth"], prediction.confidence, mask)
        assert {name: row[name] for name in expected} == expected
        assert row["mean_confidence"] == pytest.approx(prediction.confidence[mask].mean())
        by_distance = sparsification_scores(aligned, sample["depth"], -aligned, mask)
        assert row["aurg_abs_rel_by_distance"] == by_distance["aurg_abs_rel"]
    assert result.mean["aurg_abs_rel"] > 0.05 and "aurg_abs_rel ↑" in result.table()


def test_a_perfect_confidence_and_one_that_tells_nothing() -> None:
    best = score(lambda error, aligned: np.exp(-error))
    assert best.mean["ause_abs_rel"] == pytest.approx(0, abs=1e-4)
    summary = ConfidenceSummary.of_rows(best.rows)
    assert summary is not None
    np.testing.assert_allclose(summary.curves["by_confidence"], summary.curves["by_error"], atol=1e-4)
    known = [error for error in summary.abs_rel if math.isfinite(error)]
    # The table has the error itself: AbsRel e where confidence is exp(-e).
    assert known == sorted(known, reverse=True) and known[0] > -math.log(0.6) and known[-1] < -math.log(0.97)
    flat = score(lambda error, aligned: np.full(error.shape, 0.75))
    assert flat.mean["aurg_abs_rel"] == pytest.approx(0, abs=1e-12)
    summary = ConfidenceSummary.of_rows(flat.rows)
    assert summary is not None and math.isnan(summary.rank_correlation)
    assert [bool(count) for count in summary.pixels] == [edge == 0.8 for edge in EDGES]


def test_the_summary_is_over_all_pixels_and_images() -> None:
    result = score(noisy)
    summary = ConfidenceSummary.of_rows(result.rows)
    assert summary is not None
    assert sum(summary.pixels) == sum(row["valid_pixels"] for row in result.rows)
    total = sum(n * e for n, e in zip(summary.pixels, summary.abs_rel, strict=True) if n)
    assert total == pytest.approx(sum(row["abs_rel"] * row["valid_pixels"] for row in result.rows))
    assert summary.curves["by_confidence"][0] == pytest.approx(1)
    stats = pytest.importorskip("scipy.stats", reason="the reference is SciPy's")
    columns = [[row[name] for row in result.rows] for name in ("mean_confidence", "abs_rel")]
    assert summary.rank_correlation == pytest.approx(stats.spearmanr(*columns).statistic)
    assert ConfidenceSummary.of_rows([]) is None


def test_processes_are_joined() -> None:
    dataset = make_dataset()
    predict = Confident(dataset, noisy)
    parts = [
        evaluate(predict, dataset, SETTINGS, prediction_kind="disparity", indices=range(start, 6, 2))
        for start in (0, 1)
    ]
    merged, whole = EvaluationResult.merge(parts), score(noisy)
    assert merged.table() == whole.table() and "rank correlation of mean confidence" in whole.table()


def test_the_report_has_curves_and_pictures_and_leaves_no_old_ones(tmp_path: Path) -> None:
    dataset = make_dataset()
    predict = Confident(dataset, noisy)
    save_report(tmp_path, score(noisy), dataset, predict)
    record = json.loads((tmp_path / "results.json").read_text())
    assert record["mean"]["aurg_abs_rel"] > 0 and record["settings"]["metrics"] == list(SETTINGS.metrics)
    told = record["confidence"]
    assert len(told["by_confidence"]) == len(told["removed"]) == 20
    assert told["by_error"][-1] < told["by_confidence"][-1] and told["calibration"][0]["from"] == 0
    rows = pq.read_table(tmp_path / "per_image.parquet")
    assert {*CONFIDENCE_SCORES} <= {*rows.column_names} and "confidence_curves" not in rows.column_names
    assert read_image(tmp_path / "confidence.jpg").shape[0] > 400
    without = evaluate(predictor(brightness), dataset, SETTINGS, prediction_kind="disparity")
    assert without.own_metrics == () and "confidence" not in without.table()
    save_report(tmp_path, without, dataset, predictor(brightness))
    assert not (tmp_path / "confidence.jpg").exists()
    assert "confidence" not in json.loads((tmp_path / "results.json").read_text())


def test_labels_in_disparity_have_no_metres_to_rank() -> None:
    dataset = make_dataset(2)
    predict = Confident(dataset, lambda error, aligned: 1 / (1 + aligned))
    for sample in dataset:
        sample["disparity"] = np.where(np.isfinite(sample["depth"]), 1 / sample["depth"], np.nan)
        del sample["depth"]
    result = evaluate(predict, dataset, EvaluationSettings(), prediction_kind="disparity")
    assert math.isnan(result.mean["aurg_rmse"]) and math.isfinite(result.mean["aurg_abs_rel"])
