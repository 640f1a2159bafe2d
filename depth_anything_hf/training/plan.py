# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and time of a run before it starts, for many ways to train: what fits, and what has to change until it does.

Memory is predicted by `memory_estimate`. Time is the number of floating-point operations, what is recomputed included,
by the rate of the device: measured by two steps on the device at hand, or its peak times a share.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any

import torch

from ..models.configuration_depth_anything import DepthAnythingConfig
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.processes import own_accelerate_state
from .arguments import TrainingArguments
from .devices import HERE, Device, find_device
from .encoder_strategy import EncoderStrategy
from .engine import Engine
from .memory import allocator_for_training
from .memory_estimate import GIB, MemoryEstimate, estimate_memory
from .objectives import SupervisedRelative
from .optim import LearningRates
from .plan_arguments import CHECKPOINTING, PlanArguments
from .processes import training_accelerator


SIZES = ("tiny", "small", "base", "large", "giant")
# Any will do: nothing is trained.
RATES = LearningRates(encoder=5e-6, decoder=5e-5, reason="for a measurement")


@dataclass
class PlannedRun:
    """A way to train, and what it takes.

    Attributes:
        encoder_strategy, mixed_precision, gradient_checkpointing, optimizer: as in `PlanArguments`.
        batch, accumulation: images of a micro-batch, and micro-batches of a step.
        memory: predicted for each process.
        fits: whether the device has as much.
        seconds: of an optimizer step; None if the device's rate is not known.
    """

    encoder_strategy: str
    mixed_precision: str
    gradient_checkpointing: str
    optimizer: str
    batch: int
    accumulation: int
    memory: MemoryEstimate
    fits: bool
    seconds: float | None = None

    def changes_from(self, other: PlannedRun) -> list[str]:
        """Return the flags by which this run differs from another one."""
        names = ("encoder_strategy", "mixed_precision", "optimizer")
        flags = [f"--{name} {getattr(self, name)}" for name in names if getattr(self, name) != getattr(other, name)]
        if self.gradient_checkpointing != other.gradient_checkpointing:
            flags += [f"--{name}" for name in CHECKPOINTING[self.gradient_checkpointing]] or ["no checkpointing"]
        if self.batch != other.batch:
            flags += [f"--per_device_train_batch_size {self.batch}"]
            flags += [f"--gradient_accumulation_steps {self.accumulation}"]
        return flags

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
        smaller: the wanted runs, one for each strategy, in smaller micro-batches, where no other change helps.
    """

    device: Device
    runs: list[PlannedRun]
    steps: int
    smaller: list[PlannedRun] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether the wanted run does."""
        return self.runs[0].fits

    def verdict(self) -> str:
        """Return in a line whether the wanted run fits, and if not, the least costly changes with which it does."""
        wanted = self.runs[0]
        needs = f"needs {wanted.memory.total / GIB:.2f} of {self.device.memory / GIB:.1f} GiB"
        if wanted.fits:
            return f"fits: the run as it is {needs}"
        same = [each for each in (*self.runs, *self.smaller) if each.encoder_strategy == wanted.encoder_strategy]
        for found in ([each for each in same if each.fits], [each for each in self.runs if each.fits]):
            if found:
                best = min(found, key=lambda each: (each.seconds or 0.0, len(each.changes_from(wanted))))
                return f"fits with these changes: {' '.join(best.changes_from(wanted))} (the run as it is {needs})"
        return f"does not fit: the run as it is {needs}, and no change that was tried is enough"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        runs = [each.as_dict() for each in (*self.runs, *self.smaller)]
        device = {"name": self.device.name, "memory_bytes": self.device.memory}
        return {"device": device, "fits": self.fits, "verdict": self.verdict(), "steps": self.steps, "runs": runs}

    def __str__(self) -> str:
        head = ["encoder", "precision", "checkpointing", "optimizer", "batch", "GiB", "fits", "s a step"]
        rows = [head + (["hours"] if self.steps else [])]
        for run in (*self.runs, *self.smaller):
            seconds = run.seconds
            row = [run.encoder_strategy, run.mixed_precision, run.gradient_checkpointing, run.optimizer]
            row += [f"{run.batch} x {run.accumulation}", f"{run.memory.total / GIB:.2f}", "yes" if run.fits else "no"]
            row.append("-" if seconds is None else f"{seconds:.3g}")
            if self.steps:
                row.append("-" if seconds is None else f"{seconds * self.steps / 3600:.3g}")
            rows.append(row)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return "\n".join([f"{self.device.name}, {self.device.memory / GIB:.1f} GiB", *lines, self.verdict()])


def plan(arguments: PlanArguments) -> Plan:
    """Predict memory and time of all ways to train; nothing is trained but two steps where that is asked for.

    Raises:
        ValueError: an unknown device, strategy, precision or optimizer.
    """
    device = find_device(arguments.device, arguments.device_memory, arguments.device_tflops)
    config = _config_of(arguments.model)
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(config)
    ways = [_training_arguments(arguments, *way) for way in _ways(arguments)]
    runs = [_planned(model, arguments, device, way, each) for way, each in zip(_ways(arguments), ways, strict=True)]
    result = Plan(device, runs, arguments.max_steps)
    if not any(each.fits for each in runs) and arguments.per_device_train_batch_size > 1:
        result.smaller = list(_in_smaller_batches(model, arguments, device))
    rates = _rates(config, arguments, device, [*zip(ways, runs, strict=True)])
    for run in (*runs, *result.smaller):
        rate = rates.get(run.mixed_precision)
        if rate is not None:
            run.seconds = run.memory.operations * run.accumulation / rate
    return result


