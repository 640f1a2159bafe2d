# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and time of a run before it starts, for many ways to train: what fits, and what has to change until it does.

Memory is predicted by `memory_estimate`. Time is the number of floating-point operations, what is recomputed included,
by the rate of the device: measured by two steps on the device at hand, or its peak times a share.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import torch

from ..models.configuration_depth_anything import DepthAnythingConfig
from ..models.loading import load_config
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.processes import own_accelerate_state
from .arguments import TrainingArguments
from .devices import HERE, Device, find_device
from .encoder_strategy import EncoderStrategy
from .engine import Engine
from .memory import allocator_for_training
from .memory_estimate import estimate_around
from .objectives import SupervisedRelative
from .optim import LearningRates
from .plan_arguments import CHECKPOINTING, PlanArguments
from .planned_runs import Plan, PlannedRun, Way
from .processes import training_accelerator
from .sharding_rules import require_shardable
from .simulated_step import SimulatedStep, simulate_step


SIZES = ("tiny", "small", "base", "large", "giant")
# Any will do: nothing is trained.
RATES = LearningRates(encoder=5e-6, decoder=5e-5, reason="for a measurement")


def plan(arguments: PlanArguments) -> Plan:
    """Predict memory and time of all ways to train; nothing is trained but two steps where that is asked for.

    Raises:
        ValueError: an unknown device, strategy, precision or optimizer, or one that cannot be divided over processes.
    """
    device = find_device(arguments.device, arguments.device_memory, arguments.device_tflops)
    config = _config_of(arguments.model)
    planner = _Planner(config, arguments, device)
    runs = [planner.plan(way) for way in _ways(arguments)]
    result = Plan(device, runs, arguments.max_steps)
    fitting = {each.encoder_strategy for each in runs if each.fits}
    for strategy in dict.fromkeys(arguments.encoder_strategy):
        if strategy not in fitting:
            result.smaller += planner.plan_to_save_more(strategy)
    rates = planner.rates([*runs, *result.smaller])
    for run in (*runs, *result.smaller):
        rate = rates.get(run.mixed_precision)
        if rate is not None:
            run.seconds = run.memory.operations * run.accumulation / rate
    return result


def _ways(arguments: PlanArguments) -> Iterator[Way]:
    """Yield all ways that are asked for; the first is the wanted one."""
    lists = (arguments.encoder_strategy, arguments.mixed_precision, arguments.gradient_checkpointing)
    batch, accumulation = arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps
    for way in product(*lists, arguments.optimizer):
        yield Way(*way, batch, accumulation, arguments.optimizer_in_backward)


class _Planner:
    """Predicts ways to train, each simulated step once."""

    def __init__(self, config: DepthAnythingConfig, arguments: PlanArguments, device: Device) -> None:
        self._config, self._arguments, self._device = config, arguments, device
        with torch.device("meta"):
            self._model = DepthAnythingForDepthEstimation(config)
        self._steps: dict[tuple[Any, ...], SimulatedStep] = {}

    def plan(self, way: Way) -> PlannedRun:
        """Predict a way to train."""
        training, side = self._training_arguments(way), self._arguments.input_size
        sharded = self._arguments.sharded
        if sharded:
            require_shardable(training, ())
        key = way.all_but_the_optimizer
        if key not in self._steps:
            self._steps[key] = simulate_step(
                self._model, training, (side, side), precision=training.mixed_precision or "no", sharded=sharded
            )
        memory = estimate_around(
            self._steps[key], training, processes=self._arguments.processes, on_cpu=self._device.is_cpu
        )
        return PlannedRun(
            **asdict(replace(way, optimizer=training.optimizer)),
            memory=memory,
            fits=memory.total <= self._device.memory,
        )

    def plan_to_save_more(self, strategy: str) -> Iterator[PlannedRun]:
        """Yield what saves more than all that was asked for: updates in the backward pass, and smaller micro-batches.

        The images of a step stay. The first only where it fits; the second as the largest one that does, or else as
        the smallest one.
        """
        arguments = self._arguments
        lists = (arguments.mixed_precision, arguments.gradient_checkpointing, arguments.optimizer)
        precision, checkpointing, optimizer = (each[-1] for each in lists)
        whole = arguments.per_device_train_batch_size
        images = whole * arguments.gradient_accumulation_steps
        way = Way(strategy, precision, checkpointing, optimizer, whole, images // whole, optimizer_in_backward=True)
        is_possible = images == whole and arguments.processes == 1 and not arguments.sharded and precision != "fp16"
        if is_possible and not arguments.optimizer_in_backward:
            found = self.plan(way)
            if found.fits:
                yield found
        for batch in range(whole - 1, 0, -1):
            if images % batch:
                continue
            found = self.plan(replace(way, batch=batch, accumulation=images // batch, optimizer_in_backward=False))
            if found.fits or batch == 1:
                yield found
                break

    def rates(self, runs: list[PlannedRun]) -> dict[str, float]:
        """Return operations a second by precision, as far as they are known."""
        arguments, rates = self._arguments, dict[str, float]()
        for precision in arguments.mixed_precision:
            peak = self._device.single if precision == "no" else self._device.half
            if peak is not None:
                rates[precision] = peak * arguments.utilisation
            elif arguments.device == HERE and arguments.measure:
                fitting = [each for each in runs if each.fits and each.mixed_precision == precision]
                if fitting:
                    training = self._training_arguments(fitting[0])
                    seconds = measure_seconds(self._config, training, arguments.input_size)
                    rates[precision] = fitting[0].memory.operations / seconds
        return rates

    def _training_arguments(self, way: Way) -> TrainingArguments:
        options: dict[str, Any] = CHECKPOINTING[way.gradient_checkpointing]
        return TrainingArguments(
            "unused",
            per_device_train_batch_size=way.batch,
            gradient_accumulation_steps=way.accumulation,
            encoder_learning_rate=RATES.encoder,
            decoder_learning_rate=RATES.decoder,
            encoder_strategy=way.encoder_strategy,
            mixed_precision=way.mixed_precision,
            optimizer=way.optimizer,
            optimizer_in_backward=way.optimizer_in_backward,
            max_grad_norm=self._arguments.max_grad_norm,
            **options,
        )


def _config_of(model: str) -> DepthAnythingConfig:
    if model in SIZES:
        return DepthAnythingConfig.from_size(model)  # type: ignore[arg-type]
    config = load_config(model, {})
    if config.model_type != DepthAnythingConfig.model_type:
        raise ValueError(
            f"{model} is a {config.model_type!r} model, expected one of {SIZES} or a Depth Anything model"
        )
    return DepthAnythingConfig.from_dict(config.to_dict())


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
