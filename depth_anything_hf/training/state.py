# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's state beside weights and optimizer: progress, geometry, random numbers, and the files that hold them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..cpu.autotune import kernel_choices
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from ..utils.messages import counted
from .arguments import TrainingArguments
from .engine import Engine


STATE_FILE = "trainer_state.pt"


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: optimizer steps done, skipped ones included.
        evaluated_step: the step of the last evaluation.
        best_value: the best score so far by the metric that decides.
        best_metrics: all scores of that evaluation.
        best_old_metrics: those on the old domain; empty without forgetting data.
        best_step: its step; 0 where a checkpoint of an earlier version does not tell.
        best_by: the metric and the held-out set that decide; empty before the first evaluation.
        before: scores before the first step, of the "new" and the "old" domain, and what the old one was scored on
            ("old_by"); empty without forgetting data.
        evaluations_without_gain: how many came since the best score, see `early_stopping`.
        skipped_steps: steps skipped because loss or gradient was not finite.
        skipped_in_a_row: how many of them came last, one after the other.
        overflows_in_a_row: how many of the last steps the scaler of fp16 skipped, one after the other.
        broken_samples: samples that could not be read and were replaced.
        images: images in the loss or without a label, since checkpoints count them.
        images_without_label: those of them whose label had no valid pixel.
        unlabelled_steps: steps left out because no image of any process had a label.
        unlabelled_in_a_row: how many of them came last, one after the other.
        run_id: names the run at its tracker; empty without one.
    """

    step: int = 0
    evaluated_step: int = 0
    best_value: float | None = None
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_old_metrics: dict[str, float] = field(default_factory=dict)
    best_step: int = 0
    best_by: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    evaluations_without_gain: int = 0
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    overflows_in_a_row: int = 0
    broken_samples: int = 0
    images: int = 0
    images_without_label: int = 0
    unlabelled_steps: int = 0
    unlabelled_in_a_row: int = 0
    run_id: str = ""

    def counts(self) -> dict[str, float]:
        """Return what went wrong so far, as numbers of a log entry."""
        return {
            "skipped_steps": self.skipped_steps,
            "skipped_samples": self.broken_samples,
            "unlabelled_steps": self.unlabelled_steps,
            "unlabelled_share": self.images_without_label / max(1, self.images),
        }

    def describe_faults(self) -> list[str]:
        """Return what went wrong in the whole run, as parts of a sentence."""
        found = []
        if self.skipped_steps or self.broken_samples:
            found.append(
                f"{counted(self.skipped_steps, 'step')} skipped and "
                f"{counted(self.broken_samples, 'broken sample')} replaced"
            )
        if self.images_without_label:
            found.append(
                f"{self.images_without_label} of {counted(self.images, 'image')} had no valid label "
                f"({self.images_without_label / self.images:.1%})"
            )
        if self.unlabelled_steps:
            found.append(f"{counted(self.unlabelled_steps, 'step')} left out because none of the images had one")
        return found


@dataclass
class RunGeometry:
    """Images per optimizer step, samples per epoch and total steps; on resume the steps alone may be others.

    Attributes:
        images_per_step: of all processes and micro-batches.
        samples_per_epoch: None for a stream, which has no length.
        total_steps: optimizer steps of the whole run.
    """

    images_per_step: int
    samples_per_epoch: int | None
    total_steps: int

    @classmethod
    def of(cls, arguments: TrainingArguments, data: Mixture | StreamingMixture, processes: int) -> RunGeometry:
        """Return the geometry of a run.

        Raises:
            TypeError: `max_steps` is not given and the data is a stream, which has no length.
        """
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * processes
        samples = None if isinstance(data, StreamingMixture) else len(data)
        geometry = cls(per_step, samples, arguments.max_steps)
        if geometry.total_steps <= 0:
            if samples is None:
                # A stream says here that it has no length.
                len(data)
            geometry.total_steps = geometry.steps_of(arguments.num_train_epochs)
        return geometry

    def steps_of(self, epochs: float) -> int:
        """Return the optimizer steps of so many passes over data that has a length."""
        return max(1, math.ceil(epochs * (self.samples_per_epoch or 0) / self.images_per_step))

    def describe(self, processes: int) -> str:
        """Return the geometry as one line of text."""
        samples = self.samples_per_epoch
        epoch = "a stream without epochs" if samples is None else f"{counted(samples, 'image')} per epoch"
        steps = f"{counted(self.total_steps, 'step')} of {counted(self.images_per_step, 'image')}"
        return f"{steps} on {counted(processes, 'process', 'processes')}, {epoch}"

    def require(self, saved: Mapping[str, Any], folder: Path, *, step: int = 0, other_data: bool = False) -> None:
        """Check that a run can go on from a checkpoint; its total steps may be others, if they are not done yet.

        Args:
            saved: geometry of the run in the checkpoint.
            folder: the checkpoint.
            step: optimizer steps that are done there.
            other_data: whether the run is to go on with other data.

        Raises:
            ValueError: it cannot.
        """
        if saved["images_per_step"] != self.images_per_step:
            raise ValueError(
                f"the run in {folder} takes {saved['images_per_step']} images per optimizer step, this one would take "
                f"{self.images_per_step}; choose per_device_train_batch_size, gradient_accumulation_steps and the "
                f"number of processes so that their product is {saved['images_per_step']} again"
            )
        if saved["samples_per_epoch"] != self.samples_per_epoch and not other_data:
            raise ValueError(
                f"the run in {folder} has {saved['samples_per_epoch']} samples per epoch, this one would have "
                f"{self.samples_per_epoch}; resume with the same data, or add allow_changed data to go on with "
                "other data"
            )
        if step > self.total_steps:
            raise ValueError(
                f"the run in {folder} has done {counted(step, 'step')}, this one would have {self.total_steps} in "
                f"total; set max_steps (or num_train_epochs) so that they are {step} or more, or resume from an "
                "earlier checkpoint"
            )


@dataclass
class RunState:
    """What a checkpoint holds beside the engine's state, as tensors and plain values.

    Attributes:
        common: the same on all processes.
        own: of this process.
    """

    common: dict[str, Any]
    own: dict[str, Any]


def write_state(folder: Path, engine: Engine, state: RunState) -> None:
    """Write what a resume needs into the empty `state/` folder of a checkpoint; every process must call it."""
    rest = engine.save(folder)
    index = engine.accelerator.process_index
    # Processes that measured under load may have chosen other kernels, with other last bits.
    torch.save({**state.own, "cpu_kernels": kernel_choices()}, folder / process_file(index))
    if engine.accelerator.is_main_process:
        torch.save({**state.common, **rest}, folder / STATE_FILE)


def process_file(process_index: int) -> str:
    """Return the name of the file with what belongs to one process."""
    return f"process-{process_index}.pt"


def random_state() -> dict[str, Any]:
    """Return the random generators of Python, NumPy and torch in this process, as numbers and tensors."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put the random generators back to where `random_state` saw them."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def seed_random_state(seed: int, process_index: int, step: int) -> None:
    """Seed the generators of a process that the run did not have before."""
    numbers = np.random.SeedSequence([seed, process_index, step]).generate_state(3)
    random.seed(int(numbers[0]))
    np.random.seed(int(numbers[1]))
    torch.manual_seed(int(numbers[2]))


__all__ = [
    "STATE_FILE",
    "Progress",
    "RunGeometry",
    "RunState",
    "process_file",
    "random_state",
    "seed_random_state",
    "set_random_state",
    "write_state",
]
