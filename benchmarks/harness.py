# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the speed benchmarks share: contenders in processes of their own, turns, medians, load of others, live outputs.

In one process contenders disturb each other by up to 30 %: whether a tensor gets memory that is at hand or pages that
the system has to find and clear first depends on what the one before has freed. So each has a process of its own, as
it has with a user, and waits there for its turn. Every round runs each once, so that a slow minute of the machine
slows them all. Beside the wall time stands the processor time of the contender's process, which other processes
disturb less, and how much of the machine these took. A reference output that is mostly zero is refused: differences
to it would show nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
import transformers
from torch import Tensor

from depth_anything_hf.cpu.autotune import processor_name
from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Above this share of the machine, other processes make a wall time worth little.
CONTENDED = 0.05
SMALLEST_ALIVE_SHARE = 0.9
LONGEST_FIRST_RUN = 60.0  # seconds
# Threads of OpenMP and of other engines look busily for more work for up to 12 milliseconds after a run. To forbid it
# (OMP_WAIT_POLICY=passive) makes a step take up to 1.4 times as long, and some contenders more than others.
SECONDS_UNTIL_IDLE = 0.05
SECONDS_TO_END = 10

Work = Callable[[], "Tensor | None"]


@dataclass(frozen=True)
class Contender:
    """One way to do the work, described so that another process can begin it.

    Attributes:
        make: a function of a module: it gets `arguments` and returns the function that does the work once and gives
            the output to compare, or None.
        keeps_memory: calls `keep_freed_memory` first.
        checkout: folder of another version of this repository, whose package the process imports; None for this one's.
    """

    name: str
    make: Callable[..., Work]
    arguments: tuple[Any, ...] = ()
    keeps_memory: bool = False
    checkout: Path | None = None

    @classmethod
    def from_name(cls, name: str, make: Callable[..., Work], *arguments: Any) -> Contender:
        """By its name: `ours...` keeps freed memory unless it ends in `_returned`, others if they end in `_kept`."""
        keeps = name.endswith("_kept") or (name.startswith("ours") and not name.endswith("_returned"))
        return cls(name, make, arguments, keeps_memory=keeps)


def bare(name: str) -> str:
    """The contender's name without what it says about memory."""
    return name.removesuffix("_kept").removesuffix("_returned")


def extract_package(commit: str, folder: Path) -> Path:
    """Write the package of another commit of this repository into a new folder, for `Contender.checkout`.

    Raises:
        RuntimeError: git does not know the commit, or is missing.
    """
    folder.mkdir()
    archive = folder / "package.tar"
    command = ["git", "archive", "--output", str(archive), commit, "depth_anything_hf"]
    try:
        subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"cannot get commit {commit}: {getattr(error, 'stderr', '') or error}") from error
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


class Run(NamedTuple):
    """One run: seconds, the share of the machine's processors that other processes took, and minor page faults."""

    wall: float
    processor: float
    foreign: float
    page_faults: int


@dataclass
class Timing:
    """The runs of one contender, and how far its first output is from the reference's.

    Attributes:
        wall, processor, foreign, page_faults: see `Run`, a value for each.
        peak_memory_bytes: the largest resident memory of its process, interpreter and libraries included.
        largest_difference: as a share of the reference output's range.
        mean_difference: likewise.
        gradient_difference: norm of the difference to the first contender's gradient, as a share of that one's norm;
            None where nothing is trained.
        left_out: why there are no runs, or None.
    """

    name: str
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)
    page_faults: list[int] = field(default_factory=list)
    peak_memory_bytes: int | None = None
    largest_difference: float | None = None
    mean_difference: float | None = None
    gradient_difference: float | None = None
    left_out: str | None = None

    @property
    def contended(self) -> bool:
        return bool(self.foreign) and statistics.median(self.foreign) > CONTENDED

    def add(self, run: Run) -> None:
        for name, value in run._asdict().items():
            getattr(self, name).append(value)

    def compare(self, output: Tensor, reference: Tensor) -> None:
        value_range = (reference.max() - reference.min()).item()
        difference = (output.float() - reference.float()).abs() / value_range
        self.largest_difference, self.mean_difference = difference.max().item(), difference.mean().item()


class TooSlow(Exception):
    """A run took longer than it was given."""


def _busy_seconds() -> float:
    """Processor seconds that the whole machine has spent working."""
    times = psutil.cpu_times()
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))


