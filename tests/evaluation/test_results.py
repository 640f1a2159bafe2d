# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Results: merging, saving, the table, intervals, and what they say of their protocol."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.results import DIAGNOSTICS, EvaluationResult, summary_of_sets
from depth_anything_hf.evaluation.settings import DENSE_METRICS, EvaluationSettings
from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.metrics.table import METRICS


def test_merge_of_two_shares_equals_the_whole() -> None:
    dataset = make_dataset(7)
    dataset[3]["depth"][:] = np.nan
    whole = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    shares = [
        evaluate(predictor(brightness), dataset, prediction_kind="disparity", indices=range(start, 7, 2))
        for start in (1, 0)
    ]
    assert [len(share.rows) for share in shares] == [2, 4]
    merged = EvaluationResult.merge(shares)
    assert merged == whole and merged.mean == whole.mean and merged.skipped == 1
    with pytest.raises(ValueError, match="index 1 was scored twice"):
        EvaluationResult.merge([whole, shares[0]])
    other = EvaluationResult([], EvaluationSettings(max_depth=10))
    with pytest.raises(ValueError, match="must have the same settings"):
        EvaluationResult.merge([whole, other])
    with pytest.raises(ValueError, match="at least one"):
        EvaluationResult.merge([])


def test_save_writes_strict_json_and_one_row_per_image(tmp_path: Path) -> None:
    dataset = make_dataset(4)
    for sample in dataset:
        sample["disparity"] = 1 / sample.pop("depth")  # no metres: rmse and sq_rel are NaN
    result = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    result.save(tmp_path / "new" / "folder")
    rows = pq.read_table(tmp_path / "new" / "folder" / "per_image.parquet").to_pylist()
    assert len(rows) == 4
    for saved, row in zip(rows, result.rows, strict=True):
        assert saved.keys() == row.keys()
        assert all(saved[key] == row[key] or math.isnan(row[key]) for key in row)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "new" / "folder" / "results.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=refuse)
    assert record["images"] == 4 and record["skipped"] == 0 and record["skipped_images"] == []
    assert EvaluationSettings(**record["settings"]) == result.settings
    assert record["mean"]["delta1"] == result.mean["delta1"] and record["mean"]["rmse"] is None
    assert record["median"]["abs_rel"] == result.median["abs_rel"]
    assert record["depth_anything_hf"]


def test_an_empty_result_can_be_saved_and_printed(tmp_path: Path) -> None:
    result = evaluate(predictor(brightness), [], prediction_kind="disparity")
    result.save(tmp_path)
    assert pq.read_table(tmp_path / "per_image.parquet").num_rows == 0
    assert json.loads((tmp_path / "results.json").read_text())["mean"]["delta1"] is None
    assert "0 images scored" in result.table()


def test_the_table_has_a_row_with_direction_per_metric() -> None:
    result = evaluate(predictor(brightness), make_dataset(), prediction_kind="disparity")
    lines = result.table().splitlines()
    by_name = {line.split()[0]: line.split()[1:] for line in lines[2:-1]}
    assert set(by_name) == {*DENSE_METRICS, *DIAGNOSTICS}
    assert lines[0] == "protocol: own settings, alignment: disparity, depth 0.001 to 80 m"
    for name in DENSE_METRICS:
        arrow, mean, low, _, high, median = by_name[name]
        assert arrow == ("↑" if METRICS[name].higher_is_better else "↓")
        assert float(mean) == pytest.approx(result.mean[name], abs=1e-4)
        assert float(median) == pytest.approx(result.median[name], abs=1e-4)
        assert float(low) - 1e-4 <= float(mean) <= float(high) + 1e-4
    assert "6 images scored, 0 skipped" in lines[-1]


def test_the_interval_is_that_of_a_mean_over_resampled_images() -> None:
    random = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {"index": i, "name": str(i), "abs_rel": float(v)} for i, v in enumerate(random.normal(3, 0.5, 200))
    ]
    rows[7]["abs_rel"] = math.nan
    settings = EvaluationSettings(metrics=("abs_rel", "delta1"))
    result = EvaluationResult(rows, settings)
    values = np.array([row["abs_rel"] for row in rows if not math.isnan(row["abs_rel"])])
    low, high = result.interval["abs_rel"]
    # A mean of many images is normally distributed.
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.015)
    assert high == pytest.approx(values.mean() + half, abs=0.015)
    assert result.interval["abs_rel"] == (low, high), "seeded"
    assert all(math.isnan(end) for end in result.interval["delta1"])
    one = EvaluationResult(rows[:1], settings)
    assert one.interval["abs_rel"] == (one.mean["abs_rel"],) * 2


def test_a_result_says_which_benchmark_it_is_and_how_much_of_it(tmp_path: Path) -> None:
    dataset = make_dataset(2, (480, 640))
    result = evaluate(predictor(brightness), dataset, PROTOCOLS["nyu"].settings, prediction_kind="disparity")
    assert "protocol: nyu@1, alignment: disparity, depth 0.001 to 10 m, crop eigen-nyu" in result.table()
    assert "2 images scored, 0 skipped (the benchmark has 654)" in result.table()
    ((title, entry),) = result.card_entries().items()
    assert title == PROTOCOLS["nyu"].title and entry["images"] == 2 and "nyu@1" in entry["protocol"]
    card = write_model_card(
        tmp_path, title="m", kind="relative", role="student", lineage={}, training={}, results=result.card_entries()
    )
    text = card.read_text(encoding="utf-8")
    assert "nyu@1" in text and f"{result.mean['delta1']:.4f}" in text
    assert list(result.card_entries("kitchen")) == ["kitchen"]


def test_the_summary_of_sets_is_the_mean_of_their_means() -> None:
    def result(metrics: tuple[str, ...], *values: float) -> EvaluationResult:
        rows = [{"index": i, "name": str(i), **dict.fromkeys(metrics, value)} for i, value in enumerate(values)]
        return EvaluationResult(rows, EvaluationSettings(metrics=metrics))

    results = {
        "moge-nyu": result(("abs_rel", "delta1"), 0.1, 0.3),
        "moge-spring": result(("abs_rel", "delta1", "boundary_f1"), 0.6),
        "moge-gso": result(("abs_rel",)),
    }
    lines = summary_of_sets(results, {"moge-kitti": "no folder KITTI in the root"}).splitlines()
    assert lines == [
        "mean over 2 of 4 sets: abs_rel ↓ 0.4000, delta1 ↑ 0.4000",
        "not in it: moge-gso: no image was scored",
        "not in it: moge-kitti: no folder KITTI in the root",
    ]
    assert summary_of_sets({}, {}) == "mean over 0 of 0 sets: none"
