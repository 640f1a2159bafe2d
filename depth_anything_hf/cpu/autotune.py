# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Kernel choice by measurement, for each processor, precision, number of threads and size.

What was measured on a quiet machine is kept in a file for a month. The processes of a machine measure one after the
other and follow the first, so that all of them compute with the same kernels, now and after a stop.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, cast

import psutil
import torch
from filelock import FileLock
from huggingface_hub.constants import HF_HOME
from torch import Tensor, nn


logger = logging.getLogger(__name__)

CpuKernels: TypeAlias = Literal["auto", "on", "off"]
SETTINGS = ("auto", "on", "off")
SETTING_VARIABLE = "DEPTH_ANYTHING_HF_CPU_KERNELS"
MEASUREMENTS_FILE = Path(HF_HOME) / "depth_anything_hf" / "cpu_kernels.json"
LONGEST_AGE = timedelta(days=30)
# The longest wait for another process that measures.
LOCK_SECONDS = 60.0

# Ours has to win clearly, so that noise does not decide where there is little to gain.
LARGEST_SHARE_OF_TIME = 0.97
# Share of all processors that others may take while a choice is measured that is kept.
LARGEST_LOAD = 0.1
# The least of many times is hardly disturbed; of a large size there are few.
FEWEST_ROUNDS, SECONDS = 4, 0.3

_lock = threading.RLock()
# What this process follows.
_choices: dict[str, bool] = {}


class Case(NamedTuple):
    """A computation for which there are two kernels."""

    kind: str
    dtype: torch.dtype
    training: bool  # Whether gradients are computed.
    size: tuple[int, ...]  # Rows or tokens first; all between two powers of two share what the first one measures.
    standard: Callable[..., Tensor]
    ours: Callable[..., Tensor]
    shapes: tuple[tuple[int, ...], ...]  # Of the tensors that both kernels take.

    @property
    def name(self) -> str:
        """The case as the file has it, without processor and threads."""
        purpose = "training" if self.training else "inference"
        sizes = "x".join(map(str, (1 << self.size[0].bit_length() - 1, *self.size[1:])))
        return f"{self.kind} | {str(self.dtype).removeprefix('torch.')} | {purpose} | {sizes}"


class Measurement(NamedTuple):
    """A choice in the file."""

    ours: bool  # Whether our kernel is used.
    ratio: float  # Its least time as a share of the standard one's.
    load: float  # Share of all processors that others took meanwhile.
    time: str  # When, in UTC.

    def is_valid(self) -> bool:
        """Return whether it is a choice of a quiet machine in the last month, whatever a file has made of it."""
        with suppress(TypeError, ValueError):
            age = datetime.now(timezone.utc) - datetime.fromisoformat(self.time)
            return isinstance(self.ours, bool) and self.load <= LARGEST_LOAD and timedelta(0) <= age < LONGEST_AGE
        return False


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
    if setting not in SETTINGS:
        raise ValueError(
            f"the setting of the CPU kernels must be one of {', '.join(SETTINGS)}, got {setting!r}; it comes from "
            f"set_cpu_kernels or the environment variable {SETTING_VARIABLE}"
        )
    before, _setting = _setting, setting
    return before


_setting: CpuKernels = "auto"
set_cpu_kernels(cast(CpuKernels, (os.environ.get(SETTING_VARIABLE) or "auto").strip().lower()))


def cpu_kernels() -> CpuKernels:
    """Return the setting of this process, see `set_cpu_kernels`."""
    return _setting


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


def may_choose(*tensors: Tensor | None) -> bool:
    """Return whether there is a choice: not for compilers and exporters, only for plain tensors of a CPU.

    To be asked before sizes are compared: exporters would take a comparison for a limit of what they leave free.
    """
    return (
        _setting != "off"
        and all(each is None or (type(each) in (Tensor, nn.Parameter) and each.is_cpu) for each in tensors)
        and not torch.compiler.is_compiling()
        # torch exports it without saying so, and does not annotate it.
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    )


def ours_wins(case: Case) -> bool:
    """Return whether our kernel is the faster one, where `may_choose` says that there is a choice."""
    if _setting == "on":
        return True
    key = _key(case)
    with _lock:
        if key not in _choices:
            with _only_process():
                _choices[key] = (_read().get(key) or _measure(key, case)).ours
        return _choices[key]