def _page_faults() -> int:
    """Minor page faults of this process so far; on Windows all of them."""
    if resource is None:
        return int(psutil.Process().memory_info().num_page_faults)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def time_once(work: Work) -> tuple[Run, Tensor | None]:
    faults = _page_faults()
    busy, own, start = _busy_seconds(), time.process_time(), time.perf_counter()
    output = work()
    wall, processor = time.perf_counter() - start, time.process_time() - own
    foreign = (_busy_seconds() - busy - processor) / (wall * (os.cpu_count() or 1))
    faults = _page_faults() - faults
    return Run(wall, processor, max(0.0, foreign), faults), output


def process_peak_memory() -> int:
    """Bytes; by `resource` only where there is nothing better, as it counts the parent's memory at the start too."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        if resource is None:
            return int(psutil.Process().memory_info().peak_wset)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _serve(pipe: Connection, contender: Contender, threads: int) -> None:
    """What a contender's process does: answer one command after the other until the pipe is closed."""
    try:
        if contender.keeps_memory:
            keep_freed_memory()
        torch.set_num_threads(threads)
        work = contender.make(*contender.arguments)
        pipe.send("ready")
        while (command := pipe.recv()) != "end":
            if command == "peak memory":
                pipe.send(process_peak_memory())
                continue
            run, output = time_once(work)
            shown = None if output is None or command == "run" else output.detach().float().numpy()
            del output
            time.sleep(SECONDS_UNTIL_IDLE)
            pipe.send((run, shown))
            del shown
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone
    except Exception:
        pipe.send(RuntimeError(traceback.format_exc()))


class Child:
    """A contender in a process of its own, ready to run; a context manager that ends the process."""

    def __init__(self, contender: Contender, threads: int) -> None:
        self._name = contender.name
        # Not forked: a fork shares its parent's heap, and OpenMP does not survive it.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender, threads), name=contender.name)
        # A new process gets a copy of this one's path.
        if contender.checkout is not None:
            sys.path.insert(0, str(contender.checkout))
        try:
            self._process.start()
        finally:
            if contender.checkout is not None:
                sys.path.remove(str(contender.checkout))
        theirs.close()
        try:
            self._answer()
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._pipe.send("end")
            self._process.join(SECONDS_TO_END)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    def run(self) -> Run:
        self._pipe.send("run")
        answer: tuple[Run, None] = self._answer()
        return answer[0]

    def first_run(self, longest: float = math.inf) -> Tensor | None:
        """Run once and return the output.

        Raises:
            TooSlow: the run took more than `longest` seconds; the process is ended.
        """
        self._pipe.send("run and show")
        if not self._pipe.poll(None if math.isinf(longest) else longest):
            self._process.kill()
            self._process.join()
            raise TooSlow(f"its first run took more than {longest:g} s")
        _, output = self._answer()
        return None if output is None else torch.from_numpy(np.asarray(output))

    def peak_memory(self) -> int:
        self._pipe.send("peak memory")
        peak: int = self._answer()
        return peak

    def _answer(self) -> Any:
        try:
            answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"{self._name}: its process ended, exit code {self._process.exitcode}") from None
        if isinstance(answer, RuntimeError):
            raise RuntimeError(f"{self._name}: {answer}")
        return answer


def check_alive(reference: Tensor) -> None:
    """Refuse an output that is mostly cut off to 0 or has no spread.

    Raises:
        RuntimeError: so it is.
    """
    alive = (reference != 0).float().mean().item()
    if alive < SMALLEST_ALIVE_SHARE or reference.std() < 0.01 * reference.mean().abs():
        raise RuntimeError(
            f"{alive:.0%} of the reference output is not 0, with mean {reference.mean():.3g} and standard deviation "
            f"{reference.std():.3g}; nothing can be compared to it, draw other weights"
        )


def output_of(contender: Contender, threads: int) -> Tensor | None:
    """The output of one run in a process that ends with it."""
    with Child(contender, threads) as child:
        return child.first_run()


def measure(
    contenders: list[Contender],
    rounds: int,
    threads: int,
    longest: float = LONGEST_FIRST_RUN,
    reference: Tensor | None = None,
) -> list[Timing]:
    """Run the contenders in turns, after one round that does not count.

    Args:
        contenders: the first one is what the others are compared to.
        rounds: how often each is timed.
        threads: of each contender.
        longest: seconds; a contender whose first run takes more is left out.
        reference: the right output; that of the first contender by default.
    """
    timings = [Timing(contender.name) for contender in contenders]
    with ExitStack() as stack:
        able: list[tuple[Child, Timing]] = []
        for contender, timing in zip(contenders, timings, strict=True):
            child = stack.enter_context(Child(contender, threads))
            try:
                output = child.first_run(longest)
            except TooSlow as reason:
                timing.left_out = str(reason)
                continue
            able.append((child, timing))
            if timing is timings[0]:
                reference = output if reference is None else reference
                if reference is not None:
                    check_alive(reference)
            if output is not None and reference is not None:
                timing.compare(output, reference)
        for _ in range(rounds):
            for child, timing in able:
                timing.add(child.run())
        for child, timing in able:
            timing.peak_memory_bytes = child.peak_memory()
    return timings


