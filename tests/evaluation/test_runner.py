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
    with pytest.raises(ValueError, match="give either --data, or --protocol and --root"):
        EvaluationArguments("m", **options)


def test_the_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="--limit must be at least 1, got 0"):
        EvaluationArguments("m", data="d", limit=0)
