# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The largest micro-batch that fits: found by a step of each size, with the images of an optimizer step kept."""

from __future__ import annotations

import copy
import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import torch
from accelerate import Accelerator
from accelerate.utils import find_executable_batch_size, set_seed

from ..data.item_mixture import training_data
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.processes import own_accelerate_state
from .adapters import without_wrapper
from .arguments import TrainingArguments
from .encoder_strategy import EncoderStrategy
from .engine import Engine, Objective
from .memory import allocator_for_training
from .memory_estimate import GIB, MemoryEstimate
from .optim import LearningRates
from .prefetch import open_batches
from .processes import print_on_main, training_accelerator
from .run_record import read_record
from .start_warnings import predict_memory
from .state import random_state, set_random_state


# They change nothing.
RATES = LearningRates(encoder=0.0, decoder=0.0, reason="for a trial")


def settle_batch(
    arguments: TrainingArguments, model: DepthAnythingForDepthEstimation, objective: Objective, train_data: Any
) -> TrainingArguments:
    """Return arguments with the micro-batch to train with; without `auto_batch` they are as they were.

    The images of an optimizer step stay per_device_train_batch_size x gradient_accumulation_steps. A run that is
    resumed keeps what was found at its start.

    Args:
        arguments: the training arguments.
        model: as for `fit`; steps are taken with copies of it, at rates of 0.
        objective: as for `fit`; its own parameters stay as they are.
        train_data: as for `fit`; its first images are read.

    Raises:
        ValueError: several processes, or not even the smallest micro-batch fits.
    """
    if not arguments.auto_batch:
        return arguments
    images = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    earlier = _recorded(arguments, images)
    if earlier is not None:
        return earlier
    sizes = _divisors(images, 2 if arguments.cutmix_probability > 0 else 1)
    remaining = iter(sizes[1:])
    random_numbers = random_state()

    def attempt(batch_size: int) -> TrainingArguments:
        found = _divided(arguments, images, batch_size)
        _take_step(found, copy.deepcopy(model), objective, train_data)
        return found

    # 0: nothing smaller is left.
    search: Any = find_executable_batch_size(
        attempt, starting_batch_size=sizes[0], reduce_batch_size_fn=lambda: next(remaining, 0)
    )
    try:
        found: TrainingArguments = search()
    except RuntimeError as error:
        if "No executable batch size" not in str(error):
            raise
        raise ValueError(
            f"auto_batch: not even a micro-batch of {sizes[-1]} fits into memory; see `depth-anything-hf plan` for "
            "what takes less, e.g. gradient_checkpointing, mixed_precision bf16 or optimizer adafactor"
        ) from error
    finally:
        set_random_state(random_numbers)
    return found


def _recorded(arguments: TrainingArguments, images: int) -> TrainingArguments | None:
    """Return the arguments with the micro-batch that the run had before, if it has images of that number."""
    if arguments.resume_from_checkpoint is None:
        return None
    places = [Path(arguments.output_dir)]
    if arguments.resume_from_checkpoint != "latest":
        places.append(Path(arguments.resume_from_checkpoint).resolve().parent)
    for place in places:
        record = read_record(place)
        if record is not None:
            size = int(record["per_device_train_batch_size"])
            if size * int(record["gradient_accumulation_steps"]) == images:
                return _divided(arguments, images, size)
    return None


def _divided(arguments: TrainingArguments, images: int, size: int) -> TrainingArguments:
    return replace(arguments, per_device_train_batch_size=size, gradient_accumulation_steps=images // size)


def _divisors(images: int, smallest: int) -> list[int]:
    return [size for size in range(images, smallest - 1, -1) if images % size == 0]


def _take_step(arguments: TrainingArguments, model: Any, objective: Objective, train_data: Any) -> None:
    """Take a step, or raise the error of an allocator: on a CPU already where too little memory is predicted."""
    # Micro-batches behind the second one need no more memory.
    micro_batches = min(2, arguments.gradient_accumulation_steps)
    trial = replace(arguments, gradient_accumulation_steps=micro_batches, dataloader_num_workers=0)
    with own_accelerate_state():
        accelerator = training_accelerator(trial)
        if accelerator.num_processes > 1:
            raise ValueError(
                f"auto_batch works with one process, and this launch has {accelerator.num_processes}: find the batch "
                "by one of them, or by `depth-anything-hf plan`, and give it as per_device_train_batch_size"
            )
        set_seed(arguments.seed)
        data = training_data(train_data, arguments.seed)
        _require_memory(arguments, model, objective, data, accelerator)
        with allocator_for_training(accelerator.device, saves_memory=arguments.gradient_checkpointing):
            # The first step that trains all that is ever trained.
            step = 1 + EncoderStrategy.parse(trial.encoder_strategy).frozen_steps
            engine = Engine(accelerator, without_wrapper(model), objective, trial, RATES, total_steps=step + 1)
            engine.train_mode()
            batches = open_batches(trial, data, accelerator, last_step=1, reads_ahead=False)
            for _ in range(trial.gradient_accumulation_steps):
                batch = next(batches)
                batch.pop("broken", None)
                engine.accumulate(batch, 0.0, step)
            engine.normalize_gradients()
            norm = engine.clip_gradients()
            engine.step((~torch.isfinite(norm)).float())
    size, count = arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps
    print_on_main(
        accelerator, f"auto_batch: micro-batches of {size}, {count} a step{_what_depends(arguments, objective)}"
    )


def _what_depends(arguments: TrainingArguments, objective: Objective) -> str:
    """Return what of a run depends on the size of its micro-batches, as the end of a line; "" where nothing does."""
    found = []
    if getattr(inspect.unwrap(objective), "silog_over", None) == "batch":
        found.append("SILog is taken over each of them (silog_over batch)")
    if arguments.cutmix_probability > 0:
        found.append("CutMix pairs the images of each")
    return f"; their size has a part in the result: {' and '.join(found)}" if found else ""


def _require_memory(
    arguments: TrainingArguments, model: Any, objective: Objective, data: Any, accelerator: Accelerator
) -> None:
    if accelerator.device.type != "cpu":
        return
    estimate = predict_memory(model, objective, arguments, data, accelerator.mixed_precision, on_cpu=True)
    process = psutil.Process().memory_info().rss
    available = psutil.virtual_memory().available + process
    if isinstance(estimate, MemoryEstimate) and estimate.total > available:
        # A CPU's system gives memory that it does not have and ends the process when it is used; in the words of the
        # allocator, for which Accelerate looks.
        raise RuntimeError(
            f"DefaultCPUAllocator: can't allocate memory: {estimate} by prediction, of {available / GIB:.1f} GiB"
        )


__all__ = ["settle_batch"]
