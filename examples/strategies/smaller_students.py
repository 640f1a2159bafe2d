# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Smaller students: accuracy against speed and size, distilled in the quickstart's frame from a deeper teacher.

The quickstart's own teacher has four layers, all of which feed the decoder, so that none can go.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from program import run_command
from trials import Setting, open_predictor, score

from depth_anything_hf.utils.files import atomic_write


TEACHER_ENCODER = {"hidden_size": 128, "num_hidden_layers": 12, "num_attention_heads": 4}
HERE = Path(__file__).parent
SPEED_IMAGES = 24


@dataclass(frozen=True)
class Student:
    """A student, by how it differs from the quickstart's.

    Attributes:
        name: in the table.
        flags: of `depth-anything-hf distill`; TEACHER stands for the teacher's folder.
        rate: of encoder and decoder: weights that are taken over are trained at a lower one.
    """

    name: str
    flags: tuple[str, ...]
    rate: float


def _encoder(width: int, layers: int, heads: int) -> tuple[str, ...]:
    fields = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    return ("--encoder_config", json.dumps(fields))


OWN = ("--model_name_or_path", "TEACHER")
STUDENTS = (
    Student("12 of 12 layers of the teacher", OWN, 2e-4),
    Student("6 of 12 layers of the teacher", (*OWN, "--student_layers", "6"), 5e-4),
    Student("4 of 12 layers of the teacher", (*OWN, "--student_layers", "4"), 5e-4),
    Student("6 layers, random weights", _encoder(128, 6, 4), 5e-4),
    Student("4 layers, random weights", _encoder(128, 4, 4), 5e-4),
    Student("4 layers, 96 wide, random weights (quickstart)", (), 5e-4),
    Student("12 layers, 192 wide, random weights (tiny)", _encoder(192, 12, 3), 5e-4),
)


@dataclass(frozen=True)
class StudentsFrame:
    """How much is trained.

    Attributes:
        quickstart: folder of a quickstart run, of which the renders are taken.
        teacher_steps, student_steps: optimizer steps.
        seeds: of the students.
        workers: trainings at a time.
        students: which.
    """

    quickstart: Path
    teacher_steps: int
    student_steps: int
    seeds: int
    workers: int
    students: tuple[Student, ...] = STUDENTS


def distil_students(setting: Setting, frame: StudentsFrame) -> list[dict[str, Any]]:
    """Train the teacher and all students, unless they are there; return a row for each student."""
    folder = setting.folder / "students"
    teacher, labels, renders = folder / "teacher", folder / "labels", frame.quickstart / "renders"
    common = ["--per_device_train_batch_size", "4", "--resume_from_checkpoint", "latest"]
    deep = ["--encoder_config", json.dumps(TEACHER_ENCODER), "--max_steps", str(frame.teacher_steps)]
    words = ["train", "--recipe", "quickstart-teacher", "--train_data", str(renders), *deep, *common]
    process: dict[str, Any] = {"threads": setting.threads, "use_cpu": setting.use_cpu}
    run_command([*words, "--output_dir", str(teacher)], teacher.with_suffix(".txt"), **process)
    unlabelled = frame.quickstart / "renders-unlabelled"
    words = ["pseudo-label", str(unlabelled), "--teacher", str(teacher), "--output_dir", str(labels)]
    words += ["--device", "cpu"] if setting.use_cpu else []
    run_command(words, labels.with_suffix(".txt"), **process)

    def train(pair: tuple[Student, int]) -> None:
        student, seed = pair
        run = folder / f"{frame.students.index(student)}-{seed}"
        flags = [str(teacher) if word == "TEACHER" else word for word in student.flags]
        rates = ["--encoder_learning_rate", str(student.rate), "--decoder_learning_rate", str(student.rate)]
        words = ["distill", "--recipe", "quickstart-student", "--train_data", str(labels), *flags, *rates, *common]
        words += ["--max_steps", str(frame.student_steps), "--seed", str(seed), "--output_dir", str(run)]
        run_command(words, run.with_suffix(".txt"), **process)

    pairs = [(student, seed) for seed in range(frame.seeds) for student in frame.students]
    with ThreadPoolExecutor(frame.workers) as pool:
        list(pool.map(train, pairs))
    held_out = str(frame.quickstart / "renders-held-out")
    rows = [_row(setting, "teacher", [teacher], held_out, folder / "teacher.json")]
    for number, student in enumerate(frame.students):
        runs = [folder / f"{number}-{seed}" for seed in range(frame.seeds)]
        rows.append(_row(setting, student.name, runs, held_out, folder / f"{number}.json"))
    return rows


def _row(setting: Setting, name: str, runs: list[Path], held_out: str, path: Path) -> dict[str, Any]:
    """Return accuracy, size and speed of a student; kept in a file, so that it is measured once."""
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    scores = [score(str(run), held_out, setting, aligned=True) for run in runs]
    parameters, seconds = _size_and_speed(runs[0])
    row = {
        "name": name,
        **{metric: [each[metric] for each in scores] for metric in scores[0]},
        "parameters": parameters,
        "seconds_per_image": seconds,
        "saved_bytes": (runs[0] / "model.safetensors").stat().st_size,
    }
    atomic_write(path, json.dumps(row) + "\n")
    return row


def _size_and_speed(model: Path) -> tuple[int, float]:
    """Return parameters, and CPU seconds of one prediction (on a GPU wall seconds), as the median of several."""
    import torch

    predictor = open_predictor(model)
    parameters = sum(each.numel() for each in predictor.model.parameters())
    clock = time.process_time if predictor.model.device.type == "cpu" else time.perf_counter
    image, times = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8), []
    for _ in range(SPEED_IMAGES):
        began = clock()
        predictor.predict(image)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(clock() - began)
    return parameters, float(np.median(times))
