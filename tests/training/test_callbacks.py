# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Callbacks of transformers in a run: what they see, what they decide, and what becomes of their errors."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from training_runs import ANCHORED, Interrupted, assert_equal_bits, log_of, weights
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback, TrainerCallback

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.callbacks import Callbacks
from depth_anything_hf.training.due import Due
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.state import RunGeometry


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


class Recorder(TrainerCallback):
    """Notes which methods were called at which step."""

    def __init__(self) -> None:
        self.calls = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def note(args, state, control, **kwargs):
            self.calls.append((name, state.global_step))
            self.last = args, state, kwargs

        return note


def test_methods_are_called_in_the_order_of_the_trainer(tmp_path, train, make_tiny_model, evaluation):
    recorder = Recorder()
    options = {"max_steps": 2, "eval_steps": 2, "save_steps": 2, "logging_steps": 2, "gradient_accumulation_steps": 2}
    train(tmp_path, make_tiny_model(), evaluation=evaluation, callbacks=[recorder], **options)
    step = ["on_substep_end", "on_pre_optimizer_step", "on_optimizer_step", "on_step_end"]
    assert [name for name, _ in recorder.calls] == [
        *("on_init_end", "on_train_begin", "on_epoch_begin", "on_step_begin", *step),
        *("on_step_begin", *step, "on_epoch_end", "on_log", "on_log", "on_evaluate", "on_save", "on_train_end"),
    ]
    assert dict(recorder.calls)["on_train_begin"] == 0 and dict(recorder.calls)["on_save"] == 2
    args, state, kwargs = recorder.last
    assert args.output_dir == str(tmp_path) and args.metric_for_best_model == "delta1" and args.greater_is_better
    assert (state.max_steps, state.epoch, state.best_metric) == (2, 1.0, state.log_history[-1]["eval_delta1"])
    assert [entry["step"] for entry in state.log_history] == [2, 2] and "loss" in state.log_history[0]
    assert {"model", "optimizer", "lr_scheduler", "processing_class"} <= set(kwargs)


def test_callbacks_change_nothing_of_a_run(tmp_path, train, make_tiny_model, evaluation):
    options = {"max_steps": 3, "eval_steps": 2, "evaluation": evaluation}
    train(tmp_path / "without", make_tiny_model(), **options)
    train(tmp_path / "with", make_tiny_model(), callbacks=[Recorder(), PrinterCallback, ProgressCallback()], **options)
    assert_equal_bits(weights(tmp_path / "without"), weights(tmp_path / "with"))
    assert log_of(tmp_path / "without") == log_of(tmp_path / "with")


class Decides(TrainerCallback):
    def __init__(self, step, **decisions) -> None:
        self.step, self.decisions = step, decisions

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            for name, value in self.decisions.items():
                setattr(control, name, value)
        return control


def test_what_callbacks_decide_is_done_at_this_step_only(tmp_path, train, make_tiny_model, evaluation):
    callback = Decides(2, should_save=True, should_evaluate=True, should_log=True)
    train(tmp_path, make_tiny_model(), evaluation=evaluation, callbacks=[callback], max_steps=4, logging_steps=4)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]
    entries = log_of(tmp_path)
    assert [entry["step"] for entry in entries if "loss" in entry] == [2, 4]
    assert [entry["step"] for entry in entries if "eval_delta1" in entry] == [2, 4]


def test_one_process_learns_of_decisions_without_its_device(tmp_path):
    # Nothing can be read from this device, as little as from a GPU without waiting for it.
    accelerator = SimpleNamespace(
        device=torch.device("meta"),
        num_processes=1,
        process_index=0,
        local_process_index=0,
        is_main_process=True,
        is_local_main_process=True,
    )
    callbacks = Callbacks(
        [Decides(0, should_save=True)],
        accelerator,
        TrainingArguments(str(tmp_path)),
        RunGeometry(2, 8, 4),
        evaluates=False,
    )
    due = callbacks.step_end(Due())
    assert due.save and not (due.log or due.evaluate or due.stop)


def test_a_callback_can_leave_out_what_is_due(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), callbacks=[Decides(1, should_save=False)], save_steps=1)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]


class DecidesLater(TrainerCallback):
    """Decides when values are logged and scored, of which the first may be no multiple of any interval."""

    def __init__(self, *, save_scored=True) -> None:
        self.save_scored, self.saved = save_scored, []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs and state.global_step == 2:
            control.should_evaluate = True

    def on_evaluate(self, args, state, control, **kwargs):
        control.should_save = self.save_scored

    def on_save(self, args, state, control, **kwargs):
        self.saved.append(state.global_step)
        control.should_training_stop = state.global_step == 2


