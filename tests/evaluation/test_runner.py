# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""An evaluation from its arguments: what can be combined, and what is told and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_model import MakeModel

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.evaluation.runner import EvaluationArguments, run


@pytest.fixture
def model(make_tiny_model: MakeModel, tmp_path: Path) -> str:
    make_tiny_model().save_pretrained(tmp_path / "student")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "student")
    return str(tmp_path / "student")


@pytest.mark.usefixtures("fresh_accelerate")
def test_results_are_told_saved_and_returned(model: str, labelled_folder: Path, tmp_path: Path) -> None:
    told: list[str] = []
    arguments = EvaluationArguments(model, data=str(labelled_folder), output_dir=str(tmp_path / "scores"), limit=3)
    results = run(arguments, tell=told.append)
    (result,) = results.values()
    assert list(results) == [str(labelled_folder)] and len(result.rows) == 3
    (message,) = told
    assert "3 images scored" in message and message.endswith(f"saved to {tmp_path / 'scores'}")
    assert (tmp_path / "scores" / "results.json").exists()


@pytest.mark.usefixtures("fresh_accelerate")
def test_nothing_is_told_or_saved_unasked(model: str, labelled_folder: Path, capsys: Any) -> None:
    arguments = EvaluationArguments(model, data=str(labelled_folder), max_depth=5.0, batch_size=2, limit=1)
    (result,) = run(arguments).values()
    assert (result.settings.max_depth, result.settings.alignment) == (5.0, "disparity")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "options", [{}, {"data": "d", "protocol": "nyu", "root": "r"}, {"protocol": "nyu"}, {"data": "d", "root": "r"}]
)
def test_either_data_or_a_protocol_with_its_root(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"give data, or protocol and root .*, or video"):
        EvaluationArguments("m", **options)


def test_the_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="--limit must be at least 1, got 0"):
        EvaluationArguments("m", data="d", limit=0)


def metric_folder(make_tiny_model: MakeModel, folder: Path, **fields: Any) -> str:
    make_tiny_model(depth_estimation_type="metric", **fields).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(folder)
    return str(folder)


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_depth": 200}, "depth 0.001 to 200 m"),
        ({"max_depth": 5}, "depth 0.001 to 5 m"),
        ({"max_depth": 2500, "depth_unit": "mm"}, "depth 0.001 to 2.5 m"),
    ],
)
def test_a_metric_model_is_scored_over_its_own_range(
    make_tiny_model: MakeModel, labelled_folder: Path, tmp_path: Path, fields: dict[str, Any], expected: str
) -> None:
    model = metric_folder(make_tiny_model, tmp_path, **fields)
    told: list[str] = []
    (result,) = run(EvaluationArguments(model, data=str(labelled_folder), limit=2), tell=told.append).values()
    assert f"alignment: none, {expected}" in told[0] and len(result.rows) == 2
    # The fresh model predicts half of its cap, in metres.
    assert 0.3 < result.rows[0]["output_maximum"] / result.settings.max_depth < 0.7


@pytest.mark.usefixtures("fresh_accelerate")
def test_explicit_ranges_and_relative_models_have_their_own(
    make_tiny_model: MakeModel, model: str, labelled_folder: Path, tmp_path: Path, caplog: Any
) -> None:
    metric = metric_folder(make_tiny_model, tmp_path / "metric", max_depth=5)
    data = {"data": str(labelled_folder), "limit": 1}
    (wide,) = run(EvaluationArguments(metric, **data, max_depth=80.0)).values()
    assert wide.settings.max_depth == 80 and "ends at 5 m" in caplog.text
    caplog.clear()
    (aligned,) = run(EvaluationArguments(metric, **data, alignment="disparity")).values()
    assert aligned.settings.max_depth == 5
    (relative,) = run(EvaluationArguments(model, **data)).values()
    assert relative.settings.max_depth == 80 and caplog.text == ""
