# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A resumed run goes on with what made it, unless a change of it is allowed by name, and then says so everywhere."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_runs import ANCHORED, assert_equal_bits, log_of, weights

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
RESUME = {"resume_from_checkpoint": "latest"}
STEEPER = SupervisedRelative(replace(ANCHORED, gradient_weight=2.0))


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "training_arguments.json").read_text())


def plain(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
    return SupervisedRelative(ANCHORED)(model, batch, progress)


@pytest.fixture
def stopped(tmp_path, train, make_tiny_model) -> Path:
    """A run of two steps with a checkpoint at each, whose caller has given no record."""
    train(tmp_path / "run", make_tiny_model(), save_steps=1)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (
            {"objective": STEEPER},
            r"recipe\.loss\.gradient_weight: 0\.5 -> 2\.0.*allow_changed loss\.gradient_weight",
        ),
        ({"objective": plain}, r"recipe\.objective: SupervisedRelative -> plain\).*allow_changed objective"),
        ({"transform": {"colour_jitter": 1.0}}, r"recipe\.augmentation\.colour_jitter: 0\.0 -> 1\.0"),
    ],
)
def test_another_loss_or_augmentation_is_refused(stopped, train, make_tiny_model, other, difference):
    with pytest.raises(ValueError, match=difference):
        train(stopped, make_tiny_model(), save_steps=1, **RESUME, **other)


def test_other_data_of_equal_length_is_refused_and_may_be_allowed(
    stopped, train, make_tiny_model, labelled_folder, tmp_path
):
    shutil.copytree(labelled_folder, tmp_path / "moved")
    options = {"save_steps": 1, "max_steps": 3, "data": tmp_path / "moved", **RESUME}
    with pytest.raises(ValueError, match=r"recipe\.data\.0\.first: .*moved.*allow_changed data$"):
        train(stopped, make_tiny_model(), **options)
    train(stopped, make_tiny_model(), allow_changed=["data"], **options)
    assert "recipe.data.0.first" in {each["name"] for each in record_of(stopped)["changes"]}
    # Fewer samples too, where that is meant.
    (tmp_path / "moved" / "images" / "7.png").unlink()
    (tmp_path / "moved" / "depth" / "7.npy").unlink()
    train(stopped, make_tiny_model(), allow_changed="data", **{**options, "max_steps": 4})


def test_an_allowed_change_is_taken_and_told_everywhere(stopped, train, make_tiny_model, capsys):
    options = {"save_steps": 1, "max_steps": 3, "objective": STEEPER, "weight_decay": 0.5, **RESUME}
    train(stopped, make_tiny_model(), allow_changed=["loss.gradient_weight", "weight_decay"], **options)
    changes = record_of(stopped)["changes"]
    assert {"step": 2, "name": "recipe.loss.gradient_weight", "before": 0.5, "after": 2.0} in changes
    assert "from step 2 on weight_decay: 0.01 -> 0.5" in capsys.readouterr().out
    noted = {entry["changed"] for entry in log_of(stopped) if "changed" in entry}
    assert noted == {"max_steps", "weight_decay", "recipe.loss.gradient_weight"}
    assert "step 2: recipe.loss.gradient_weight: 0.5 -> 2.0" in (stopped / "README.md").read_text().replace("\\", "")
    optimizer = torch.load(stopped / "checkpoint-3" / "state" / "optimizer.bin")
    assert {group["weight_decay"] for group in optimizer["param_groups"]} == {0.5, 0.0}
    # From here on it is this run, and the permission is not needed any more.
    capsys.readouterr()
    train(stopped, make_tiny_model(), allow_changed=["weight_decay"], **{**options, "max_steps": 4})
    assert "warning: allow_changed has 'weight_decay', which has not changed" in capsys.readouterr().out
    assert [each["step"] for each in record_of(stopped)["changes"] if each["name"] == "weight_decay"] == [2]
    with pytest.raises(ValueError, match=r"allow_changed has 'los', which no run has"):
        train(stopped, make_tiny_model(), allow_changed=["los"], **options)


def test_a_branch_of_another_run_goes_on_with_its_arguments(stopped, tmp_path, train, make_tiny_model):
    branch = {"resume_from_checkpoint": str(stopped / "checkpoint-1")}
    with pytest.raises(ValueError, match=r"run holds a run with other arguments \(recipe\.loss\.gradient_weight"):
        train(tmp_path / "branch", make_tiny_model(), objective=STEEPER, **branch)
    train(tmp_path / "branch", make_tiny_model(seed=3), **branch)
    assert_equal_bits(weights(stopped), weights(tmp_path / "branch"))


def test_a_run_of_an_earlier_version_is_resumed(stopped, train, make_tiny_model):
    path = stopped / "training_arguments.json"
    record = record_of(stopped)
    for later in ("recipe", "changes", "allow_changed", "adapters"):
        record.pop(later)
    path.write_text(json.dumps(record))
    train(stopped, make_tiny_model(), objective=STEEPER, save_steps=1, **RESUME)
    assert record_of(stopped)["recipe"]["loss"]["gradient_weight"] == 2.0


def test_other_data_may_be_allowed_where_the_data_was_not_recorded(
    tmp_path, stopped, train, make_tiny_model, labelled_folder, capsys
):
    record = record_of(stopped)
    del record["recipe"]["data"]
    (stopped / "training_arguments.json").write_text(json.dumps(record))
    # The folder is that of all tests.
    fewer = shutil.copytree(labelled_folder, tmp_path / "fewer")
    (fewer / "images" / "7.png").unlink()
    (fewer / "depth" / "7.npy").unlink()
    options = {"save_steps": 1, "max_steps": 3, "data": fewer, **RESUME}
    with pytest.raises(ValueError, match=r"has 8 samples per epoch, this one would have 7; .*allow_changed data"):
        train(stopped, make_tiny_model(), **options)
    assert train(stopped, make_tiny_model(), allow_changed=["data"], **options).steps == 3
    assert "from step 2 on recipe.data: not recorded -> [" in capsys.readouterr().out
    (change,) = (each for each in record_of(stopped)["changes"] if each["name"] == "recipe.data")
    assert (change["step"], change["before"], change["after"][0]["samples"]) == (2, "not recorded", 7)


def test_scores_by_another_metric_go_on_from_the_best_model(tmp_path, train, make_tiny_model, evaluation, capsys):
    options = {"save_steps": 2, "eval_steps": 1, "evaluation": evaluation}
    first = train(tmp_path, make_tiny_model(), max_steps=2, **options)
    options["metric_for_best_model"] = "abs_rel"
    best = train(tmp_path, make_tiny_model(), max_steps=4, **options, **RESUME).best_metrics
    assert best["abs_rel"] <= first.best_metrics["abs_rel"]
    known = f"from now on abs_rel decides on the best model; the one in best/ has {first.best_metrics['abs_rel']:.4f}"
    assert known in capsys.readouterr().out


def test_scores_of_other_images_are_not_compared(tmp_path, train, make_tiny_model, labelled_folder, evaluation):
    options = {"save_steps": 2, "eval_steps": 1}
    train(tmp_path, make_tiny_model(), max_steps=2, evaluation=evaluation, **options)
    other = Evaluation(DepthFolder(labelled_folder, limit=2), EvaluationSettings(max_depth=20.0), batch_size=2)
    result = train(tmp_path, make_tiny_model(), max_steps=3, evaluation=other, **options, **RESUME)
    assert result.best_metrics == result.metrics
    assert (tmp_path / "best-until-step-2" / "model.safetensors").is_file()
    assert_equal_bits(weights(tmp_path / "best"), weights(tmp_path))
