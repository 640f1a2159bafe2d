# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Accelerate's `Accelerator`, made so that the processes of every launcher find each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch


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
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE") or 1) < 2:
        return False
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return device is None or device.type in WITHOUT_COLLECTIVES


__all__ = ["make_accelerator", "needs_cpu_backend"]
