# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the speed benchmarks share: contenders in turns, medians, the load of other processes, live outputs, tables.

Every round runs each contender once, in one process, so that a slow minute of the machine slows them all. Beside the
wall time stands the processor time of this process, which other processes disturb less; how much of the machine they
took is noted for each run. A reference output that is mostly zero is refused: differences to it would show nothing.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from depth_anything_hf.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.cpu_kernels import SETTING_VARIABLE, set_cpu_kernels
from depth_anything_hf.modeling_depth_anything import DepthAnythingForDepthEstimation


# What is measured here is the choice by measurement, unless the environment says otherwise.
if SETTING_VARIABLE not in os.environ:
    set_cpu_kernels("auto")


# Above this share of the machine, other processes make a wall time worth little.
CONTENDED = 0.05
SMALLEST_ALIVE_SHARE = 0.9


@dataclass
class Contender:
    """One way to do the work; `run` does it once and gives the output to compare, or None."""

    name: str
    run: Callable[[], Tensor | None]


@dataclass
class Timing:
    """The runs of one contender, in seconds, and how far its output is from the reference's.

    Attributes:
        foreign: share of the machine's processors that other processes took, for each run.
        largest_difference: as a share of the reference output's range.
        mean_difference: likewise.
    """

    name: str
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)
    largest_difference: float | None = None
    mean_difference: float | None = None

    @property
    def contended(self) -> bool:
        return statistics.median(self.foreign) > CONTENDED


def _busy_seconds() -> float:
    """Processor seconds that the whole machine has spent working; NaN where the system does not tell."""
    try:
        fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    except OSError:
        return float("nan")
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts = (int(value) for value in fields[:7])
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def _timed(run: Callable[[], Tensor | None], timing: Timing) -> Tensor | None:
    busy, own, start = _busy_seconds(), time.process_time(), time.perf_counter()
    output = run()
    wall, processor = time.perf_counter() - start, time.process_time() - own
    timing.wall.append(wall)
    timing.processor.append(processor)
    foreign = (_busy_seconds() - busy - processor) / (wall * (os.cpu_count() or 1))
    timing.foreign.append(max(0.0, foreign))
    return output


def check_alive(reference: Tensor) -> None:
    """Refuses an output that is mostly cut off to 0 or has no spread.

    Raises:
        RuntimeError: so it is.
    """
    alive = (reference != 0).float().mean().item()
    if alive < SMALLEST_ALIVE_SHARE or reference.std() < 0.01 * reference.mean().abs():
        raise RuntimeError(
            f"{alive:.0%} of the reference output is not 0, with mean {reference.mean():.3g} and standard deviation "
            f"{reference.std():.3g}; nothing can be compared to it, draw other weights"
        )


def measure(contenders: list[Contender], rounds: int, reference: Tensor | None = None) -> list[Timing]:
    """Runs the contenders in turns, after one round that does not count.

    Args:
        contenders: the first one is what the others are compared to.
        rounds: how often each is timed.
        reference: the right output; that of the first contender by default.
    """
    timings = [Timing(contender.name) for contender in contenders]
    outputs = [contender.run() for contender in contenders]
    reference = outputs[0] if reference is None else reference
    if reference is not None:
        check_alive(reference)
        value_range = (reference.max() - reference.min()).item()
        for timing, output in zip(timings, outputs, strict=True):
            if output is not None:
                difference = (output.float() - reference.float()).abs() / value_range
                timing.largest_difference, timing.mean_difference = difference.max().item(), difference.mean().item()
    del outputs
    for _ in range(rounds):
        for contender, timing in zip(contenders, timings, strict=True):
            _timed(contender.run, timing)
    return timings


def processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    return {
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def table(timings: list[Timing]) -> str:
    """A table in Markdown; ratios above 1 are faster than the first contender."""
    first = timings[0]
    lines = [
        "| | ms | CPU ms | times as fast | by CPU time | largest difference | mean difference | load of others |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for timing in timings:
        ratios = [
            statistics.median(
                theirs / own for theirs, own in zip(getattr(first, kind), getattr(timing, kind), strict=True)
            )
            for kind in ("wall", "processor")
        ]
        differences = [
            "" if value is None else f"{value:.1e}" for value in (timing.largest_difference, timing.mean_difference)
        ]
        foreign = f"{statistics.median(timing.foreign):.0%}" + (" (contended)" if timing.contended else "")
        cells = [
            timing.name,
            f"{1000 * statistics.median(timing.wall):.0f}",
            f"{1000 * statistics.median(timing.processor):.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
            *differences,
            foreign,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def report(title: str, timings: list[Timing], settings: dict[str, Any], json_path: Path | None) -> None:
    """Prints the table, and writes all runs to a file when there is one."""
    facts = machine()
    print(f"{title}: {facts['processor']}, {facts['threads']} threads, torch {facts['torch']}\n{table(timings)}")
    if json_path:
        rows = [{**asdict(timing), "contended": timing.contended} for timing in timings]
        result = {"title": title, "machine": facts, "settings": settings, "timings": rows}
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.flush()


def write_live_model(folder: str | Path, size: str) -> None:
    """Writes a model of a published size with random weights whose output is alive; stock opens it too."""
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_preset(size))
    last = model.head.conv3
    assert last.bias is not None
    with torch.no_grad():
        last.weight.mul_(10)
        last.bias.fill_(4.0)
    model.save_pretrained(folder)


def images(batch: int, height: int, width: int) -> Tensor:
    """Normalised images of soft fields and noise (B, 3, H, W)."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(batch, 3, 8, 8, generator=generator)
    fields = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return fields + 0.2 * torch.randn(batch, 3, height, width, generator=generator)
