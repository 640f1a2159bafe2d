# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The part `student`: teacher, labels, student, scores and pictures, for as long as there is time.

The quickstart's models, recipes and scores (`examples/quickstart`), on its images, with a larger batch. How many steps
fit is found out by a short run first, so that the learning rate comes to its end in time. What is known so far is
written after each stage.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from transformers import TrainerCallback

from depth_anything_hf.data import DepthFolder
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.geometry.disparity import depth_to_disparity
from depth_anything_hf.pseudo_labels.runner import LabelArguments, label
from depth_anything_hf.recipes import student, teacher
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.utils.quiet import quiet_libraries
from depth_anything_hf.visualization.colour_maps import colour_map
from depth_anything_hf.visualization.figures import sheet

from .data import DRY_PRESET, HELD_OUT, LABELLED, PRESET, UNLABELLED, is_complete, prepare
from .plan import ROOT
from .processes import time_left


BATCH, DRY_BATCH = 16, 2
# Steps of the run that is timed, and those at its start that are not: workers start, kernels are chosen.
TIMED, UNTIMED = 60, 20
DRY_TIMED, DRY_UNTIMED, DRY_STEPS = 3, 1, 4
# Shares of the time that is left for trainings when one begins.
TEACHER_SHARE, STUDENT_SHARE = 0.5, 0.9
SCORING_SECONDS = 30.0
FEWEST_STEPS = 20
MOST_WORKERS = 12
PICTURES = 6
MIN_DEPTH, MAX_DEPTH = 0.1, 30.0
SCORES = ("delta1", "ordinal_accuracy", "abs_rel")


class StepTimes(TrainerCallback):
    """The time at the end of each step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seen.append(time.monotonic())


class Stages:
    """What has been done so far, written after each stage, and the time that is left."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.end = path, time.monotonic() + seconds
        self.record: dict[str, Any] = {"stages": []}

    @property
    def left(self) -> float:
        """Seconds that are left for trainings."""
        return self.end - time.monotonic() - SCORING_SECONDS

    def add(self, name: str, start: float, **facts: Any) -> None:
        self.record["stages"].append({"name": name, "seconds": round(time.monotonic() - start, 1), **facts})
        self.write()

    def write(self) -> None:
        self.path.write_text(json.dumps(self.record, indent=1) + "\n", encoding="utf-8")


