# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Models beside each other on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run
from sample_files import write_moge

from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.settings import EvaluationSettings


def save_result(folder: Path, values: list[float]) -> Path:
    rows = [{"index": i, "name": f"{i}.png", "valid_pixels": 9, "abs_rel": v} for i, v in enumerate(values)]
    EvaluationResult(rows, EvaluationSettings(metrics=("abs_rel",))).save(folder)
    return folder


def test_saved_results_are_compared_without_data(tmp_path: Path) -> None:
    first = save_result(tmp_path / "first", [0.1, 0.2, 0.3])
    second = save_result(tmp_path / "second", [0.2, 0.3, 0.4])
    result = run("compare", first, second, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "second is worse than first: abs_rel +0.1000 [+0.1000, +0.1000]" in result.output
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert "Where they differ most" not in page and "0.1000" in page
    turned = run("compare", "--models", first, "--models", second, "--baseline", second)
    assert "first is better than second: abs_rel -0.1000 [-0.1000, -0.1000]" in turned.output


def test_wrong_words_end_with_exit_code_2(tmp_path: Path) -> None:
    first = save_result(tmp_path / "first", [0.1])
    for words in ([first], [], [first, "absent"], [first, first, "--metric", "x"], [first, "--models", first]):
        result = run("compare", *words)
        assert result.exit_code == 2 and "Traceback" not in result.output, result.output


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_group_is_compared_set_by_set(model: Path, tmp_path: Path) -> None:
    for subset in ("NYUv2", "HAMMER"):
        write_moge(tmp_path / "bundle", subset, 2)
    group = ("--protocol", "moge-bundle", "--root", tmp_path / "bundle", "--limit", 1, "--device", "cpu")
    result = run("compare", model, model, *map(str, group), "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert (
        "moge-nyu\nprotocol: moge-nyu@1, modified, first 1" in result.output
        and "moge-hammer\nprotocol: moge-hammer@1" in result.output
    )
    assert f"no clear difference between {model.name} (2) and {model.name}" in result.output
    assert "not compared: moge-sintel: no folder Sintel in the root" in result.output
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert "moge-nyu: Scores" in page and "moge-hammer: Scores" in page and "Not compared" in page
    # What it has saved of each set is taken in the place of a model.
    again = run("compare", tmp_path / "out" / "evaluations" / model.name, model, *map(str, group))
    assert again.exit_code == 0 and "moge-hammer\nprotocol: moge-hammer@1" in again.output, again.output
