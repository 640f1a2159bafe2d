# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's state beside weights and optimiser: progress, random numbers, and what must not change on a resume."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: optimiser steps done, skipped ones included.
        evaluated_step: the step of the last evaluation.
        best_value: the best score so far by the metric that decides.
        best_metrics: all scores of that evaluation.
        skipped_steps: steps left out because loss or gradient was not finite.
        skipped_in_a_row: how many of them came last, one after the other.
        overflows_in_a_row: how many of the last steps the scaler of fp16 left out, one after the other.
        broken_samples: samples that could not be read and were replaced.
        run_id: names the run at its tracker; empty without one.
    """

    step: int = 0
    evaluated_step: int = 0
    best_value: float | None = None
    best_metrics: dict[str, float] = field(default_factory=dict)
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    overflows_in_a_row: int = 0
    broken_samples: int = 0
    run_id: str = ""


@dataclass
class RunGeometry:
    """What a resumed run must share with the run before, beside its arguments."""

    images_per_step: int
    samples_per_epoch: int | None
    total_steps: int

    def require(self, saved: Mapping[str, Any], folder: Path) -> None:
        """Raises ValueError if the run in `folder` stood on another run_geometry."""
        if saved["images_per_step"] != self.images_per_step:
            raise ValueError(
                f"a step of the run in {folder} takes {saved['images_per_step']} images, now it would take "
                f"{self.images_per_step}; choose per_device_train_batch_size, gradient_accumulation_steps and the "
                f"number of processes so that their product is {saved['images_per_step']} again"
            )
        for name, meaning in (("samples_per_epoch", "samples in an epoch"), ("total_steps", "steps in all")):
            if saved[name] != getattr(self, name):
                raise ValueError(
                    f"the run in {folder} has {saved[name]} {meaning}, now there are {getattr(self, name)}; go on "
                    "with the data and the length that it began with, or start a new run from its weights"
                )


def random_state() -> dict[str, Any]:
    """The random generators of Python, NumPy and torch in this process, as numbers and tensors."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Puts the random generators back to where `random_state` saw them."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def seed_random_state(seed: int, process_index: int, step: int) -> None:
    """Starts the generators of a process that did not exist before."""
    numbers = np.random.SeedSequence([seed, process_index, step]).generate_state(3)
    random.seed(int(numbers[0]))
    np.random.seed(int(numbers[1]))
    torch.manual_seed(int(numbers[2]))


__all__ = ["RunGeometry", "Progress", "random_state", "seed_random_state", "set_random_state"]
