# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`transformers.Trainer` trains the model, resumes exactly and returns the best step."""

from __future__ import annotations

import copy
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers_run
from forked_scripts import run_python
from model_gradients import KINDS, NEVER_USED, has_free_shift, tiny_model
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import EvalPrediction, TrainerCallback
from transformers_run import make_trainer, saving_trainer


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def changed(state: dict[str, Tensor], expected: dict[str, Tensor]) -> list[str]:
    assert state.keys() == expected.keys()
    return [name for name, value in expected.items() if not torch.equal(state[name], value)]


class FirstIsBest:
    """Metrics of what Trainer has gathered, (N, H, W) like the labels; one only counts the evaluations."""

    def __init__(self) -> None:
        self.evaluations = 0

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        assert prediction.predictions.shape == prediction.label_ids.shape == (4, 42, 56)
        self.evaluations += 1
        error = np.nanmean(np.abs(prediction.predictions - prediction.label_ids))
        return {"error": float(error), "evaluations": self.evaluations}


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_trains(tmp_path: Path) -> None:
    model = tiny_model()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    run = make_trainer(tmp_path, model, max_steps=3, per_device_train_batch_size=2)
    run.train()
    losses = [entry["loss"] for entry in run.state.log_history if "loss" in entry]
    assert len(losses) == 3 and all(0 < loss < 100 for loss in losses)
    for name, parameter in model.named_parameters():
        if not has_free_shift(name, model):
            assert torch.equal(parameter, before[name]) is (name in NEVER_USED), name
    assert 0 < run.evaluate()["eval_loss"] < 100
    run.save_model(str(tmp_path / "saved"))
    saved = StockModel.from_pretrained(tmp_path / "saved")
    assert torch.equal(saved.head.conv3.weight, model.head.conv3.weight)


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_accumulates_means(tmp_path: Path) -> None:
    model = tiny_model()
    logged = []
    for accumulated in (1, 2, 4):
        run = make_trainer(
            tmp_path,
            copy.deepcopy(model),
            max_steps=1,
            per_device_train_batch_size=4 // accumulated,
            gradient_accumulation_steps=accumulated,
        )
        run.train()
        logged.append(run.state.log_history[0])
    for entry in logged[1:]:
        assert entry["loss"] == pytest.approx(logged[0]["loss"], rel=1e-3)
        assert entry["grad_norm"] == pytest.approx(logged[0]["grad_norm"], rel=1e-2)


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("kind", ["relative", "swiglu", "registers"])
def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path: Path, kind: str) -> None:
    whole = saving_trainer(tmp_path, tiny_model(**KINDS[kind]))
    whole.train()
    for resume_from in (str(tmp_path / "checkpoint-2"), True):
        resumed = saving_trainer(tmp_path, tiny_model(seed=7, **KINDS[kind]))
        resumed.train(resume_from_checkpoint=resume_from)
        assert resumed.state.global_step == transformers_run.STEPS
        assert changed(snapshot(resumed.model), snapshot(whole.model)) == []
        # As after a crash; of a finished run Trainer would take the last checkpoint, and one step more.
        for step in (4, 5):
            shutil.rmtree(tmp_path / f"checkpoint-{step}")


@pytest.mark.usefixtures("fresh_accelerate")
def test_the_best_step_comes_back_whole(tmp_path: Path) -> None:
    seen: dict[int, dict[str, Tensor]] = {}

    class Watch(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            seen[state.global_step] = snapshot(model)

    run = saving_trainer(
        tmp_path,
        tiny_model(),
        compute_metrics=FirstIsBest(),
        eval_strategy="steps",
        eval_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model="evaluations",
        greater_is_better=False,
    )
    run.add_callback(Watch())
    run.train()
    assert [entry["step"] for entry in run.state.log_history if "eval_error" in entry][:2] == [2, 4]
    assert Path(run.state.best_model_checkpoint).name == "checkpoint-2"
    assert changed(snapshot(run.model), seen[2]) == []
    assert "backbone.encoder.layer.0.norm1.weight" in changed(seen[transformers_run.STEPS], seen[2])


@pytest.mark.slow
def test_a_killed_process_resumes_exactly(tmp_path: Path) -> None:
    program = Path(transformers_run.__file__)
    run_python(program, tmp_path / "whole")
    with pytest.raises(RuntimeError, match=rf"ended with \[-{int(signal.SIGKILL)}\]"):
        run_python(program, tmp_path / "killed", "--killed_after", 3)
    assert [each.name for each in (tmp_path / "killed").glob("checkpoint-*")] == ["checkpoint-2"]
    run_python(program, tmp_path / "killed")
    states = [load_file(tmp_path / name / "final" / "model.safetensors") for name in ("killed", "whole")]
    assert changed(*states) == []
