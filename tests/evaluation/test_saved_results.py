# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Saved results read back: the same numbers, by any of their names, and what is no result of an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.saved_results import is_saved_result, read_saved_results
from depth_anything_hf.evaluation.settings import DENSE_METRICS, EvaluationSettings


def save(folder: Path) -> EvaluationResult:
    dataset = make_dataset(4)
    dataset[1]["depth"][:] = np.nan
    settings = EvaluationSettings(metrics=(*DENSE_METRICS, "boundary_f1"), max_depth=20)
    own = {"mean_error": lambda prediction, label, valid: float(abs(prediction - label)[valid].mean())}
    result = evaluate(predictor(brightness), dataset, settings, prediction_kind="disparity", metrics=own)
    result.save(folder, {"model": "mine"})
    return result


def test_what_was_saved_is_read_by_any_of_its_names(tmp_path: Path) -> None:
    result = save(tmp_path / "set")
    for name in ("set", "set/results.json", "set/per_image.parquet"):
        assert is_saved_result(str(tmp_path / name))
        (saved,) = read_saved_results(str(tmp_path / name)).values()
        assert saved.result.mean == pytest.approx(result.mean, nan_ok=True) and saved.made_with == {"model": "mine"}
        assert replace(saved.result, rows=[]) == replace(result, rows=[])
    # A folder of several sets, as of a group of protocols.
    pairs = PROTOCOLS["da-2k"].settings
    row = {"index": 0, "name": "a", "pairs": 2, "scenario": "s", "pair_accuracy": 0.5, "valid_pixels": None}
    EvaluationResult([row], pairs).save(tmp_path / "points")
    both = read_saved_results(str(tmp_path))
    assert list(both) == ["points", "set"] and both["points"].result.settings.record() == pairs.record()
    assert both["points"].result.mean["pair_accuracy/s"] == 0.5


def test_results_of_the_first_versions_are_read(tmp_path: Path) -> None:
    result = save(tmp_path)
    record = json.loads((tmp_path / "results.json").read_text())
    record["prediction_is"] = record.pop("prediction_kind")
    later = ("made_with", "format", "expected_images")
    (tmp_path / "results.json").write_text(json.dumps({key: record[key] for key in record if key not in later}))
    (saved,) = read_saved_results(str(tmp_path)).values()
    assert saved.result.prediction_kind == "disparity" and saved.made_with == {}
    assert saved.result.mean == pytest.approx(result.mean, nan_ok=True)


def test_a_model_with_scores_beside_it_is_a_model(tmp_path: Path) -> None:
    save(tmp_path)
    for file in ("adapter_config.json", "config.json"):
        (tmp_path / file).write_text("{}")
        assert not is_saved_result(str(tmp_path)), file
        if file == "adapter_config.json":
            (tmp_path / file).unlink()
    assert not is_saved_result(str(tmp_path)) and is_saved_result(str(tmp_path / "results.json"))
    for name in (tmp_path.parent / "absent", tmp_path / "config.json", "owner/name"):
        assert not is_saved_result(str(name))
        with pytest.raises(FileNotFoundError, match=r"expected a folder with results\.json and per_image\.parquet"):
            read_saved_results(str(name))


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    path, rows = tmp_path / "results.json", tmp_path / "per_image.parquet"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"images": 7}))
    with pytest.raises(ValueError, match=r"per_image\.parquet has 3 rows, not 7: it is not of the evaluation"):
        read_saved_results(str(tmp_path))
    path.write_text(json.dumps(record | {"settings": record["settings"] | {"metrics": ["pair_accuracy"]}}))
    with pytest.raises(ValueError, match=r"per_image\.parquet lacks pair_accuracy"):
        read_saved_results(str(tmp_path))
    path.write_text(json.dumps(record | {"settings": record["settings"] | {"later": 1}}))
    with pytest.raises(ValueError, match=r"results\.json is no result of evaluate .*unknown settings later"):
        read_saved_results(str(tmp_path))
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"results\.json is no result of evaluate"):
        read_saved_results(str(tmp_path))
    path.write_text(json.dumps(record))
    rows.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="is no table of rows"):
        read_saved_results(str(tmp_path))
    rows.unlink()
    with pytest.raises(FileNotFoundError, match=r"per_image\.parquet is missing"):
        read_saved_results(str(tmp_path))