def _config_of(model: str) -> DepthAnythingConfig:
    if model in SIZES:
        return DepthAnythingConfig.from_size(model)  # type: ignore[arg-type]
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    if config.model_type != DepthAnythingConfig.model_type:
        raise ValueError(
            f"{model} is a {config.model_type!r} model, expected one of {SIZES} or a Depth Anything model"
        )
    return DepthAnythingConfig.from_dict(config.to_dict())


def _ways(arguments: PlanArguments) -> Iterator[tuple[str, str, str, str]]:
    """Yield strategy, precision, checkpointing and optimizer of each way; the first is the wanted one."""
    lists = (arguments.encoder_strategy, arguments.mixed_precision, arguments.gradient_checkpointing)
    yield from product(*lists, arguments.optimizer)


def _training_arguments(
    arguments: PlanArguments, strategy: str, precision: str, checkpointing: str, optimizer: str
) -> TrainingArguments:
    options: dict[str, Any] = CHECKPOINTING[checkpointing]
    return TrainingArguments(
        "unused",
        per_device_train_batch_size=arguments.per_device_train_batch_size,
        gradient_accumulation_steps=arguments.gradient_accumulation_steps,
        encoder_learning_rate=RATES.encoder,
        decoder_learning_rate=RATES.decoder,
        encoder_strategy=strategy,
        mixed_precision=precision,
        optimizer=optimizer,
        **options,
    )


def _planned(
    model: DepthAnythingForDepthEstimation,
    arguments: PlanArguments,
    device: Device,
    way: tuple[str, str, str, str],
    training: TrainingArguments,
) -> PlannedRun:
    memory = estimate_memory(
        model,
        training,
        (arguments.input_size, arguments.input_size),
        precision=training.mixed_precision or "no",
        processes=arguments.processes,
        sharded=arguments.sharded,
        on_cpu=device.is_cpu,
    )
    batch, accumulation = training.per_device_train_batch_size, training.gradient_accumulation_steps
    return PlannedRun(*way, batch, accumulation, memory, memory.total <= device.memory)


def _in_smaller_batches(
    model: DepthAnythingForDepthEstimation, arguments: PlanArguments, device: Device
) -> Iterator[PlannedRun]:
    """Yield for each strategy the largest micro-batch that fits, with all else that saves memory."""
    images = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    lists = (arguments.mixed_precision, arguments.gradient_checkpointing, arguments.optimizer)
    precision, checkpointing, optimizer = (each[-1] for each in lists)
    for strategy in arguments.encoder_strategy:
        way = (strategy, precision, checkpointing, optimizer)
        for batch in range(arguments.per_device_train_batch_size - 1, 0, -1):
            if images % batch:
                continue
            training = replace(
                _training_arguments(arguments, *way),
                per_device_train_batch_size=batch,
                gradient_accumulation_steps=images // batch,
            )
            found = _planned(model, arguments, device, way, training)
            if found.fits or batch == 1:
                yield found
                break


def _rates(
    config: DepthAnythingConfig,
    arguments: PlanArguments,
    device: Device,
    ways: list[tuple[TrainingArguments, PlannedRun]],
) -> dict[str, float | None]:
    """Return operations a second by precision, as far as they are known."""
    rates: dict[str, float | None] = {}
    for precision in arguments.mixed_precision:
        peak = device.single if precision == "no" else device.half
        if peak is not None:
            rates[precision] = peak * arguments.utilisation
        elif arguments.device == HERE and arguments.measure:
            fitting = [each for each in ways if each[1].fits and each[0].mixed_precision == precision]
            if fitting:
                training, run = fitting[0]
                rates[precision] = run.memory.operations / measure_seconds(config, training, arguments.input_size)
    return rates


def measure_seconds(config: DepthAnythingConfig, training: TrainingArguments, side: int) -> float:
    """Return the seconds of a micro-batch on the device here, the second of two, of a model with random weights.

    Args:
        config: of the model.
        training: how it is trained.
        side: of the images.
    """
    training = replace(training, gradient_accumulation_steps=1)
    batch = training.per_device_train_batch_size
    random = torch.Generator().manual_seed(0)
    pixels, labels = (
        torch.randn(batch, 3, side, side, generator=random),
        torch.rand(batch, side, side, generator=random),
    )
    with own_accelerate_state():
        accelerator = training_accelerator(training)
        with allocator_for_training(accelerator.device, saves_memory=training.gradient_checkpointing):
            model = DepthAnythingForDepthEstimation(config)
            # The first step that trains all that is ever trained.
            step = 1 + EncoderStrategy.parse(training.encoder_strategy).frozen_steps
            engine = Engine(accelerator, model, SupervisedRelative(), training, RATES, total_steps=step + 1)
            engine.train_mode()
            images = {"pixel_values": pixels.to(accelerator.device), "labels": labels.to(accelerator.device)}
            seconds = 0.0
            for _ in range(2):
                start = time.perf_counter()
                engine.accumulate({**images, "name": ["planned"] * batch}, 0.0, step)
                engine.normalize_gradients()
                engine.clip_gradients()
                engine.step(torch.zeros((), device=accelerator.device))
                if accelerator.device.type == "cuda":
                    torch.cuda.synchronize(accelerator.device)
                seconds = time.perf_counter() - start
    return seconds


__all__ = ["Plan", "PlanArguments", "PlannedRun", "measure_seconds", "plan"]
