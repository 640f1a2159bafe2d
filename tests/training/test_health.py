# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in steps: left out, counted, named, and when it ends the run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import ANCHORED, SPOILED, Poisoned, assert_equal_bits, log_of, moved_names, weights

from depth_anything_hf.training.health import too_many_overflows
from depth_anything_hf.training.objectives import SupervisedMetric, SupervisedRelative
from depth_anything_hf.utils.manifest import find_damage


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_a_runaway_output_stops_the_run(tmp_path, train, make_tiny_model):
    with pytest.raises(
        FloatingPointError, match=r"the output reached .* at step 1, above max_output 0.01.*anchor_weight"
    ):
        train(tmp_path, make_tiny_model(), max_output=0.01)
    assert len(log_of(tmp_path)) == 1


def test_a_dead_output_stops_the_run(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv3.bias, -100.0)
    with pytest.raises(FloatingPointError, match=r"100% of the output is 0 at step 1.*the last ReLU is dying"):
        train(tmp_path, model, max_zero_share=0.9)


def test_a_model_that_gives_nan_stops_the_run_with_the_names(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    nn.init.constant_(model.head.conv1.bias, float("nan"))
    with pytest.raises(FloatingPointError, match=r"not finite in the last 3 steps, up to step 3 with .*images/\d.png"):
        train(tmp_path, model, max_steps=5)
    # The state is saved, for those who want to look at it.
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-3"]


@pytest.mark.parametrize("case", SPOILED)
def test_a_step_that_is_not_finite_is_left_out(tmp_path, train, make_tiny_model, case):
    model = make_tiny_model()
    options = {"max_steps": 3, "save_steps": 1, "ema_decay": 0.5, "lr_scheduler_type": "linear"}
    result = train(tmp_path, model, objective=Poisoned(SPOILED[case], {1}, 3), **options)
    one, two, three = (tmp_path / f"checkpoint-{step}" for step in (1, 2, 3))
    assert_equal_bits(weights(one), weights(two), "weights and their average stay")
    states = [torch.load(each / "state" / "optimizer.bin") for each in (one, two)]
    assert_equal_bits(states[0]["state"], states[1]["state"], "the optimizer stays")
    assert moved_names(weights(two), weights(three))
    # The step counts: rate and data go on as planned.
    rates = [entry["learning_rate_encoder"] for entry in log_of(tmp_path) if "learning_rate_encoder" in entry]
    assert rates == pytest.approx([5e-4 * (1 - step / 3) for step in (1, 2, 3)])
    assert (result.steps, result.skipped_steps) == (3, 1)
    (note,) = [entry for entry in log_of(tmp_path) if "skipped_step" in entry]
    assert note["step"] == 2 and "not finite" in note["skipped_step"]
    assert len(note["names"]) == 2 and all("images" in name for name in note["names"])
    assert [entry["skipped_steps"] for entry in log_of(tmp_path) if "loss" in entry] == [0, 1]


def test_steps_left_out_in_a_row_stop_the_run_and_may_be_interrupted_by_a_kill(tmp_path, train, make_tiny_model):
    def poisoned() -> Poisoned:
        return Poisoned(SPOILED["nan everywhere"], {0, 2, 3, 4}, 6)

    options = {"max_steps": 6, "save_steps": 4}
    with pytest.raises(FloatingPointError, match="not finite in the last 3 steps, up to step 5"):
        train(tmp_path, make_tiny_model(), objective=poisoned(), **options)
    assert torch.isfinite(weights(tmp_path / "checkpoint-5")["head.conv1.weight"]).all()
    # Two of the three lie before checkpoint-4, and are not forgotten.
    resume = str(tmp_path / "checkpoint-4")
    with pytest.raises(FloatingPointError, match="in the last 3 steps, up to step 5"):
        train(tmp_path, make_tiny_model(), objective=poisoned(), resume_from_checkpoint=resume, **options)
    # With the cause gone the run goes on from what was saved.
    assert train(tmp_path, make_tiny_model(), resume_from_checkpoint="latest", **options).skipped_steps == 4


def test_an_output_that_is_nan_does_not_hide_behind_a_loss_of_zero(tmp_path, train, make_tiny_model):
    """On an accelerator nobody looks at single values, and images whose loss is NaN do not count."""

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        terms = SupervisedRelative(ANCHORED)(model, batch, progress)
        return {**terms, "loss": terms["loss"] * 0, "output_maximum": torch.tensor(float("nan"))}

    with pytest.raises(FloatingPointError, match="not finite in the last 2 steps"):
        train(tmp_path, make_tiny_model(), objective=objective)


def test_broken_samples_are_replaced_counted_and_named(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    (data / "images" / "3.png").write_bytes(b"no picture")
    options = {"max_steps": 8, "per_device_train_batch_size": 2, "data": data}
    result = train(tmp_path / "run", make_tiny_model(), max_broken_share=0.0, **options)
    # Two epochs: twice in its turn, and as often as it was drawn to replace itself.
    assert result.broken_samples >= 2
    entries = [broken for entry in log_of(tmp_path / "run") for broken in entry.get("broken_samples", [])]
    assert len(entries) == result.broken_samples
    assert all("3.png" in entry["reason"] for entry in entries)
    assert log_of(tmp_path / "run")[-1]["skipped_samples"] == result.broken_samples


def test_too_many_broken_samples_stop_the_run_with_its_state_saved(tmp_path, train, make_tiny_model, labelled_folder):
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    for index in range(5):
        (data / "images" / f"{index}.png").write_bytes(b"no picture")
    options = {"max_steps": 50, "per_device_train_batch_size": 4, "max_broken_share": 0.2, "data": data}
    with pytest.raises(ValueError, match=r"samples could not be used, more than max_broken_share 20.00%.*log.jsonl"):
        train(tmp_path / "run", make_tiny_model(), **options)
    (checkpoint,) = (tmp_path / "run").glob("checkpoint-*")
    assert find_damage(checkpoint) is None
    noted = sum(len(entry.get("broken_samples", [])) for entry in log_of(tmp_path / "run"))
    assert noted > 10


def test_gradients_that_never_fit_into_fp16_end_the_run():
    assert not too_many_overflows(50) and too_many_overflows(51)


@pytest.fixture
def unlabelled(tmp_path, labelled_folder) -> Path:
    """The pictures with depth beyond what a model of ten metres can express."""
    root = tmp_path / "unlabelled"
    shutil.copytree(labelled_folder, root)
    for path in (root / "depth").iterdir():
        np.save(path, 1000 * np.load(path))
    return root


@pytest.mark.parametrize(("max_steps", "last"), [(3, 3), (30, 10)])
def test_a_run_without_a_valid_label_stops_and_saves_no_model(
    tmp_path, train, make_tiny_model, unlabelled, max_steps, last
):
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10)
    options = {"data": unlabelled, "transform": {"target": "depth"}, "card": {}, "max_steps": max_steps}
    with pytest.raises(ValueError, match=f"not one of the {2 * last} images of the last {last} steps") as caught:
        train(tmp_path / "run", model, objective=SupervisedMetric(max_depth=10.0), **options)
    assert "source 0: of the labels of its first 8 samples 0 have a valid pixel; their depth is" in str(caught.value)
    assert "valid is 0.001 to 10 m; if they are millimetres, set scale to 1000" in str(caught.value)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    entries = [entry for entry in log_of(tmp_path / "run") if "loss" in entry]
    assert all(entry["loss"] is None and entry["unlabelled_share"] == 1.0 for entry in entries)
    assert entries[-1]["unlabelled_steps"] == last


def test_a_metric_model_of_large_depths_is_no_output_that_diverges(tmp_path, train, make_tiny_model, unlabelled):
    """Above `max_output`, which is for the free scale of a relative model, from the first step on."""
    model = make_tiny_model(depth_estimation_type="metric", max_depth=10_000)
    options = {"data": unlabelled, "transform": {"target": "depth"}, "card": {}}
    result = train(tmp_path / "run", model, objective=SupervisedMetric(max_depth=10_000.0), **options)
    assert result.steps == 2
    entries = [entry for entry in log_of(tmp_path / "run") if "loss" in entry]
    assert all(entry["output_maximum"] > 1000 for entry in entries)


def test_steps_without_a_label_are_left_out_and_counted(tmp_path, train, make_tiny_model, labelled_folder, capsys):
    root = tmp_path / "data"
    shutil.copytree(labelled_folder, root)
    for index in (0, 1, 2, 3, 4, 5, 6):
        np.save(root / "depth" / f"{index}.npy", np.full((56, 56), np.nan, dtype=np.float32))
    options = {"data": root, "max_steps": 120, "per_device_train_batch_size": 1, "logging_steps": 120}
    result = train(tmp_path / "run", make_tiny_model(), max_unlabelled_steps=20, **options)
    assert (result.images_without_label, result.unlabelled_steps, result.skipped_steps) == (105, 105, 0)
    entry = next(each for each in log_of(tmp_path / "run") if "loss" in each)
    assert entry["unlabelled_share"] == 0.875 and entry["unlabelled_steps"] == 105 and entry["loss"] > 0
    said = capsys.readouterr().out
    assert said.count("warning: 88% of the images up to step 100 have no valid label") == 1
    assert "105 of 120 images had no valid label (87.5%), 105 steps left out" in said


def test_a_run_that_left_its_bounds_goes_on_with_wider_ones(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 3}
    train(tmp_path / "straight", make_tiny_model(), **options)
    for bound in ({"max_output": 1e-3}, {"max_output": 2e-3}):
        with pytest.raises(FloatingPointError, match="raise max_output and resume with resume_from"):
            train(tmp_path / "run", make_tiny_model(), resume_from_checkpoint="latest", **bound, **options)
    assert sorted(path.name for path in (tmp_path / "run").glob("checkpoint-*")) == ["checkpoint-1", "checkpoint-2"]
    train(tmp_path / "run", make_tiny_model(seed=7), resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "run"))
    assert_equal_bits(weights(tmp_path / "straight" / "checkpoint-3"), weights(tmp_path / "run" / "checkpoint-3"))