def test_logged_values_may_ask_for_scores_and_scores_for_a_checkpoint(tmp_path, train, make_tiny_model, evaluation):
    callback = DecidesLater()
    result = train(
        tmp_path, make_tiny_model(), evaluation=evaluation, callbacks=[callback], max_steps=4, logging_steps=1
    )
    assert (result.steps, callback.saved) == (2, [2])
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]
    assert [entry["step"] for entry in log_of(tmp_path) if "eval_delta1" in entry] == [2]


def test_scores_may_leave_out_a_checkpoint(tmp_path, train, make_tiny_model, evaluation):
    callback = DecidesLater(save_scored=False)
    options = {"max_steps": 3, "logging_steps": 1, "save_steps": 1, "eval_steps": 3}
    train(tmp_path, make_tiny_model(), evaluation=evaluation, callbacks=[callback], **options)
    assert callback.saved == [1]


def test_a_callback_ends_a_run_which_is_scored_and_saved(tmp_path, train, make_tiny_model, evaluation):
    callback = Decides(2, should_training_stop=True)
    result = train(
        tmp_path, make_tiny_model(), evaluation=evaluation, callbacks=[callback], max_steps=5, logging_steps=5
    )
    assert (result.steps, result.stopped_early) == (2, True) and "delta1" in result.metrics
    assert [entry["step"] for entry in log_of(tmp_path) if "loss" in entry] == [2]
    assert (tmp_path / "model.safetensors").exists()


def test_early_stopping_stops_when_the_score_does_not_improve_and_is_resumed(
    tmp_path, train, make_tiny_model, evaluation
):
    # A rate of next to nothing improves no score by the threshold.
    options = {"max_steps": 8, "eval_steps": 1, "save_steps": 1, "evaluation": evaluation}
    rates = {"encoder_learning_rate": 1e-12, "decoder_learning_rate": 1e-12}
    result = train(tmp_path / "run", make_tiny_model(), callbacks=[EarlyStoppingCallback(3, 0.5)], **options, **rates)
    assert result.steps == 4 and result.stopped_early
    with pytest.raises(KeyboardInterrupt):
        train(
            tmp_path / "killed",
            make_tiny_model(),
            objective=Interrupted(SupervisedRelative(ANCHORED), 2),
            callbacks=[EarlyStoppingCallback(3, 0.5)],
            **options,
            **rates,
        )
    again, recorder = EarlyStoppingCallback(3, 0.5), Recorder()
    result = train(
        tmp_path / "killed",
        make_tiny_model(),
        callbacks=[recorder, again],
        resume_from_checkpoint="latest",
        **options,
        **rates,
    )
    assert result.steps == 4 and again.early_stopping_patience_counter == 3
    _, state, _ = recorder.last
    assert [entry["step"] for entry in state.log_history if "loss" in entry] == [1, 2, 3, 4]


class Fails(TrainerCallback):
    def __init__(self, hook, step) -> None:
        setattr(self, hook, self.fail)
        self.step = step

    def fail(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise OSError("no space for plots")


@pytest.mark.parametrize(
    ("hook", "saved"), [("on_step_begin", 2), ("on_step_end", 1), ("on_log", 1), ("on_substep_end", 2)]
)
def test_an_error_in_a_callback_saves_the_run_and_names_it(tmp_path, train, make_tiny_model, hook, saved):
    message = f"callback Fails.{hook} at step 1: OSError: no space for plots"
    with pytest.raises(RuntimeError, match=message) as caught:
        train(tmp_path, make_tiny_model(), callbacks=[Fails(hook, 1)], max_steps=3, gradient_accumulation_steps=2)
    assert isinstance(caught.value.__cause__, OSError)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == [f"checkpoint-{saved}"]
    result = train(
        tmp_path,
        make_tiny_model(),
        max_steps=3,
        gradient_accumulation_steps=2,
        resume_from_checkpoint="latest",
    )
    assert result.steps == 3


def test_an_epoch_cannot_be_left_and_what_is_no_callback_is_refused(tmp_path, train, make_tiny_model):
    with pytest.raises(RuntimeError, match=r"Decides.on_step_end at step 1: it sets should_epoch_stop"):
        train(tmp_path / "one", make_tiny_model(), callbacks=[Decides(1, should_epoch_stop=True)])
    with pytest.raises(TypeError, match=r"callbacks has a int, expected transformers.TrainerCallback"):
        train(tmp_path / "two", make_tiny_model(), callbacks=[3])
    with pytest.raises(RuntimeError, match=r"EarlyStoppingCallback.on_train_begin at step 0: AssertionError"):
        train(tmp_path / "three", make_tiny_model(), callbacks=[EarlyStoppingCallback])
