# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The metrics of a run: its log, the averages in it, and trackers."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from ..utils.files import atomic_write
from ..utils.redaction import redact_values
from ..visualization.charts import Curve, line_chart
from .memory import peak_memory_mib
from .report_to import OwnTracker, chosen_trackers


LOG_FILE = "log.jsonl"
PROJECT = "depth_anything_hf"
# Averaged by their largest value, over steps and processes.
LARGEST_TERM = "output_maximum"
# How many images count in the loss: the weight of a micro-batch, a step and a process in the mean of every term but
# those that are about all images.
WEIGHT = "images"
OVER_ALL_IMAGES = ("images_without_label", "output_zero_share")

Terms = dict[str, Tensor]


class MetricLog:
    """`log.jsonl` and the tracker of a run: one dict of numbers or notes per step and kind.

    Args:
        accelerator: the run's `Accelerator`; only the main process writes.
        folder: the run folder.
        report_to: names of trackers, see `report_to`.
    """

    def __init__(self, accelerator: Accelerator, folder: Path, report_to: Sequence[str]) -> None:
        self.accelerator = accelerator
        self.path = folder / LOG_FILE
        self.trackers = chosen_trackers(report_to)

    def start(self, run_id: str, step: int, configuration: dict[str, Any]) -> None:
        """Drop what was logged after `step`, which will be logged again, and open the trackers.

        Args:
            run_id: names the run at the trackers, so that a resumed run continues there.
            step: optimizer steps done.
            configuration: arguments that the tracker shows with the curves.
        """
        if self.accelerator.is_main_process:
            drop_log_after(self.path, step)
        if not self.trackers:
            return
        name = self.path.parent.resolve().name
        options: dict[str, dict[str, Any]] = {
            "tensorboard": {"purge_step": step + 1} if step else {},
            "wandb": {"id": run_id, "name": name, "resume": "allow"},
            "trackio": {"name": f"{name}-{run_id}", "resume": "allow"},
        }
        self.accelerator.init_trackers(
            PROJECT,
            # Many trackers are services.
            config=words_and_numbers(redact_values(configuration)),
            init_kwargs={name: options[name] for name in self.trackers if name in options},
        )

    def write(self, step: int, entry: dict[str, Any], tracked: dict[str, float] | None = None) -> None:
        """Append a line.

        Args:
            step: optimizer steps done.
            entry: what the line holds beside the step; a number that is not finite becomes null.
            tracked: what goes to the tracker, by the names it has there.
        """
        if self.accelerator.is_main_process:
            line = json.dumps({"step": step, **{name: _finite_or_none(value) for name, value in entry.items()}})
            with open(self.path, "a") as log:
                log.write(line + "\n")
        if tracked:
            self.accelerator.log(tracked, step=step)

    def synchronize(self) -> None:
        """Wait until the log is on the disk, so that it never ends before a checkpoint."""
        if self.accelerator.is_main_process and self.path.exists():
            with open(self.path, "a") as log:
                os.fsync(log.fileno())

    def loss_curve(self) -> np.ndarray | None:
        """Draw the logged loss over the steps, uint8 (H, W, 3); None before the second entry."""
        entries = [entry for entry in read_log(self.path) if entry.get("loss") is not None]
        if len(entries) < 2:
            return None
        steps, losses = ([entry[name] for entry in entries] for name in ("step", "loss"))
        return line_chart([Curve("loss", steps, losses)], title="Training loss", x_label="optimizer step")

    def show(self, step: int, picture: np.ndarray) -> None:
        """Give a picture, uint8 (H, W, 3), to a tracker that takes pictures."""
        for tracker in self.accelerator.trackers:
            if tracker.name == "tensorboard":
                tracker.log_images({"training images": picture[None]}, step=step, dataformats="NHWC")
            elif tracker.name == "wandb":
                tracker.log_images({"training images": [picture]}, step=step)