def stored_measurements() -> dict[str, Measurement]:
    """Return what the file knows of this processor, its instructions and this torch, by the rest of the key."""
    machine = _key_of_machine()
    return {key.removeprefix(machine): found for key, found in _read().items() if key.startswith(machine)}


def remeasure(cases: Iterable[Case]) -> dict[str, Measurement]:
    """Forget what the file knows of this machine, and measure these cases now; others are when they come up.

    Returns:
        The measurements by `Case.name`; those of a machine that was not quiet are not in the file.
    """
    with _lock, _only_process():
        machine = _key_of_machine()
        _write({key: found for key, found in _read().items() if not key.startswith(machine)})
        return {case.name: _measure(_key(case), case) for case in cases}


def _measure(key: str, case: Case) -> Measurement:
    ratio, load = measure(case)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    found = Measurement(ratio < LARGEST_SHARE_OF_TIME, round(ratio, 4), round(load, 4), now)
    _choices[key] = found.ours
    if found.is_valid():
        _write({**_read(), key: found})
    else:
        _say_that_it_was_not_quiet()
    return found


@functools.cache
def _say_that_it_was_not_quiet() -> None:
    logger.warning(
        "others took more than a tenth of the processors while kernels were measured: they are chosen for this "
        "process only; on a quiet machine, depth-anything-hf env --remeasure chooses them for all"
    )


def measure(case: Case) -> tuple[float, float]:
    """Time both kernels in turns, with the gradients when training.

    Returns:
        The least time of ours as a share of the standard one's, and the share of all processors that others took.
    """
    draw = torch.Generator().manual_seed(0)  # The caller's random state stays as it is.
    with torch.inference_mode(False):
        inputs = [torch.randn(*shape, generator=draw).to(case.dtype) for shape in case.shapes]
        inputs = [each.requires_grad_(case.training) for each in inputs]

    def seconds(function: Callable[..., Tensor]) -> float:
        start = time.perf_counter()
        output = function(*inputs)
        if case.training:
            torch.autograd.grad(output, inputs, torch.ones_like(output))
        return time.perf_counter() - start

    with (
        torch.inference_mode(not case.training),
        torch.set_grad_enabled(case.training),
        torch.autocast("cpu", enabled=False),
        # Activation checkpointing counts what is saved for the backward pass, and this is not part of it.
        torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is),
    ):
        busy, own, start = _busy_seconds(), time.process_time(), time.perf_counter()
        times: list[tuple[float, float]] = []
        while len(times) < FEWEST_ROUNDS or time.perf_counter() - start < SECONDS:
            times.append((seconds(case.standard), seconds(case.ours)))
    wall = time.perf_counter() - start
    # What other threads of this process compute meanwhile disturbs as much as other processes.
    own = min(time.process_time() - own, wall * torch.get_num_threads())
    load = (_busy_seconds() - busy - own) / (wall * (os.cpu_count() or 1))
    standard, ours = map(min, zip(*times, strict=True))
    return ours / standard, max(load, 0.0)  # NaN stays.


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _busy_seconds() -> float:
    """Return the seconds that all processors have worked, stolen ones of a virtual machine too; NaN if unknown."""
    with suppress(OSError):
        times = psutil.cpu_times()
        return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
    return float("nan")


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


def _key(case: Case) -> str:
    return f"{_key_of_machine()}{torch.get_num_threads()} threads | {case.name}"


@contextmanager
def _only_process() -> Iterator[None]:
    """Wait until no other process of this machine measures, for a while and where files can be locked."""
    lock = FileLock(f"{MEASUREMENTS_FILE}.lock", timeout=LOCK_SECONDS)
    # One that is still held is an `OSError` too: then both measure, and each is load for the other.
    with suppress(OSError, NotImplementedError):
        MEASUREMENTS_FILE.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _read() -> dict[str, Measurement]:
    """Read what still holds; entries of earlier versions, which do not say when and how they were measured, do not."""
    known = {}
    with suppress(OSError, ValueError, AttributeError):
        for key, entry in json.loads(MEASUREMENTS_FILE.read_text(encoding="utf-8")).items():
            with suppress(TypeError):
                known[key] = Measurement(**entry)
    return {key: found for key, found in known.items() if found.is_valid()}


def _write(measurements: dict[str, Measurement]) -> None:
    with suppress(OSError):
        text = json.dumps({key: each._asdict() for key, each in measurements.items()}, indent=1, sort_keys=True)
        beside = MEASUREMENTS_FILE.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, MEASUREMENTS_FILE)
