# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The processes of a run: set-up, decisions of the main process for all, and output by one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import (
    AutocastKwargs,
    DataLoaderConfiguration,
    GradientAccumulationPlugin,
    ProjectConfiguration,
    broadcast_object_list,
    get_mixed_precision_context_manager,
)
from tqdm import tqdm

from ..utils.processes import make_accelerator
from .arguments import TrainingArguments
from .distributed import fsdp_plugin
from .report_to import OwnTracker, chosen_trackers


Decision = TypeVar("Decision")


def training_accelerator(arguments: TrainingArguments, folder: Path | None = None) -> Accelerator:
    """Return the `Accelerator` that a run with these arguments needs.

    Args:
        arguments: the training arguments.
        folder: the run folder, for its trackers; None without them.
    """
    options: dict[str, Any] = {}
    if folder is not None:
        options["project_config"] = ProjectConfiguration(project_dir=str(folder), logging_dir=str(folder / "logs"))
        trackers = chosen_trackers(arguments.report_to)
        options["log_with"] = [each.tracker if isinstance(each, OwnTracker) else each for each in trackers] or None
    if arguments.gradient_checkpointing:
        # Each weight is used once in a pass, and its rounded copy would be kept to the end of it.
        options["kwargs_handlers"] = [AutocastKwargs(cache_enabled=False)]
    return make_accelerator(
        mixed_precision=arguments.mixed_precision,
        # Instead of the number alone, which an environment variable of Accelerate would overrule.
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=arguments.gradient_accumulation_steps),
        dataloader_config=DataLoaderConfiguration(non_blocking=True),
        fsdp_plugin=fsdp_plugin(),
        **options,
    )


def autocast(accelerator: Accelerator) -> AbstractContextManager[Any]:
    """Return the context manager of a run's mixed precision, which ends with its block.

    `Accelerator.autocast` of 1.10 does not end it where the block raises: all that the process computes afterwards is
    rounded.
    """
    context: AbstractContextManager[Any] = get_mixed_precision_context_manager(
        accelerator.native_amp, accelerator.autocast_handler
    )
    return context


def decide_on_main(accelerator: Accelerator, decide: Callable[[], Decision]) -> Decision:
    """Call a function on the main process only, and broadcast its result or its error to all.

    Args:
        accelerator: the run's `Accelerator`; every process must call this.
        decide: called on the main process; its result must be picklable.

    Raises:
        ValueError, OSError: what `decide` raised, on every process.
    """
    outcome: list[Any] = [None, None]
    if accelerator.is_main_process:
        try:
            outcome[0] = decide()
        except (ValueError, OSError) as error:
            outcome[1] = error
    broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return cast(Decision, outcome[0])


def on_any_process(accelerator: Accelerator, own: bool) -> bool:
    """Return whether `own` is true on any process; every process must call this, and waits for its device."""
    flag = torch.tensor(float(own), device=accelerator.device)
    return bool(accelerator.reduce(flag, reduction="sum").item() > 0)


def print_on_main(accelerator: Accelerator, text: str) -> None:
    """Print a line on the main process, above a progress bar."""
    if accelerator.is_main_process:
        tqdm.write(text)


def progress_bar(accelerator: Accelerator, done: int, total: int) -> tqdm[NoReturn]:
    """Return a bar of optimizer steps, which only the main process shows."""
    return tqdm(total=total, initial=done, desc="train", disable=not accelerator.is_main_process, dynamic_ncols=True)


__all__ = ["autocast", "decide_on_main", "on_any_process", "print_on_main", "progress_bar", "training_accelerator"]
