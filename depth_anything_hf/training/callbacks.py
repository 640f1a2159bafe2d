# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Callbacks of `transformers` in a run: `TrainerCallback` with its state and control."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator

from .arguments import TrainingArguments
from .due import Due
from .engine import Engine
from .state import Progress, RunGeometry
from .tracking import words_and_numbers
from .validation import higher_is_better


if TYPE_CHECKING:
    from transformers import TrainerCallback

    Callback = TrainerCallback | type[TrainerCallback]

# Decisions that a callback takes by `TrainerControl`, and the field of `Due` that each is.
DECISIONS = {
    "should_log": "log",
    "should_evaluate": "evaluate",
    "should_save": "save",
}


class CallbackArguments:
    """The run's `TrainingArguments`, with what callbacks read in those of `transformers.Trainer` beside them.

    Args:
        arguments: of the run.
        accelerator: of the run.
        evaluates: whether there is a held-out set.
        greater_is_better: direction of `metric_for_best_model`.
    """

    def __init__(
        self, arguments: TrainingArguments, accelerator: Accelerator, evaluates: bool, greater_is_better: bool
    ) -> None:
        from transformers.trainer_utils import IntervalStrategy, SaveStrategy

        self._arguments = arguments
        self.greater_is_better = greater_is_better
        # The best model is kept in best/, as that option of the Trainer asks for.
        self.load_best_model_at_end = evaluates
        is_evaluated = evaluates and arguments.eval_steps > 0
        self.eval_strategy = IntervalStrategy.STEPS if is_evaluated else IntervalStrategy.NO
        self.save_strategy = SaveStrategy.STEPS if arguments.save_steps > 0 else SaveStrategy.NO
        self.logging_strategy = IntervalStrategy.STEPS
        self.logging_dir = str(Path(arguments.output_dir) / "logs")
        self.run_name = Path(arguments.output_dir).name
        self.train_batch_size = arguments.per_device_train_batch_size
        self.world_size, self.process_index = accelerator.num_processes, accelerator.process_index
        self.local_process_index, self.device = accelerator.local_process_index, accelerator.device
        self.should_save = self.should_log = accelerator.is_main_process
        self.disable_tqdm = False

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not set above.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._arguments, name)

    def to_dict(self) -> dict[str, Any]:
        """Return the run's arguments as plain values."""
        return asdict(self._arguments)

    def to_sanitized_dict(self) -> dict[str, Any]:
        """Return the run's arguments as numbers and words, as trackers take them."""
        return words_and_numbers(self.to_dict())

    def to_json_string(self) -> str:
        """Return the run's arguments as JSON."""
        return json.dumps(self.to_dict(), indent=2)


