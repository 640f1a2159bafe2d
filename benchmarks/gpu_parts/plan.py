# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which parts there are, their commands, and how the time is divided; needs nothing but Python."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


ROOT = Path(__file__).parents[2]
TESTS = "test_*on_gpu.py"
SUMMARY_SECONDS = 8.0
# Two cores without other work need less than three; a busy machine may take its time.
DRY_MINUTES = 8.0


@dataclass(frozen=True)
class Part:
    """One part of the run.

    Attributes:
        share: of the whole time, at most; the last part gets what is left.
        least: seconds without which it does not begin.
    """

    name: str
    purpose: str
    share: float
    least: float


PARTS = (
    Part("env", "machine and versions", 0.08, 8),
    Part("tests", "the tests marked `cuda`", 0.32, 40),
    Part("speed", "training steps and labelling beside others", 0.45, 40),
    Part("student", "teacher, labels and student from rendered images, with scores and pictures", 1.0, 60),
)


@dataclass(frozen=True)
class Settings:
    """What the user asked for.

    Attributes:
        out: folder of the results.
        work: folder of what is thrown away afterwards.
        data: folder of the rendered images for `student`.
        original: a checkout of the original code for `speed`, or None.
        speed_options: further words for `speed`.
        dry: everything tiny and on the CPU.
        workers: test processes side by side.
    """

    out: Path
    work: Path
    data: Path
    original: Path | None = None
    speed_options: str = ""
    dry: bool = False
    workers: int = 1


def choose(names: Sequence[str]) -> list[Part]:
    """Return the parts of these names in the order of `PARTS`; without names all.

    Raises:
        ValueError: there is no such part.
    """
    known = [part.name for part in PARTS]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"unknown parts {', '.join(unknown)}; expected some of {', '.join(known)}")
    return [part for part in PARTS if not names or part.name in names]


def seconds_for(part: Part, chosen: Sequence[Part], total: float, left: float) -> float:
    """Return how long a part may run; 0 where what is left is too little to begin it.

    A part may take its share of the total, and where no other comes after it all that is left but for the summary. Of
    what remains, those behind it keep the least that they need.

    Args:
        part: the one to begin.
        chosen: all parts of this run, in their order.
        total: seconds of the whole run.
        left: seconds until its end.
    """
    behind = chosen[chosen.index(part) + 1 :]
    most = left - SUMMARY_SECONDS
    free = most - sum(each.least for each in behind)
    # A share of a short run is no reason to leave a part out for which there is time; nor are those behind it.
    given = max(min(free, part.share * total) if behind else free, part.least)
    return given if given <= most else 0.0


def command(part: Part, settings: Settings, seconds: float) -> list[str]:
    """Return the words of a part's command, to be run in the repository's root."""
    python, out, work = sys.executable, settings.out, settings.work
    if part.name == "env":
        return [python, "-m", "depth_anything_hf.cli", "env"]
    if part.name == "tests":
        chosen = "cuda and not slow" if settings.dry else "cuda"
        files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob(TESTS))
        # Warnings are no errors here: a GPU's libraries have some of their own.
        options = ["-q", "-m", chosen, "-W", "default", "-p", "no:cacheprovider", "-p", "gpu_parts.test_log"]
        beside = ["-n", str(settings.workers), "--dist", "loadgroup"] if settings.workers > 1 else []
        return [python, "-m", "pytest", *options, *beside, "--basetemp", str(work / "tests"), *files]
    if part.name == "speed":
        words = ["--seconds", f"{seconds:.0f}", "--json", str(out / "speed.json")]
        words += ["--device", "cpu", "--quick"] if settings.dry else []
        words += ["--original", str(settings.original)] if settings.original else []
        return [python, "-m", "gpu_parts.speed", *words, *shlex.split(settings.speed_options)]
    words = ["--seconds", f"{seconds:.0f}", "--data", str(settings.data), "--out", str(out), "--work", str(work)]
    return [python, "-m", "gpu_parts.student", *words, *(["--dry"] if settings.dry else [])]


def environment(settings: Settings, own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of all parts: this repository's code, no network, and in a dry run no GPU."""
    folders = [str(ROOT / "benchmarks"), str(ROOT), *filter(None, [own.get("PYTHONPATH")])]
    found = {
        **own,
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "GPU_TEST_LOG": str(settings.out / "tests.jsonl"),
    }
    if settings.dry:
        found |= {
            "CUDA_VISIBLE_DEVICES": "",
            "ACCELERATE_USE_CPU": "true",
            "DEPTH_ANYTHING_HF_TEST_DEVICE": "cpu",
            "OMP_NUM_THREADS": own.get("OMP_NUM_THREADS", "1"),
        }
    return found