class LogWindow:
    """The steps since the last entry of the log: means of their terms over the images that count, and their speed.

    The means do not depend on how the images are divided into micro-batches and processes.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.steps: list[Terms] = []
        self._timed_images = 0
        self._start = time.perf_counter()

    def add(self, micro_batches: list[Terms], images: int) -> None:
        """Add an optimizer step.

        Args:
            micro_batches: named scalars of each; a mean is over those that have the name.
            images: of all processes.
        """
        self.steps.append(summarize_terms(micro_batches))
        self._timed_images += images

    def close(self, accelerator: Accelerator) -> dict[str, float]:
        """Return means over steps and processes, speed and memory, and begin a new window; every process must call it.

        Without a step there is no mean, and without an image that counts the mean is NaN. A term that some processes
        do not have is averaged over the others.
        """
        present = set().union(*self.steps) - {WEIGHT}
        names = sorted(set(gather_object(list(present))) if accelerator.num_processes > 1 else present)
        own: list[Tensor] = []
        for name in names:
            # A term may be missing in some steps, so each has a weight of its own.
            terms = [each for each in self.steps if name in each]
            own += [_summary(name, terms), _mean_weight(terms)] if terms else [torch.zeros(()), torch.zeros(())]
        memory = torch.tensor(peak_memory_mib(accelerator.device), device=accelerator.device)
        gathered: Tensor = accelerator.gather(torch.stack([*(each.to(memory) for each in own), memory])[None])
        values = {}
        for index, name in enumerate(names):
            of_processes = [{name: row[2 * index], WEIGHT: row[2 * index + 1]} for row in gathered]
            values[name] = _summary(name, of_processes).item()
        seconds = time.perf_counter() - self._start
        values |= {"images_per_second": self._timed_images / seconds, "peak_memory_mib": gathered[:, -1].amax().item()}
        self._reset()
        return values

    def state_dict(self) -> list[Terms]:
        """Return the open window of this process."""
        return [{name: value.cpu() for name, value in terms.items()} for terms in self.steps]

    def load_state_dicts(self, states: list[list[Terms]], process_index: int, process_count: int, device: Any) -> None:
        """Continue a window that was open.

        Args:
            states: of all processes that there were; where their number has changed, each process takes their mean.
            process_index: of this process, now.
            process_count: now.
            device: where the terms will be added up.
        """
        if len(states) == process_count:
            steps = states[process_index]
        else:
            steps = [summarize_terms(same_step) for same_step in zip(*states, strict=True)]
        self.steps = [{name: value.to(device) for name, value in terms.items()} for terms in steps]


def summarize_terms(parts: Sequence[Terms]) -> Terms:
    """Return the means of terms over the images that count, each over the parts that have it."""
    means = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        having = [part for part in parts if name in part]
        means[name] = _mean_weight(having) if name == WEIGHT else _summary(name, having)
    return means


def _summary(name: str, parts: Sequence[Terms]) -> Tensor:
    values = torch.stack([part[name].detach().float() for part in parts])
    if name == LARGEST_TERM:
        return values.amax()
    if name in OVER_ALL_IMAGES:
        return values.mean()
    weights = _weights(parts).to(values.device)
    # Divided by the largest, equal weights are exactly 1 and give the plain mean.
    weights = weights / weights.amax().clamp(min=1)
    return (torch.where(weights > 0, values, 0) * weights).mean() / weights.mean()


def _mean_weight(parts: Sequence[Terms]) -> Tensor:
    return _weights(parts).mean()


def _weights(parts: Sequence[Terms]) -> Tensor:
    """Return how many images count in each part; all do where nothing is said, as in windows of earlier versions."""
    known = [part[WEIGHT].detach().float() for part in parts if WEIGHT in part]
    if not known:
        return torch.ones(len(parts))
    most = torch.stack(known).amax()
    return torch.stack([part[WEIGHT].detach().float() if WEIGHT in part else most for part in parts])


def _finite_or_none(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def new_run_id() -> str:
    """Return eight letters and digits that no other run has, not drawn from the run's random numbers."""
    return uuid.uuid4().hex[:8]


def require_trackers(report_to: Sequence[str]) -> None:
    """Raise ImportError, with what to install, if the package of a tracker is missing."""
    for name in chosen_trackers(report_to):
        if not isinstance(name, OwnTracker) and importlib.util.find_spec(name) is None:
            raise ImportError(
                f"report_to {name} needs the package {name}: pip install {name}, or turn the tracker off "
                "with report_to none; log.jsonl, results.csv and training.png are written without one"
            )


def words_and_numbers(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as trackers take them, all that is no number as text."""
    return {
        name: value if isinstance(value, int | float | str | bool) else str(value) for name, value in values.items()
    }


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a log with one JSON object per line, each with its step.

    Lines that are none, as a kill or a power cut leaves them, are left out.
    """
    lines = path.read_text(errors="replace").splitlines(keepends=True) if path.exists() else []
    entries = [_parsed(line) for line in lines if line.endswith("\n")]
    return [entry for entry in entries if isinstance(entry, dict) and "step" in entry]


def drop_log_after(path: Path, step: int) -> None:
    """Remove log entries that a run which goes on from `step` will write again: all, if that is its beginning."""
    if path.exists():
        kept = [json.dumps(entry) + "\n" for entry in read_log(path) if step > 0 and entry["step"] <= step]
        atomic_write(path, "".join(kept))


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


__all__ = [
    "LogWindow",
    "MetricLog",
    "drop_log_after",
    "new_run_id",
    "read_log",
    "require_trackers",
    "summarize_terms",
    "words_and_numbers",
]