class Callbacks:
    """The callbacks of a run, called on every process, with what they decide joined over the processes.

    An error in a callback does not break a collective operation in which other processes wait: it is kept,
    and ends the run after the step, with its state saved.

    Args:
        callbacks: `TrainerCallback`s or classes of them, one or several; other objects need one of their
            methods.
        accelerator: of the run.
        arguments: of the run.
        geometry: of the run.
        evaluates: whether there is a held-out set.

    Attributes:
        fault: the first error of a callback on any process, once all know of it.

    Raises:
        TypeError: an object has no method of a callback.
    """

    def __init__(
        self,
        callbacks: Sequence[Callback] | Callback | None,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        geometry: RunGeometry,
        *,
        evaluates: bool,
    ) -> None:
        self.fault: Exception | None = None
        self._own_fault: Exception | None = None
        self._accelerator = accelerator
        given: Any = () if callbacks is None else callbacks
        # A single one needs no list.
        given = [given] if isinstance(given, type | str) or not isinstance(given, Iterable) else given
        self._callbacks: list[Any] = [each() if isinstance(each, type) else each for each in given]
        self._has_news = False
        if not self._callbacks:
            return
        from transformers import TrainerControl, TrainerState

        for callback in self._callbacks:
            if not any(callable(getattr(callback, name, None)) for name in _hooks()):
                raise TypeError(
                    f"callbacks has a {type(callback).__name__}, expected transformers.TrainerCallback or an object "
                    f"with at least one of its methods: {', '.join(_hooks())}"
                )
        greater_is_better = higher_is_better(arguments.metric_for_best_model, arguments.greater_is_better)
        self._arguments = CallbackArguments(arguments, accelerator, evaluates, greater_is_better)
        self._folder, self._geometry = Path(arguments.output_dir), geometry
        self._control = TrainerControl()
        self._parts: dict[str, Any] = {"train_dataloader": None, "eval_dataloader": None}
        self._state = TrainerState(
            max_steps=geometry.total_steps,
            num_train_epochs=max(1, int(-(-self._epoch(geometry.total_steps) // 1))),
            logging_steps=arguments.logging_steps,
            eval_steps=arguments.eval_steps,
            save_steps=arguments.save_steps,
            train_batch_size=arguments.per_device_train_batch_size,
            is_local_process_zero=accelerator.is_local_main_process,
            is_world_process_zero=accelerator.is_main_process,
        )
        self.progress = Progress()

    def begin(self, progress: Progress, engine: Engine, processor: Any) -> None:
        """Call `on_init_end` and `on_train_begin`.

        Args:
            progress: of the run, from now on.
            engine: gives the `model`, `optimizer` and `lr_scheduler` that the methods get.
            processor: their `processing_class`.

        Raises:
            RuntimeError: one of them failed on any process.
        """
        if self._callbacks:
            self.progress = progress
            self._parts |= {"model": engine.raw_model, "optimizer": engine.optimizer, "lr_scheduler": engine.schedule}
            self._parts["processing_class"] = processor
            self.call("on_init_end")
            self.call("on_train_begin")
            self._raise_fault()

    def step_begin(self) -> None:
        """Call `on_step_begin`, and `on_epoch_begin` where an epoch begins."""
        if self._callbacks:
            step = self.progress.step
            for decision in DECISIONS:
                setattr(self._control, decision, False)
            if step == 0 or int(self._epoch(step)) > int(self._epoch(step - 1)):
                self.call("on_epoch_begin")
            self.call("on_step_begin")

    def step_end(self, due: Due) -> Due:
        """Call `on_step_end`, and `on_epoch_end` where an epoch ends; every process must call it.

        Args:
            due: what the arguments ask for after this step.

        Returns:
            What the callbacks have made of it, the same on all processes.
        """
        if not self._callbacks:
            return due
        for decision, name in DECISIONS.items():
            setattr(self._control, decision, getattr(self._control, decision) or getattr(due, name))
        self.call("on_step_end")
        step = self.progress.step
        if int(self._epoch(step)) > int(self._epoch(step - 1)):
            self.call("on_epoch_end")
        *decided, is_to_stop = self._join(
            [bool(getattr(self._control, each)) for each in (*DECISIONS, "should_training_stop")]
        )
        joined = dict(zip(DECISIONS.values(), decided, strict=True))
        return Due(picture=due.picture, stop=due.stop or is_to_stop, **joined)

    def log(self, values: Mapping[str, Any]) -> None:
        """Add an entry to the state's history, and call `on_log`."""
        if self._callbacks:
            logs = {**values, "epoch": self._epoch(self.progress.step)}
            self._state.log_history.append({**logs, "step": self.progress.step})
            self.call("on_log", logs=logs)
            self._has_news = True

    def evaluate(self, scores: Mapping[str, float]) -> None:
        """Call `on_log` and `on_evaluate` with the scores under their names in the log, such as "eval_delta1"."""
        if self._callbacks:
            self.log(scores)
            self.call("on_evaluate", metrics={**scores, "epoch": self._epoch(self.progress.step)})

    def save(self) -> None:
        """Call `on_save`."""
        if self._callbacks:
            self.call("on_save")
            self._has_news = True

    def revise(self, due: Due) -> Due:
        """Return what is left to do after a step, as callbacks have decided since; every process must call it.

        As in `transformers.Trainer`, `on_log` may still decide on the evaluation, `on_evaluate` on the checkpoint, and
        any of them on the end.

        Args:
            due: what was to be done; what was done already in it means nothing.
        """
        if not self._callbacks or not self._has_news:
            return due
        self._has_news = False
        names = ("should_evaluate", "should_save", "should_training_stop")
        evaluate, save, stop = self._join([bool(getattr(self._control, each)) for each in names])
        return replace(due, evaluate=evaluate, save=save, stop=due.stop or stop)

    def end(self) -> None:
        """Call `on_train_end`; raise RuntimeError if it fails on any process."""
        if self._callbacks:
            self.call("on_train_end")
            self._raise_fault()

    def call(self, hook: str, **further: Any) -> None:
        """Call a method of all callbacks that have it; an error is kept."""
        for callback in self._callbacks:
            method = getattr(callback, hook, None)
            if method is None or self._own_fault is not None:
                continue
            self._update_state()
            try:
                changed = method(self._arguments, self._state, self._control, **self._parts, **further)
            except Exception as error:
                self._own_fault = self._fault_of(callback, hook, f"{type(error).__name__}: {error}")
                self._own_fault.__cause__ = error
                return
            self._control = self._control if changed is None else changed
            if self._control.should_epoch_stop:
                self._own_fault = self._fault_of(
                    callback,
                    hook,
                    "it sets should_epoch_stop, but the data of a run goes on by position; set should_training_stop",
                )

    def state_dict(self) -> dict[str, Any]:
        """Return history and callbacks' states as plain values: `state()` of transformers, or `state_dict()`."""
        if not self._callbacks:
            return {}
        states = [[type(each).__name__, _state_of(each)] for each in self._callbacks]
        plain: dict[str, Any] = json.loads(
            json.dumps({"log_history": self._state.log_history, "states": states}, default=_as_plain)
        )
        return plain

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned; callbacks are told apart by class and order."""
        if not self._callbacks or not state:
            return
        self._state.log_history = list(state["log_history"])
        saved = [(name, own) for name, own in state["states"] if own is not None]
        for callback in self._callbacks:
            own = next((each for each in saved if each[0] == type(callback).__name__), None)
            if own is not None:
                saved.remove(own)
                _load_state(callback, own[1])

    def _epoch(self, step: int) -> float:
        return step * self._geometry.images_per_step / (self._geometry.samples_per_epoch or float("inf"))

    def _update_state(self) -> None:
        progress, state = self.progress, self._state
        state.global_step, state.epoch = progress.step, self._epoch(progress.step)
        # Of the new domain alone, which callbacks compare with its scores.
        state.best_metric = progress.best_metrics.get(self._arguments.metric_for_best_model)
        best = self._folder / "best"
        state.best_model_checkpoint = str(best) if progress.best_value is not None else None

    def _fault_of(self, callback: Any, hook: str, reason: str) -> RuntimeError:
        return RuntimeError(f"callback {type(callback).__name__}.{hook} at step {self.progress.step}: {reason}")

    def _join(self, own: Sequence[bool]) -> list[bool]:
        """Return which are true on any process, and learn of a fault on any."""
        flags = torch.tensor([*map(float, own), float(self._own_fault is not None)])
        # One process alone need not wait for its device.
        if self._accelerator.num_processes > 1:
            flags = self._accelerator.reduce(flags.to(self._accelerator.device), reduction="sum")
        *joined, has_fault = (flag > 0 for flag in flags.tolist())
        if has_fault:
            elsewhere = RuntimeError("a callback failed on another rank (see its log); stopping this rank")
            self.fault = self.fault or self._own_fault or elsewhere
        return joined

    def _raise_fault(self) -> None:
        self._join(())
        if self.fault is not None:
            raise self.fault


def _hooks() -> list[str]:
    from transformers import TrainerCallback

    return [name for name in vars(TrainerCallback) if name.startswith("on_")]


def _state_of(callback: Any) -> Any:
    for name in ("state", "state_dict"):
        if callable(getattr(callback, name, None)):
            return getattr(callback, name)()
    return None


def _load_state(callback: Any, state: Any) -> None:
    if callable(getattr(callback, "load_state_dict", None)):
        callback.load_state_dict(state)
    else:
        # As transformers' `ExportableState.from_state` does to a new callback.
        for name, value in state["attributes"].items():
            setattr(callback, name, value)


def _as_plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


__all__ = ["CallbackArguments", "Callbacks"]
