# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Planned runs: what each takes, whether it fits, with which changes it would, and all of that as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .devices import Device
from .memory_estimate import GIB, MemoryEstimate
from .plan_arguments import CHECKPOINTING


# Time where the rate of the device is not known.
UNKNOWN = "-"


@dataclass
class Way:
    """A way to train, as its flags say it.

    Attributes:
        encoder_strategy, mixed_precision, gradient_checkpointing, optimizer: as in `PlanArguments`.
        batch, accumulation: images of a micro-batch, and micro-batches of a step.
        optimizer_in_backward: as in `PlanArguments`.
    """

    encoder_strategy: str
    mixed_precision: str
    gradient_checkpointing: str
    optimizer: str
    batch: int
    accumulation: int
    optimizer_in_backward: bool = False

    @property
    def all_but_the_optimizer(self) -> tuple[Any, ...]:
        """What ways share that differ in their optimizer alone."""
        parts = (self.encoder_strategy, self.mixed_precision, self.gradient_checkpointing)
        return (*parts, self.batch, self.accumulation, self.optimizer_in_backward)

    def changes_from(self, other: Way) -> list[str]:
        """Return the flags by which this way differs from another one."""
        names = ("encoder_strategy", "mixed_precision", "optimizer")
        flags = [f"--{name} {getattr(self, name)}" for name in names if getattr(self, name) != getattr(other, name)]
        if self.gradient_checkpointing != other.gradient_checkpointing:
            flags += [f"--{name}" for name in CHECKPOINTING[self.gradient_checkpointing]] or ["no checkpointing"]
        if self.optimizer_in_backward != other.optimizer_in_backward:
            flags += ["--optimizer_in_backward" if self.optimizer_in_backward else "no optimizer_in_backward"]
        if self.batch != other.batch:
            flags += [f"--per_device_train_batch_size {self.batch}"]
            flags += [f"--gradient_accumulation_steps {self.accumulation}"]
        return flags


@dataclass(kw_only=True)
class PlannedRun(Way):
    """A way to train, and what it takes.

    Attributes:
        memory: predicted for each process.
        fits: whether the device has as much.
        seconds: of an optimizer step; None if the device's rate is not known.
    """

    memory: MemoryEstimate
    fits: bool
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; bytes of memory by part."""
        values = {name: value for name, value in asdict(self).items() if name != "memory"}
        return {**values, "bytes": {**self.memory.parts(), "total": self.memory.total}}


@dataclass
class Plan:
    """What a device can do.

    Attributes:
        device: planned for.
        runs: the wanted one first.
        steps: optimizer steps of the run, or 0.
        smaller: runs that save more, of strategies of which none of `runs` fits: in smaller micro-batches, and with
            updates in the backward pass where that is enough.
    """

    device: Device
    runs: list[PlannedRun]
    steps: int
    smaller: list[PlannedRun] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether the wanted run does."""
        return self.runs[0].fits

    def nearest_fitting(self, run: PlannedRun) -> PlannedRun | None:
        """Return the fitting run that takes the least time, then the one with the fewest changes from `run`.

        One of the same encoder strategy if there is any, since another strategy trains another model.
        """
        fitting = [each for each in (*self.runs, *self.smaller) if each.fits]
        same = [each for each in fitting if each.encoder_strategy == run.encoder_strategy]
        return min(same or fitting, key=lambda each: (each.seconds or 0.0, len(each.changes_from(run))), default=None)

    def verdict(self) -> str:
        """Return in a line whether the wanted run fits, and if not, why, and the fastest changes until it does."""
        wanted = self.runs[0]
        needs = f"the run as it is needs {wanted.memory.total / GIB:.2f} of {self.device.memory / GIB:.1f} GiB"
        if wanted.fits:
            return f"fits: {needs}"
        name, value = wanted.memory.largest()
        needs += f", {value / GIB:.2f} of it for {name}"
        found = self.nearest_fitting(wanted)
        if found is None:
            return f"does not fit: {needs}, and no change that was tried is enough"
        takes = f"{found.memory.total / GIB:.2f} GiB"
        takes += "" if found.seconds is None else f", {found.seconds:.3g} s a step"
        return f"fits with these changes: {' '.join(found.changes_from(wanted))} ({takes}; {needs})"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        runs = [each.as_dict() for each in (*self.runs, *self.smaller)]
        device = {"name": self.device.name, "memory_bytes": self.device.memory}
        return {"device": device, "fits": self.fits, "verdict": self.verdict(), "steps": self.steps, "runs": runs}

    def __str__(self) -> str:
        """Return a table with a line for each way to train, all optimizers in it, what fits and is fastest first."""
        runs = [*self.runs, *self.smaller]
        optimizers = list(dict.fromkeys(each.optimizer for each in runs))
        head = ["encoder", "precision", "checkpointing", "batch", *(f"GiB: {each}" for each in optimizers), "s a step"]
        rows = [[*head, *(["hours"] if self.steps else []), ""]]
        lines: dict[tuple[Any, ...], list[PlannedRun]] = {}
        for run in runs:
            lines.setdefault(run.all_but_the_optimizer, []).append(run)
        for line in sorted(lines.values(), key=self._order):
            run, by_optimizer = line[0], {each.optimizer: each for each in line}
            row = [run.encoder_strategy, run.mixed_precision, run.gradient_checkpointing]
            row.append(f"{run.batch} x {run.accumulation}")
            row += [_gibibytes(by_optimizer.get(each)) for each in optimizers]
            row.append(UNKNOWN if run.seconds is None else f"{run.seconds:.3g}")
            if self.steps:
                row.append(UNKNOWN if run.seconds is None else f"{run.seconds * self.steps / 3600:.3g}")
            rows.append([*row, self._verdict_of(line)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return "\n".join([f"{self.device.name}, {self.device.memory / GIB:.1f} GiB", *table, self.verdict()])

    def _order(self, line: list[PlannedRun]) -> tuple[bool, float, int]:
        """Return what lines are sorted by: those that fit, then fast ones, then those that need little."""
        smallest = min(each.memory.total for each in line)
        fits = any(each.fits for each in line)
        return not fits, (line[0].seconds or 0.0) if fits else 0.0, 0 if fits and line[0].seconds else smallest

    def _verdict_of(self, line: list[PlannedRun]) -> str:
        """Return whether a line fits, with which optimizers, or by how much its first does not and what to change."""
        first = line[0]
        fitting = [each.optimizer for each in line if each.fits]
        mark = ""
        if first is self.runs[0]:
            mark = " (as wanted)" if first.fits or not fitting else f" (wanted: {first.optimizer})"
        mark += ", update in the backward pass" if first.optimizer_in_backward else ""
        if fitting:
            return ("fits" if len(fitting) == len(line) else f"fits with {', '.join(fitting)}") + mark
        text = f"{(first.memory.total - self.device.memory) / GIB:.2f} GiB too much{mark}"
        found = self.nearest_fitting(first)
        return text if found is None else f"{text}: {' '.join(found.changes_from(first))}"


def _gibibytes(run: PlannedRun | None) -> str:
    return "" if run is None else f"{run.memory.total / GIB:.2f}"


__all__ = ["Plan", "PlannedRun", "Way"]
