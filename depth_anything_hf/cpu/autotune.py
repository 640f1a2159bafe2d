# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Kernel choice by measurement, once for each processor, precision, number of threads and size.

Measurements are kept in a file. The processes of a machine measure one after the other and follow the first,
so that all of them compute with the same kernels, now and after a stop.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias, cast

import torch
from filelock import FileLock, Timeout
from huggingface_hub.constants import HF_HOME
from torch import Tensor


logger = logging.getLogger(__name__)

CpuKernels: TypeAlias = Literal["auto", "on", "off"]
SETTINGS = ("auto", "on", "off")
SETTING_VARIABLE = "DEPTH_ANYTHING_HF_CPU_KERNELS"
MEASUREMENTS_FILE = Path(HF_HOME) / "depth_anything_hf" / "cpu_kernels.json"
# The longest wait for another process that measures.
LOCK_SECONDS = 60.0

DTYPES = (torch.float32, torch.bfloat16)

# Ours has to win clearly, so that noise does not decide where there is little to gain.
LARGEST_SHARE_OF_TIME = 0.97
REPETITIONS = 5

_lock = threading.RLock()
# What this process follows.
_choices: dict[str, bool] = {}


def _as_setting(value: str) -> CpuKernels:
    if value not in SETTINGS:
        raise ValueError(
            f"the setting of the CPU kernels must be one of {', '.join(SETTINGS)}, got {value!r}; it comes from "
            f"set_cpu_kernels or the environment variable {SETTING_VARIABLE}"
        )
    return cast(CpuKernels, value)


_setting: CpuKernels = _as_setting((os.environ.get(SETTING_VARIABLE) or "auto").strip().lower())


def set_cpu_kernels(setting: CpuKernels) -> CpuKernels:
    """Choose the CPU kernels of the whole process, as the environment variable `SETTING_VARIABLE` does at import.

    Args:
        setting: "auto" measures, "on" takes ours for every size that is large enough, "off" takes PyTorch's.

    Returns:
        The previous setting.

    Raises:
        ValueError: another setting.
    """
    global _setting
    before, _setting = _setting, _as_setting(setting)
    return before


def cpu_kernels() -> CpuKernels:
    """Return the setting of this process, see `set_cpu_kernels`."""
    return _setting


def stored_kernel_choices() -> dict[str, bool]:
    """Return the stored choices for this processor, its instructions and this torch; see `kernel_choices`."""
    return {key: choice for key, choice in _read_choices().items() if key.startswith(_key_of_machine())}


def kernel_choices() -> dict[str, bool]:
    """Return this process's choices: a description of processor, threads and size -> whether ours is used.

    Kernels differ in the last bits, so a run that must resume bit for bit stores this.
    """
    with _lock:
        return dict(_choices)


def adopt_kernel_choices(choices: dict[str, bool]) -> None:
    """Follow the choices of another process, whatever was measured here; see `kernel_choices`."""
    with _lock:
        _choices.update(choices)


def may_choose(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Return whether there is a choice at all; compilers and exporters see PyTorch's own operations."""
    return (
        _setting != "off"
        and tensor.device.type == "cpu"
        and dtype in DTYPES
        and not torch.compiler.is_compiling()
        # torch exports it without saying so, and does not annotate it.
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    )


def ours_wins(kind: str, dtype: torch.dtype, training: bool, size: str, measure: Callable[[], float]) -> bool:
    """Return whether our kernel is the faster one, where `may_choose` says that there is a choice.

    Args:
        kind: of kernel.
        dtype: precision of the computation.
        training: whether gradients will be computed.
        size: description of the operands; calls with equal ones share a choice.
        measure: returns the time of our kernel as a share of the standard one's; called once for each size.
    """
    if _setting == "on":
        return True
    key = _key(kind, dtype, training, size)
    with _lock:
        if key not in _choices:
            with _only_process():
                stored = _read_choices()
                if key not in stored:
                    stored[key] = measure() < LARGEST_SHARE_OF_TIME
                    _write_choices(stored)
                _choices[key] = stored[key]
        return _choices[key]


def share_of_time(
    standard: Callable[..., Tensor], ours: Callable[..., Tensor], inputs: list[Tensor], training: bool
) -> float:
    """Measure the time of ours as a share of the standard's, with the gradients when training.

    Both run in turns and the median of the shares counts, which other processes hardly disturb.
    """

    def seconds(function: Callable[..., Tensor]) -> float:
        start = time.perf_counter()
        output = function(*inputs)
        if training:
            torch.autograd.grad(output, inputs, torch.ones_like(output))
        return time.perf_counter() - start

    with (
        torch.inference_mode(not training),
        torch.set_grad_enabled(training),
        torch.autocast("cpu", enabled=False),
        # Activation checkpointing counts what is saved for the backward pass, and this is not part of it.
        torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is),
    ):
        seconds(standard), seconds(ours)
        return statistics.median(seconds(ours) / seconds(standard) for _ in range(REPETITIONS))


def random_tensor(*shape: int, dtype: torch.dtype, training: bool) -> Tensor:
    """Draw a tensor to measure with, without touching the caller's random state."""
    with torch.inference_mode(False):
        values = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
        return values.to(dtype).requires_grad_(training)


def power_of_two(number: int) -> int:
    """Return the largest power of two up to the number."""
    return 1 << max(0, number.bit_length() - 1)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


@functools.cache
def processor_name() -> str:
    """Return the processor's name; cached, because every call of a kernel asks for it and the file can be long."""
    if platform.system() == "Linux":
        with suppress(OSError):
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _key_of_machine() -> str:
    return " | ".join((processor_name(), torch.backends.cpu.get_cpu_capability(), f"torch {torch.__version__} | "))


def _key(kind: str, dtype: torch.dtype, training: bool, size: str) -> str:
    parts = (
        f"{torch.get_num_threads()} threads",
        kind,
        str(dtype).removeprefix("torch."),
        "training" if training else "inference",
        size,
    )
    return _key_of_machine() + " | ".join(parts)


@contextmanager
def _only_process() -> Iterator[None]:
    """Wait until no other process of this machine measures; where files cannot be locked, measure without a lock."""
    lock = None
    with suppress(OSError, NotImplementedError):
        MEASUREMENTS_FILE.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{MEASUREMENTS_FILE}.lock")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            logger.warning(
                "another process has held %s.lock for %d seconds; measuring beside it, which makes times less exact",
                MEASUREMENTS_FILE,
                LOCK_SECONDS,
            )
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _read_choices() -> dict[str, bool]:
    with suppress(OSError, ValueError):
        stored = json.loads(MEASUREMENTS_FILE.read_text(encoding="utf-8"))
        if isinstance(stored, dict):
            return {str(key): choice for key, choice in stored.items() if isinstance(choice, bool)}
    return {}


def _write_choices(choices: dict[str, bool]) -> None:
    with suppress(OSError):
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=MEASUREMENTS_FILE.parent, suffix=".tmp", delete=False
        ) as file:
            json.dump(choices, file, indent=1, sort_keys=True)
        os.replace(file.name, MEASUREMENTS_FILE)
