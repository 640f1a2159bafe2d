# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Train and distil on any number of processes, with checkpoints that are models and exact resume.

- `trainer`: `fit` and its loop, from top to bottom
- `fit_result`: what `fit` is given, and what a run leaves behind
- `due`: log, picture, evaluation, checkpoint or end after a step
- `callbacks`: callbacks of `transformers`, their state and control
- `argument_rules`: which values the arguments may have
- `arguments`: `TrainingArguments`, which are flags, recipe and record in one
- `objectives`: from a batch to a loss: supervised relative and metric training, distillation
- `objective_parts`: an objective's own parameters and models, found, trained, moved and saved
- `terms`: the numbers that an objective returns, checked
- `online_teacher`: a frozen depth model that labels images while a student is trained
- `auto_batch`: the largest micro-batch that fits, found before a run
- `dry_run`: two steps without a file written, and what they show
- `engine`: model, optimizer, schedule and averaged weights, prepared by Accelerate
- `activation_checkpointing`: which layers' activations are computed again in the backward pass
- `model_state`: what a training does to a model beside its weights is undone at its end
- `weight_precision`: trained weights in float32, or in bfloat16 by choice
- `adapters`: a model with adapters of peft: what is trained, and how it is saved
- `optimizers`: AdamW and those with a smaller state
- `adafactor`: an optimizer whose state is a row and a column for each matrix
- `backward_update`: optimizer steps inside the backward pass, one gradient at a time
- `encoder_strategy`: what of the encoder is trained, at which share of its rate, from when on
- `lora`: adapters of low rank, added to the encoder for a run and merged at its end
- `encoder_warmup`: an encoder that is frozen for some steps, and then trained
- `trained_parameters`: which parameters a run trains, and how many
- `drop_path`: layers of the encoder that some images skip
- `start_decay`: weights are pulled to where they started
- `clipping`: gradients of the model, or of each part, clipped to a norm
- `optim`: parameter groups, learning rates, schedule, averaged weights
- `prefetch`: the batches of this process on its device, read ahead
- `step_status`: per-step status, all-reduced on the device and read one step later
- `health`: skipped steps and broken samples, counted and named, and when the run must end
- `early_stopping`: a run ends when its held-out scores stay as they are
- `forgetting`: scores on the new and the old domain, before a run and after it
- `held_out`: the held-out sets of a run, and what their scores decide
- `validation`: scores on held-out images during training, and which model is the best
- `report_to`: which trackers a run reports to
- `tracking`: log, averages between its entries, trackers
- `summary`: `results.csv` and `training.png`, made of the log
- `previews`: pictures of training images and of the model card
- `state`: progress, geometry and random numbers of a run, and the files that hold them
- `checkpoint_writer`: checkpoints, the best and the final model, with their cards
- `checkpoint_finder`: the newest whole checkpoint, and which ones are deleted
- `description`: objective and data as plain values, by which runs are told apart
- `changes`: what differs between a run and its continuation: refused, or allowed and recorded
- `run_folder`: what a run writes in its folder, and files there that are the user's
- `run_record`: `training_arguments.json`, which makes a run what it is
- `resume`: what must be as before, and how a checkpoint is loaded
- `processes`: how the processes of a run are set up, decide together and speak
- `rank_failures`: an error of one rank ends all of them at once
- `distributed`: sharded models, their whole weights and their saved state
- `memory_estimate`: memory that a run needs on each GPU, predicted without one
- `simulated_step`: a step with tensors that have no memory, for its bytes and operations
- `plan`: memory and time of many ways to train, and which of them fit a device
- `plan_arguments`: what is planned
- `planned_runs`: what each planned run takes, what has to change until it fits, and the table
- `devices`: memory and speed of the device here and of GPUs by name
- `start_warnings`: what a run is warned of before its first step
- `sharding_rules`: what FSDP2 and DeepSpeed ask of a training
- `memory`: peak memory, and the allocator of a process that trains on a CPU
- `signals`: SIGTERM and SIGINT end a run with its state saved

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .arguments import TrainingArguments
    from .dry_run import DryRunReport, dry_run_step
    from .fit_result import FitResult
    from .objectives import Distillation, SupervisedMetric, SupervisedRelative
    from .online_teacher import OnlineTeacher
    from .signals import RunInterrupted
    from .trainer import fit
    from .validation import Evaluation

_MODULES = {
    "Distillation": "objectives",
    "DryRunReport": "dry_run",
    "Evaluation": "validation",
    "FitResult": "fit_result",
    "OnlineTeacher": "online_teacher",
    "RunInterrupted": "signals",
    "SupervisedMetric": "objectives",
    "SupervisedRelative": "objectives",
    "TrainingArguments": "arguments",
    "dry_run_step": "dry_run",
    "fit": "trainer",
}

__all__ = [
    "Distillation",
    "DryRunReport",
    "Evaluation",
    "FitResult",
    "OnlineTeacher",
    "RunInterrupted",
    "SupervisedMetric",
    "SupervisedRelative",
    "TrainingArguments",
    "dry_run_step",
    "fit",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
