# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Steps whose status is read later: nothing changes by it, and no step asks the device for a value."""

from __future__ import annotations

import shutil
import signal
from functools import wraps
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_runs import (
    SPOILED,
    Poisoned,
    Signalled,
    assert_equal_bits,
    assert_same_checkpoint,
    log_of,
    noisy,
    weights,
)

from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.signals import RunInterrupted
from depth_anything_hf.training.trainer import FitResult


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


LATE = {"logging_steps": 100, "ema_decay": 0.5, "lr_scheduler_type": "cosine"}


class AskingForValues(TorchDispatchMode):
    """Counts how often single values of tensors are asked for, which makes a host wait for its device."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.asked += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def test_between_entries_of_the_log_no_step_asks_for_a_value(tmp_path, train, make_tiny_model):
    asked: list[int] = []

    # On a CPU the losses of the package look at values; see `test_objectives` for what they do elsewhere.
    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        asked.append(mode.asked)
        return {"loss": model(pixel_values=batch["pixel_values"]).predicted_depth.mean()}

    with AskingForValues() as mode:
        train(tmp_path, make_tiny_model(), objective=objective, max_steps=9, logging_steps=4, ema_decay=0.9)
    # The steps before which an entry was written, after steps 4 and 8.
    assert [step for step, (one, next_one) in enumerate(pairwise(asked), start=1) if next_one > one] == [4, 8]


def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes runs wait for every step, as they do with a scaler for fp16 or a sharded model."""
    prepare = Engine.__init__

    def prepare_to_wait(self: Engine, *args: Any, **kwargs: Any) -> None:
        prepare(self, *args, **kwargs)
        self.decides_on_device = False

    monkeypatch.setattr(Engine, "__init__", prepare_to_wait)


@pytest.mark.parametrize("case", SPOILED)
def test_when_findings_are_read_changes_nothing(tmp_path, train, make_tiny_model, monkeypatch, case):
    def run(name: str, **options: Any) -> FitResult:
        poisoned = Poisoned(SPOILED[case], {1, 4, 5}, 6)
        return train(tmp_path / name, make_tiny_model(), poisoned, max_steps=6, save_steps=6, **{**LATE, **options})

    late = run("late")
    soon = run("soon", logging_steps=1)
    settled_at_once(monkeypatch)
    at_once = run("at once")
    assert late.skipped_steps == soon.skipped_steps == at_once.skipped_steps == 3
    assert_same_checkpoint(tmp_path / "late" / "checkpoint-6", tmp_path / "at once" / "checkpoint-6")
    assert_equal_bits(weights(tmp_path / "late"), weights(tmp_path / "soon"))
    assert log_of(tmp_path / "late") == log_of(tmp_path / "at once")
    notes = [[entry for entry in log_of(tmp_path / name) if "names" in entry] for name in ("late", "soon")]
    assert notes[0] == notes[1] and [note["step"] for note in notes[0]] == [2, 5, 6]


def test_a_fault_that_is_read_later_ends_the_run_one_step_later(tmp_path, train, make_tiny_model):
    poisoned = Poisoned(SPOILED["nan everywhere"], {1, 2, 3, 4, 5}, 8)
    with pytest.raises(FloatingPointError, match="not finite in the last 3 steps, up to step 4 with"):
        train(tmp_path, make_tiny_model(), poisoned, max_steps=8, **LATE)
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    assert checkpoint.name == "checkpoint-5"
    assert [entry["step"] for entry in log_of(tmp_path)] == [2, 3, 4, 5]


def test_a_signal_that_is_read_later_ends_the_run_one_step_later(tmp_path, train, make_tiny_model):
    train(tmp_path / "straight", make_tiny_model(), max_steps=5, save_steps=5, **LATE)
    with pytest.raises(RunInterrupted) as stopped:
        train(tmp_path / "run", make_tiny_model(), Signalled(signal.SIGTERM, 2), max_steps=5, save_steps=5, **LATE)
    assert stopped.value.checkpoint.name == "checkpoint-3"
    train(tmp_path / "run", make_tiny_model(), max_steps=5, save_steps=5, resume_from_checkpoint="latest", **LATE)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-5", tmp_path / "run" / "checkpoint-5")


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_data_found_unreadable_later_takes_the_steps_since_back(
    tmp_path, train, make_tiny_model, labelled_folder, monkeypatch, at_once, accumulation
):
    if at_once:
        settled_at_once(monkeypatch)
    data = tmp_path / "data"
    shutil.copytree(labelled_folder, data)
    options = {"max_steps": 6, "save_steps": 6, "data": data, "gradient_accumulation_steps": accumulation, **LATE}
    train(tmp_path / "straight", make_tiny_model(), objective=noisy, **options)

    @wraps(noisy)
    def unplugged(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        if progress == 0.5 and (data / "images").exists():
            (data / "images").rename(data / "away")
        return noisy(model, batch, progress)

    run = tmp_path / "run"
    with pytest.raises(ValueError, match="10 samples in a row cannot be used"):
        train(run, make_tiny_model(), objective=unplugged, **options)
    # In the fourth step, or with two micro-batches in its second one.
    (checkpoint,) = run.glob("checkpoint-*")
    assert checkpoint.name == f"checkpoint-{4 if accumulation == 1 else 3}"
    (data / "away").rename(data / "images")
    train(run, make_tiny_model(seed=3), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-6", run / "checkpoint-6")
