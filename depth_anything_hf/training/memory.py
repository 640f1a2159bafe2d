# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory of a training process: how much it took at most, and whether a CPU keeps what tensors have freed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from ..cpu.memory import keep_freed_memory, return_every_block, return_freed_memory


LINUX_STATUS = Path("/proc/self/status")


def peak_memory_mib(device: torch.device) -> float:
    """Return the most memory used so far: allocated by torch on a GPU, resident of this process elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return _peak_resident_bytes() / 2**20


def _peak_resident_bytes() -> int:
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        # Windows.
        return int(memory.peak_wset)
    with suppress(OSError):
        # Not resource's ru_maxrss where there is a choice: a process starts with that of the one that launched it.
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", LINUX_STATUS.read_text(), re.MULTILINE)
        if peak is not None:
            return int(peak[1]) * 1024
    try:
        import resource
    except ImportError:
        return int(memory.rss)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def allocator_for_training(device: torch.device, *, saves_memory: bool) -> Iterator[None]:
    """Context manager: while it lasts, the C library's allocator suits training on a CPU; elsewhere nothing changes.

    Args:
        device: the training device.
        saves_memory: give every block back when it is freed, as suits gradient checkpointing, instead of keeping all.
    """
    if device.type != "cpu":
        yield
        return
    if saves_memory:
        return_every_block()
    else:
        keep_freed_memory()
    try:
        yield
    finally:
        return_freed_memory()


__all__ = ["allocator_for_training", "peak_memory_mib"]
