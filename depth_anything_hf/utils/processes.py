# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Accelerate's `Accelerator`, made so that the processes of every launcher find each other, and its global state."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from .environment import environment_number


if TYPE_CHECKING:
    from accelerate import Accelerator

# Devices of torch between which there are no collective operations.
WITHOUT_COLLECTIVES = ("cpu", "mps")


def make_accelerator(**options: Any) -> Accelerator:
    """Make an `Accelerator`; several processes on a machine without GPUs join over gloo, whoever launched them.

    Accelerate joins processes on CPUs only if it is told so: `accelerate launch` does, `torchrun` and Slurm do not.
    Each process would then run as if it were the only one.

    Args:
        **options: of `Accelerator`.
    """
    # It takes seconds to import.
    from accelerate import Accelerator

    if needs_cpu_backend():
        options.setdefault("cpu", True)
    return Accelerator(**options)


def needs_cpu_backend() -> bool:
    """Return whether this is one of several processes, as their launcher's environment says, without a GPU."""
    if "RANK" not in os.environ or environment_number("WORLD_SIZE", default=1, at_least=1) < 2:
        return False
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return device is None or device.type in WITHOUT_COLLECTIVES


def is_first_process() -> bool:
    """Return whether this process speaks for the launch, as its launcher's environment says; the only one does."""
    return environment_number("RANK") == 0


@contextmanager
def own_accelerate_state() -> Iterator[None]:
    """Context manager: what Accelerate keeps for the whole process, precision and accumulation, is one's own inside.

    An `Accelerator` made inside inherits nothing of an earlier one, and afterwards everything is as it was: another
    training with other arguments, `transformers.Trainer` or an `Accelerator` that is in use go on. The process group
    of a launch is shared, and so is a device that was chosen before.
    """
    from accelerate.state import AcceleratorState, DistributedType, GradientState, PartialState

    outer_states = AcceleratorState._shared_state, GradientState._shared_state
    joined_before = PartialState._shared_state != {}
    # Objects of Accelerate hold the dict itself, so that those made outside keep theirs, and those made inside too.
    AcceleratorState._shared_state, GradientState._shared_state = (type(state)() for state in outer_states)
    try:
        yield
    finally:
        AcceleratorState._shared_state, GradientState._shared_state = outer_states
        is_alone = PartialState._shared_state.get("distributed_type") == DistributedType.NO
        if is_alone and not joined_before:
            PartialState._reset_state()


def end_trackers(accelerator: Accelerator) -> None:
    """Close the trackers of an `Accelerator`.

    `Accelerator.end_training` would destroy the process group too, which a later training in this process needs; see
    `leave_group_at_exit`.
    """
    for tracker in accelerator.trackers:
        tracker.finish()
    accelerator.trackers = []


@cache
def leave_group_at_exit() -> None:
    """Destroy the process group, if there is one, when the process exits."""
    atexit.register(_leave_group)


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


__all__ = [
    "end_trackers",
    "is_first_process",
    "leave_group_at_exit",
    "make_accelerator",
    "needs_cpu_backend",
    "own_accelerate_state",
]
