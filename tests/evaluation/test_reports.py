# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Reports: what was scored, the entries of a model card, the sheet of the best and worst images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.reports import save_error_sheet, save_report
from depth_anything_hf.evaluation.results import description_of
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


def test_a_report_says_what_was_scored_and_holds_the_entries_of_a_model_card(
    tmp_path: Path, make_tiny_model: Any
) -> None:
    make_tiny_model().save_pretrained(tmp_path / "student")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "student")
    predict = DepthPredictor.from_pretrained(tmp_path / "student", device="cpu", batch_size=2, flip_averaging=True)
    dataset, settings = make_dataset(2, (30, 40)), PROTOCOLS["moge-nyu"].settings
    for sample in dataset:
        sample["disparity"] = 1 / sample.pop("depth")
    result = evaluate(predict, dataset, EvaluationSettings(), prediction_kind="disparity")
    made_with = description_of(predict, tmp_path / "student", settings, limit=2)
    assert made_with == {
        "model": "student",
        "input_size": 56,
        "precision": "float32",
        "engine": "torch",
        "interpolation": predict.processor.interpolation,
        "upsampling": "bilinear",
        "flip_averaging": True,
        "batch_size": 2,
        "split": "NYUv2",
        "limit": 2,
    }
    assert description_of(predict, tmp_path / "student", EvaluationSettings())["split"] is None
    predict.processor.upsampling = "bicubic"
    assert description_of(predict, tmp_path / "student", settings)["upsampling"] == "bicubic"
    predict.processor.upsampling = "bilinear"
    predict.model.config._commit_hash = "1f2e"
    assert description_of(predict, "owner/student", settings)["model"] == "owner/student@1f2e"
    line = result.table(made_with).splitlines()[1]
    assert line.startswith("made with: model student, input size 56, precision float32, ")
    assert line.endswith("flip averaging, batch size 2, split NYUv2, limit 2")

    save_report(tmp_path / "report", result, dataset, predict, made_with)
    assert json.loads((tmp_path / "report" / "results.json").read_text())["made_with"] == made_with
    assert (tmp_path / "report" / "errors.jpg").is_file() and (tmp_path / "report" / "per_image.parquet").is_file()
    entries = json.loads((tmp_path / "report" / "card_entries.json").read_text())
    (entry,), (expected,) = entries.values(), result.card_entries().values()
    assert entry["metrics"]["delta1"] == expected["metrics"]["delta1"] and entry["protocol"] == expected["protocol"]
    assert "rmse" not in entry["metrics"], "a disparity label has no metres"
    card = write_model_card(
        tmp_path / "student", title="m", kind="relative", role="student", lineage={}, training={}, results=entries
    )
    assert f"{result.mean['delta1']:.4f}" in card.read_text(encoding="utf-8")
    save_report(tmp_path / "empty", evaluate(predict, [], prediction_kind="disparity"), [], predict)
    assert not (tmp_path / "empty" / "errors.jpg").exists()
    assert json.loads((tmp_path / "empty" / "results.json").read_text())["made_with"] == {}


def test_the_sheet_shows_best_median_and_worst(tmp_path: Path) -> None:
    dataset = make_dataset(9, (60, 80))
    for index, sample in enumerate(dataset):
        sample["image"] = np.where(np.arange(80)[:, None] < 8 * index, 100, sample["image"]).astype(np.uint8)
    dataset[3]["depth"][:] = np.nan
    result = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    asked: list[str] = []

    def watched(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for name, image in images:
            asked.append(name)
            yield from predictor(brightness)([(name, image)])

    path = save_error_sheet(tmp_path / "new" / "sheet.jpg", result, dataset, watched, "abs_rel", count=2)
    order = [row["name"] for row in sorted(result.rows, key=lambda row: row["abs_rel"])]
    assert asked == [*order[:2], *order[3:5], *order[-2:]]
    height, width = read_image(path).shape[:2]
    assert width > 4 * 300 and height > 6 * 240
    asked.clear()
    save_error_sheet(path, result, dataset, watched, "delta1", count=20)
    assert len(asked) == 8
    with pytest.raises(ValueError, match="no image has a score 'boundary_f1'"):
        save_error_sheet(path, result, dataset, watched, "boundary_f1")