def machine(threads: int) -> dict[str, Any]:
    return {
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": threads,
        "c_library": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def median_ratio(one: Timing, other: Timing, kind: str) -> float:
    """Median over the rounds of the first contender's time by the second's; NaN if one of them was left out.

    Args:
        one, other: both of one measurement.
        kind: "wall" or "processor".
    """
    if one.left_out or other.left_out:
        return math.nan
    times: list[float] = [a / b for a, b in zip(getattr(one, kind), getattr(other, kind), strict=True)]
    return statistics.median(times)


def _difference(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def table(timings: list[Timing]) -> str:
    """A table in Markdown; ratios above 1 are faster than the first contender."""
    columns: dict[str, Callable[[Timing], str]] = {
        "": lambda one: one.name,
        "ms": lambda one: f"{1000 * statistics.median(one.wall):.0f}",
        # Neighbours of a virtual machine are no load that it can see, but they spread the times.
        "range": lambda one: f"{1000 * min(one.wall):.0f}-{1000 * max(one.wall):.0f}",
        "CPU ms": lambda one: f"{1000 * statistics.median(one.processor):.0f}",
        "times as fast": lambda one: f"{median_ratio(timings[0], one, 'wall'):.2f}",
        "by CPU time": lambda one: f"{median_ratio(timings[0], one, 'processor'):.2f}",
        "largest difference": lambda one: _difference(one.largest_difference),
        "mean difference": lambda one: _difference(one.mean_difference),
        "page faults": lambda one: f"{statistics.median(one.page_faults):.0f}",
        "load of others": lambda one: (
            f"{statistics.median(one.foreign):.0%}" + (" (contended)" if one.contended else "")
        ),
    }
    if any(timing.gradient_difference is not None for timing in timings):
        columns["gradient difference"] = lambda one: _difference(one.gradient_difference)
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for timing in timings:
        if timing.left_out:
            cells = [timing.name, f"left out: {timing.left_out}", *[""] * (len(columns) - 2)]
        else:
            cells = [cell(timing) for cell in columns.values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def add_options(parser: argparse.ArgumentParser, rounds: int, longest: float = LONGEST_FIRST_RUN) -> None:
    """The options of every benchmark that measures in turns."""
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each contender is timed")
    parser.add_argument("--threads", type=int, default=2, help="of each contender")
    parser.add_argument(
        "--longest", type=float, default=longest, help="a contender whose first run takes more seconds is skipped"
    )
    parser.add_argument("--json", type=Path, help="file for the result")


def settings_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that describe a result, as JSON has them; where files lie does not."""
    options = {name: value for name, value in vars(arguments).items() if name not in ("json", "folder")}
    return {name: str(value) if isinstance(value, torch.device) else value for name, value in options.items()}


def write_result(path: Path | None, result: dict[str, Any]) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def report(title: str, timings: list[Timing], arguments: argparse.Namespace, **further: Any) -> None:
    """Print the table, and write all runs to a file when there is one.

    Args:
        title: what was measured.
        timings: of `measure`.
        arguments: parsed from `add_options` and the benchmark's own.
        **further: more entries of the file.
    """
    facts = machine(arguments.threads)
    print(f"{title}: {facts['processor']}, {facts['threads']} threads, torch {facts['torch']}\n{table(timings)}")
    sys.stdout.flush()
    rows = [{**asdict(timing), "contended": timing.contended} for timing in timings]
    settings = settings_of(arguments)
    write_result(arguments.json, {"title": title, "machine": facts, "settings": settings, **further, "timings": rows})


def write_live_model(folder: str | Path, size: str) -> None:
    """Write a model of a published size with random weights whose output is alive; stock opens it too."""
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(size))  # type: ignore[arg-type]
    last = model.head.conv3
    assert last.bias is not None
    with torch.no_grad():
        last.weight.mul_(10)
        last.bias.fill_(4.0)
    model.save_pretrained(folder)


def images(batch: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Normalized images of soft fields and noise (B, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch, 3, 8, 8, generator=generator)
    fields = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return fields + 0.2 * torch.randn(batch, 3, height, width, generator=generator)
