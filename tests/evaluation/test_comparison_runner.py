# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A comparison from its arguments: models and saved results, one set of rules, what is saved, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import files_below
from tiny_model import MakeModel

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.evaluation.comparison_runner import (
    ComparisonArguments,
    distinct_names,
    folder_names,
    run_comparison,
)
from depth_anything_hf.evaluation.runner import EvaluationArguments, run
from depth_anything_hf.evaluation.saved_results import read_saved_results


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


@pytest.fixture
def save_model(make_tiny_model: MakeModel, tmp_path: Path) -> Any:
    def save(name: str, seed: int = 0, **fields: Any) -> str:
        make_tiny_model(seed, **fields).save_pretrained(tmp_path / name)
        DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / name)
        return str(tmp_path / name)

    return save


def test_models_are_scored_as_evaluate_does_and_saved_results_take_their_place(
    save_model: Any, labelled_folder: Path, tmp_path: Path
) -> None:
    models = [save_model("a"), save_model("b", 1)]
    data, out = {"data": str(labelled_folder), "limit": 3}, tmp_path / "out"
    told: list[str] = []
    arguments = ComparisonArguments(models, **data, output_dir=str(out), pictures=1)
    (first,) = run_comparison(arguments, told.append).values()
    assert files_below(out) == [
        *("comparison.html", "comparison.json"),
        *(f"evaluations/{name}/{file}" for name in "ab" for file in ("per_image.parquet", "results.json")),
    ]
    assert "a (baseline)" in told[0] and told[-1] == f"saved to {out}"
    record = json.loads((out / "comparison.json").read_text())
    assert list(record["sets"]) == [labelled_folder.name] and str(tmp_path) not in json.dumps(record)
    (alone,) = run(EvaluationArguments(models[1], **data)).values()
    assert first.main.means[1] == pytest.approx(alone.mean["abs_rel"], rel=1e-12)
    saved = [str(out / "evaluations" / name) for name in "ab"]
    assert read_saved_results(saved[1])[""].result.rows == alone.rows
    # The same numbers without data, and beside a model; both may be given in any order.
    (again,) = run_comparison(ComparisonArguments(saved)).values()
    (mixed,) = run_comparison(ComparisonArguments([saved[1], models[0]], **data, baseline="a")).values()
    assert again.main.differences == first.main.differences and again.models == ("a", "b")
    assert mixed.main.differences == first.main.differences[::-1] and mixed.models == ("b", "a")


@pytest.mark.parametrize(
    ("caps", "expected"), [((5, 20), ("none", 5)), ((5, None), ("disparity", 80)), ((None, None), ("disparity", 80))]
)
def test_all_models_are_scored_by_one_set_of_rules(
    caps: tuple[int | None, ...], expected: tuple[str, float], save_model: Any, labelled_folder: Path, caplog: Any
) -> None:
    models = [
        save_model(name, **({"depth_estimation_type": "metric", "max_depth": cap} if cap else {}))
        for name, cap in zip("ab", caps, strict=True)
    ]
    arguments = ComparisonArguments(models, data=str(labelled_folder), limit=1)
    if caps == (5, None):
        # Aligned in disparity, metres and disparities are compared.
        arguments.max_depth = 80.0
    (comparison,) = run_comparison(arguments).values()
    assert (comparison.settings.alignment, comparison.settings.max_depth) == expected
    assert ("a: the evaluation scores labels up to 80 m" in caplog.text) == (caps == (5, None))


def test_results_bring_their_rules_and_contradictions_are_refused(
    save_model: Any, labelled_folder: Path, tmp_path: Path
) -> None:
    model, data = save_model("a"), {"data": str(labelled_folder), "limit": 2}
    run(EvaluationArguments(model, **data, max_depth=6.0, output_dir=str(tmp_path / "near")))
    run(EvaluationArguments(model, **data, output_dir=str(tmp_path / "far")))
    near, far = str(tmp_path / "near"), str(tmp_path / "far")
    (comparison,) = run_comparison(ComparisonArguments([near, model], **data)).values()
    assert comparison.settings.max_depth == 6 and comparison.main.differences == (0, 0)
    with pytest.raises(ValueError, match=r"near: scored with max_depth 6\.0, got 9\.0; leave it out"):
        run_comparison(ComparisonArguments([near, model], **data, max_depth=9.0))
    with pytest.raises(ValueError, match=r"near and far were scored by other rules \(max_depth\)"):
        run_comparison(ComparisonArguments([near, far]))
    with pytest.raises(ValueError, match=rf"{model}: no results of evaluate, so give data"):
        run_comparison(ComparisonArguments([near, model]))
    with pytest.raises(ValueError, match=r"metric must be one of .* did you mean 'abs_rel'"):
        run_comparison(ComparisonArguments([near, model], **data, metric="absrel"))
    with pytest.raises(ValueError, match="baseline must be one of"):
        run_comparison(ComparisonArguments([near, model], **data, baseline="c"))
    with pytest.raises(ValueError, match="lies in the data"):
        run_comparison(ComparisonArguments([near, model], **data, output_dir=str(labelled_folder / "out")))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "comparison.html").write_text("mine")
    with pytest.raises(FileExistsError, match=r"comparison\.html"):
        run_comparison(ComparisonArguments([near, "no/such-model"], **data, output_dir=str(tmp_path / "mine")))


def test_wrong_arguments_are_refused() -> None:
    for models, options, message in (
        (["a"], {"data": "d"}, "at least two models to compare, got 1"),
        (["a", "b"], {"protocol": "nyu"}, "give data, or protocol and root"),
        (["a", "b"], {"data": "d", "pictures": -1}, "pictures must be at least 0, got -1"),
        (["a", "b"], {"data": "d", "limit": 0}, "--limit must be at least 1, got 0"),
        (["a", "b"], {"protocol": "nyu", "root": "r", "scale": 2}, "scale cannot be combined with protocol"),
    ):
        with pytest.raises(ValueError, match=message):
            ComparisonArguments(models, **options)


def test_names_are_as_long_as_they_must_be(tmp_path: Path) -> None:
    paths = [tmp_path / place for place in ("x/student", "y/student", "teacher", "z/scores")]
    for path in paths:
        path.mkdir(parents=True)
    (paths[3] / "results.json").touch()
    given = [*map(str, paths[:3]), str(paths[3] / "results.json"), "owner/model", str(paths[2]), "student.onnx"]
    assert distinct_names(given) == [
        *("x/student", "y/student", "teacher", "scores", "owner/model", "teacher (2)", "student.onnx")
    ]
    # None is replaced by the results of another.
    names = ["owner/model", "owner-model", "teacher", "teacher (2)", "..."]
    assert folder_names(names) == ["owner-model", "owner-model (2)", "teacher", "teacher-2", "model"]
