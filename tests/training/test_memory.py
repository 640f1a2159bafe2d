# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory of a training process: what its allocator keeps while a run lasts."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import ANCHORED

from depth_anything_hf.training import memory
from depth_anything_hf.training.memory import peak_memory_mib
from depth_anything_hf.training.objectives import SupervisedRelative


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


OWN_PROCESS = "DEPTH_ANYTHING_HF_TEST_OF_KEPT_MEMORY"


WINDOWS = SimpleNamespace(rss=200 * 2**20, peak_wset=300 * 2**20)
ELSEWHERE = SimpleNamespace(rss=200 * 2**20)


class AllocatorState(ctypes.Structure):
    """What glibc's mallinfo2 returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def allocator_state() -> AllocatorState:
    describe = ctypes.CDLL(None).mallinfo2
    describe.restype = AllocatorState
    return describe()


# A run holds FEW blocks, so that the gaps that may be left of them in the heap have no room for half of MANY.
FEW, MANY = 4, 64


def mapped_blocks(number: int, mebibytes: int) -> int:
    """How many of so many blocks, all held at once and never touched, the C library has mapped each by itself."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    before = allocator_state().hblks
    held = [library.malloc(mebibytes * 2**20) for _ in range(number)]
    mapped = allocator_state().hblks - before
    assert None not in held
    for block in held:
        library.free(block)
    return mapped


def kept_mebibytes(number: int, mebibytes: int) -> float:
    """How much larger the heap still is after so many blocks have been held and freed."""
    before = allocator_state().arena
    mapped_blocks(number, mebibytes)
    return (allocator_state().arena - before) / 2**20


# The peak first, while nothing has raised it.
IN_A_NEW_PROCESS = (
    "test_the_peak_is_that_of_the_process",
    "test_a_run_on_a_cpu_keeps_freed_memory_while_it_lasts[False]",
    "test_a_run_on_a_cpu_keeps_freed_memory_while_it_lasts[True]",
    "test_a_run_on_a_cpu_with_checkpointing_returns_every_block",
)


@cache
def run_in_a_new_process() -> str:
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"]
    command += [f"{__file__}::{name}" for name in IN_A_NEW_PROCESS]
    done = subprocess.run(command, env=os.environ | {OWN_PROCESS: "1"}, capture_output=True, text=True)
    return done.stdout + done.stderr


def passes_in_a_new_process(request: pytest.FixtureRequest) -> bool:
    """Run the tests of a list once in a new process, and say there by False that it is the one.

    After an allocation that failed, in any earlier test, glibc moves a thread to another arena for good, and those
    have no room for large blocks.
    """
    if OWN_PROCESS in os.environ:
        return False
    passed = [line.rpartition("::")[2] for line in run_in_a_new_process().splitlines() if line.startswith("PASSED ")]
    assert request.node.name in passed, run_in_a_new_process()
    return True


needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="the setting and the count of mapped blocks are the GNU C library's, from 2.33 on",
)


@needs_glibc
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_on_a_cpu_keeps_freed_memory_while_it_lasts(request, tmp_path, train, make_tiny_model, fails):
    if passes_in_a_new_process(request):
        return
    mapped, kept = [], []

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        kept.append(kept_mebibytes(FEW, 64))
        mapped.append(mapped_blocks(FEW, 64))
        if fails:
            raise KeyboardInterrupt
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    assert mapped_blocks(MANY, 64) > MANY / 2
    with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
        train(tmp_path, make_tiny_model(), objective=objective, max_steps=1)
    assert mapped == [0] and kept[0] > FEW / 2 * 64
    assert mapped_blocks(MANY, 64) > MANY / 2
    assert kept_mebibytes(MANY, 16) <= 64


@needs_glibc
def test_a_run_on_a_cpu_with_checkpointing_returns_every_block(request, tmp_path, train, make_tiny_model):
    if passes_in_a_new_process(request):
        return
    mapped: list[int] = []

    def objective(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        mapped.append(mapped_blocks(MANY, 1))
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    # Whoever has freed large blocks takes those of one mebibyte from the heap.
    mapped_blocks(1, 31)
    assert mapped_blocks(MANY, 1) == 0
    train(tmp_path, make_tiny_model(), objective=objective, max_steps=1, gradient_checkpointing=True)
    assert len(mapped) == 1 and mapped[0] > MANY / 2
    assert mapped_blocks(MANY, 1) == 0 and mapped_blocks(MANY, 64) > MANY / 2


def test_the_peak_is_that_of_the_process(request):
    if passes_in_a_new_process(request):
        # Tests before this one may have had a higher peak.
        return
    before = peak_memory_mib(torch.device("cpu"))
    # Touched, so that it becomes resident.
    large = np.ones(64 * 2**20, dtype=np.uint8)
    assert 20 < before < before + 32 < peak_memory_mib(torch.device("cpu")) < 1e6
    del large
    assert peak_memory_mib(torch.device("cpu")) > before + 32, "memory that was given back counts"


def test_windows_tells_the_peak_itself(monkeypatch):
    monkeypatch.setattr(memory.psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: WINDOWS))
    assert peak_memory_mib(torch.device("cpu")) == 300.0


def test_without_the_resource_module_the_present_size_is_told(monkeypatch):
    monkeypatch.setattr(memory.psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: ELSEWHERE))
    monkeypatch.setattr(memory, "LINUX_STATUS", Path("/nowhere"))
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_mib(torch.device("cpu")) == 200.0


PEAK = """
import torch
from depth_anything_hf.training.memory import peak_memory_mib
print(peak_memory_mib(torch.device("cpu")))
"""


@pytest.mark.skipif(not memory.LINUX_STATUS.exists(), reason="elsewhere the system's count is all there is")
def test_the_peak_of_the_process_that_launched_a_run_does_not_count():
    large = np.ones(1 << 30, dtype=np.uint8)
    done = subprocess.run([sys.executable, "-c", PEAK], env=os.environ, capture_output=True, text=True, check=True)
    assert 20 < float(done.stdout) < len(large) / 2**20