def train(program: ModuleType, recipe: str, data: Path, output: Path, steps: int, dry: bool) -> list[float]:
    """Train by the quickstart's recipe, but for what has to do with machine and time; return when steps ended."""
    workers = 0 if dry else max(0, min(MOST_WORKERS, (os.cpu_count() or 1) - 2))
    words = [
        *("--recipe", recipe, "--train_data", str(data), "--output_dir", str(output)),
        *("--eval_data", str(data.parent / HELD_OUT), "--max_steps", str(steps)),
        *("--warmup_steps", str(min(200, steps // 5)), "--save_steps", "0", "--dataloader_num_workers", str(workers)),
        *("--per_device_train_batch_size", str(DRY_BATCH if dry else BATCH)),
    ]
    times = StepTimes()
    program.prepare(*parse_recipe(*program.TYPES, description="", argv=words)).fit(callbacks=[times])
    return times.seen


def measure_step(run: Path, stages: Stages, dry: bool) -> tuple[float, float]:
    """Return seconds of a training step, and those that a training takes beside its steps."""
    start = time.monotonic()
    timed, untimed = (DRY_TIMED, DRY_UNTIMED) if dry else (TIMED, UNTIMED)
    ends = train(teacher, "quickstart-teacher", run / LABELLED, run / "timed", timed, dry)
    seconds = (ends[-1] - ends[untimed - 1]) / (timed - untimed)
    beside = time.monotonic() - start - timed * seconds
    images = DRY_BATCH if dry else BATCH
    stages.add("timed steps", start, seconds_a_step=seconds, images_per_second=images / seconds)
    return seconds, beside


def steps_in(seconds: float, step: float, beside: float, dry: bool) -> int:
    """Return how many steps fit into so many seconds.

    Raises:
        RuntimeError: too few to be worth it.
    """
    steps = DRY_STEPS if dry else int((seconds - beside) / step)
    if steps < FEWEST_STEPS and not dry:
        raise RuntimeError(f"{seconds:.0f} s are left, enough for {steps} steps; give more --minutes")
    return steps


def train_both(run: Path, stages: Stages, dry: bool) -> None:
    """Train a teacher, label the images without depth with it, and train a student on the labels."""
    step, beside = measure_step(run, stages, dry)
    for name, program, share in (("teacher", teacher, TEACHER_SHARE), ("student", student, STUDENT_SHARE)):
        start = time.monotonic()
        steps = steps_in(share * stages.left, step, beside, dry)
        data = run / (LABELLED if name == "teacher" else "labels")
        train(program, f"quickstart-{name}", data, run / name, steps, dry)
        stages.add(f"train {name}", start, steps=steps, images=steps * (DRY_BATCH if dry else BATCH))
        if name == "teacher":
            start = time.monotonic()
            report = label(LabelArguments(str(run / name), str(run / UNLABELLED), str(run / "labels")))
            stages.add("label", start, images=report.labelled)


def score(run: Path, stages: Stages) -> None:
    """Score both as the quickstart does, beside predictors that ignore the image."""
    start = time.monotonic()
    seconds = max(1.0, stages.end - start)
    script = ROOT / "examples" / "quickstart" / "scores.py"
    subprocess.run([sys.executable, str(script), str(run)], check=True, cwd=ROOT, timeout=seconds)
    found = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    stages.record["scores"] = {
        name: {metric: round(means[metric], 4) for metric in SCORES} for name, means in found["means"].items()
    }
    stages.record["checks"] = found["checks"]
    stages.add("score", start, images=found["images"])


def draw(run: Path, path: Path) -> None:
    """Draw held-out images, their depth, and what teacher and student say of them, aligned to it."""
    held_out, maps = DepthFolder(run / HELD_OUT), np.load(run / "maps.npz")
    rows = []
    for index in range(0, len(held_out), max(1, len(held_out) // PICTURES)):
        sample = held_out[index]
        truth = sample["depth"]
        disparity = depth_to_disparity(truth)
        limits = [float(value) for value in np.nanpercentile(disparity, (1, 99))]
        mask = np.isfinite(truth) & (truth >= MIN_DEPTH) & (truth <= MAX_DEPTH)
        row = [sample["image"], colour_map(disparity, *limits)]
        for name in ("teacher", "student"):
            aligned, _ = align_disparity(maps[name][index], truth, mask, MIN_DEPTH, MAX_DEPTH)
            row.append(colour_map(depth_to_disparity(aligned), *limits))
        rows.append(row)
    if not cv2.imwrite(str(path), sheet(rows)[..., ::-1]):
        raise OSError(f"{path} cannot be written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, required=True, help="time limit")
    parser.add_argument("--data", type=Path, required=True, help="folder of `python benchmarks/gpu.py --prepare`")
    parser.add_argument("--out", type=Path, required=True, help="folder of student.json and student.png")
    parser.add_argument("--work", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--dry", action="store_true", help="a few steps; images are rendered if there are none")
    arguments = parser.parse_args()
    quiet_libraries()
    stages = Stages(arguments.out / "student.json", time_left(arguments.seconds))
    run: Path = arguments.work / "student"
    start = time.monotonic()
    if arguments.dry and not is_complete(arguments.data):
        prepare(arguments.data, DRY_PRESET)
    if not is_complete(arguments.data):
        raise SystemExit(f"{arguments.data} has no rendered images; make them by: python benchmarks/gpu.py --prepare")
    for name in (LABELLED, UNLABELLED, HELD_OUT):
        shutil.copytree(arguments.data / name, run / name)
    stages.add("copy images", start, preset=DRY_PRESET if arguments.dry else PRESET)
    train_both(run, stages, arguments.dry)
    score(run, stages)
    draw(run, arguments.out / "student.png")


if __name__ == "__main__":
    main()
