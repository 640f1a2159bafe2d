# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run folder as it is now: the curves and scores of `results.csv`, and the pictures that lie there."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..metrics.table import METRICS
from ..utils.card_pictures import PICTURES_FOLDER
from ..utils.option_errors import OptionError
from ..visualization.charts import Curve, line_chart


RESULTS_FILE = "results.csv"
# The same curves, as they were at the last evaluation.
CHART_FILE = "training.png"
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
SCORE, OLD_SCORE, RATE = "eval_", "forgetting_", "learning_rate_"
# Levels below the folder of runs.
DEEPEST = 3
CHART_SIZE = (300, 620)
MOST_PICTURES = 24
# Numbers of training that are no terms of the loss, and speed and memory.
NO_TERMS = frozenset(
    (
        *("step", "epoch", "images_per_second", "peak_memory_mib", "loss_scale", "skipped_steps", "skipped_samples"),
        *("unlabelled_steps", "unlabelled_share", "images_without_label", "output_maximum", "output_zero_share"),
        *("grad_norm_encoder", "grad_norm_decoder"),
    )
)


@dataclass(frozen=True)
class RunView:
    """What is shown of a run.

    Attributes:
        charts: title -> uint8 (H, W, 3).
        scores: rows of (score, now, best, at step), of the held-out images.
        pictures: files of the run folder.
        text: how far the run is.
        stamp: of what was read; another one means that there is something new.
    """

    charts: dict[str, np.ndarray]
    scores: list[tuple[str, float, float, int]]
    pictures: list[Path]
    text: str
    stamp: tuple[int, int, int]


def find_runs(root: Path) -> list[str]:
    """Return the run folders in a folder, newest first: paths from there, "." for the folder itself."""
    found: list[tuple[float, str]] = []
    for place, folders, files in os.walk(root):
        depth = len(Path(place).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEEPEST else []
        if RESULTS_FILE in files:
            found.append(((Path(place) / RESULTS_FILE).stat().st_mtime, Path(place).relative_to(root).as_posix()))
    return [name for _, name in sorted(found, reverse=True)]


def stamp_of_run(folder: Path) -> tuple[int, int, int]:
    """Return size and time of the table, and how many pictures there are."""
    try:
        status = (folder / RESULTS_FILE).stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_size, status.st_mtime_ns, len(_pictures(folder)))


def read_run(root: Path, name: str) -> RunView:
    """Read a run folder.

    Args:
        root: folder of runs.
        name: as `find_runs` names it.

    Raises:
        OptionError: no such run.
        ValueError: its table cannot be read.
    """
    if name not in find_runs(root):
        raise OptionError(f"no run {name!r} in the demo's folder of runs; it must hold {RESULTS_FILE}")
    folder = root / name
    stamp = stamp_of_run(folder)
    rows = _read_rows(folder / RESULTS_FILE)
    charts = {
        title: line_chart(curves, title=title, x_label="optimizer step", size=CHART_SIZE)
        for title, curves in _panels(rows).items()
        if any(curve.points()[0].size for curve in curves)
    }
    step = max((int(row["step"]) for row in rows if "step" in row), default=0)
    losses = [row["loss"] for row in rows if "loss" in row]
    loss = f", loss {losses[-1]:.4g}" if losses else ""
    speeds = [row["images_per_second"] for row in rows if "images_per_second" in row]
    speed = f", {speeds[-1]:.3g} images per second" if speeds else ""
    return RunView(charts, _scores(rows), _pictures(folder), f"Step {step}{loss}{speed}.", stamp)


def _read_rows(path: Path) -> list[dict[str, float]]:
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{RESULTS_FILE} of the run cannot be read: {type(error).__name__}") from error
    return [{key: number for key, cell in row.items() if (number := _number(cell)) is not None} for row in rows]


def _number(cell: object) -> float | None:
    try:
        number = float(str(cell))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _panels(rows: list[dict[str, float]]) -> dict[str, list[Curve]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    terms = [name for name in names if name not in NO_TERMS and not name.startswith((SCORE, OLD_SCORE, RATE))]
    shown = [SCORE + metric for metric in ("delta1", "abs_rel", "ordinal_accuracy", "boundary_f1")]
    return {
        "Loss": [_curve(rows, name) for name in sorted(terms, key=lambda name: name != "loss")],
        "Held-out scores": [_curve(rows, name) for name in shown if name in names],
        "Learning rate": [_curve(rows, name) for name in names if name.startswith(RATE)],
        "Images per second": [_curve(rows, "images_per_second")],
    }


def _curve(rows: list[dict[str, float]], name: str) -> Curve:
    points = [(row["step"], row[name]) for row in rows if name in row and "step" in row]
    label = name.removeprefix(SCORE).removeprefix(RATE)
    return Curve(label, [x for x, _ in points], [y for _, y in points])


def _scores(rows: list[dict[str, float]]) -> list[tuple[str, float, float, int]]:
    """Return each metric's newest value, its best one and the step of that."""
    found = []
    for name, metric in METRICS.items():
        points = [(row[SCORE + name], int(row["step"])) for row in rows if SCORE + name in row and "step" in row]
        if points:
            best = (max if metric.higher_is_better else min)(points, key=lambda point: point[0])
            found.append((name, points[-1][0], *best))
    return found


def _pictures(folder: Path) -> list[Path]:
    places = [folder, folder / PICTURES_FOLDER, folder / "best" / PICTURES_FOLDER]
    found = [path for place in places if place.is_dir() for path in sorted(place.iterdir())]
    found = [path for path in found if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
    return [path for path in found if path.name != CHART_FILE][:MOST_PICTURES]
