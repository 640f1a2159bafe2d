# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Dry run of a prepared run: two steps, a report, and one picture of what every source gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.decoding.errors import BrokenSampleError
from ..training.arguments import TrainingArguments
from ..training.description import describe_run
from ..training.dry_run import DryRunReport, dry_run_step
from ..training.previews import labels_of, training_picture
from ..training.resume import require_same_arguments
from ..utils.files import atomic_write
from ..utils.outputs import check_file, refuse_to_replace
from ..visualization.encode import encode_jpeg, jpeg_comment
from ..visualization.figures import add_caption, side_by_side, stack
from .arguments import DataArguments
from .label_check import label_warnings
from .run import TrainingRun


SHEET_FILE = "dry_run.jpg"
MARK = "depth_anything_hf.dry_run"
SAMPLES_PER_SOURCE = 3
# Taller images are shown smaller.
ROW_HEIGHT_PIXELS = 224


@dataclass
class DryRun:
    """What a dry run has found.

    Attributes:
        report: shapes, ranges, losses, memory and time.
        sheet: the picture that was written; None on all processes but the main one.
        end: when a run that starts now would be done, evaluations and checkpoints not counted.
        scores: what decides the scores of the held-out images, their range among it; "" without such images.
        labels: what a check of samples of the labels says, see `label_check.label_warnings`.
    """

    report: DryRunReport
    sheet: Path | None
    end: datetime
    scores: str = ""
    labels: Sequence[str] = ()

    def __str__(self) -> str:
        days = (self.end.date() - datetime.now().date()).days
        day = {0: "today", 1: "tomorrow"}.get(days, f"on {self.end:%Y-%m-%d}")
        scores = f"\nheld-out images are scored with {self.scores}" if self.scores else ""
        labels = "".join(f"\n{each}" for each in self.labels)
        text = f"{self.report}{labels}{scores}\na run that starts now ends {day} at {self.end:%H:%M}"
        return text if self.sheet is None else f"{text}\nsee {self.sheet}; nothing else was written"


def dry_run(run: TrainingRun, data: DataArguments | None = None) -> DryRun:
    """Take two steps of a run and show what it reads; every process of a launch must call it.

    The only file written is `dry_run.jpg` in the output directory, which stays free for the run itself: for each
    source some training samples with their labels, then images of the first batch with label, prediction and error.

    Args:
        run: its model and objective are not fit for training afterwards.
        data: its sources, of whose labels samples are checked; None checks none, as where a teacher makes the labels.

    Raises:
        ValueError: the arguments or the data do not fit.
        FileExistsError: a `dry_run.jpg` there was not written by a dry run.
        OSError: the picture cannot be written.
    """
    check_sheet(run.arguments)
    report = dry_run_step(
        run.start.model,
        run.objective,
        run.arguments,
        run.train_data,
        pretrained=run.start.pretrained,
        fresh_decoder=run.start.fresh_decoder,
    )
    scores = "" if run.evaluation is None else run.evaluation.settings.rules()
    end = datetime.now() + timedelta(seconds=report.estimated_seconds)
    if report.sheet is None:
        return DryRun(report, None, end, scores)
    try:
        recipe = describe_run(run.objective, run.train_data, run.record, seed=run.arguments.seed)
        require_same_arguments(Path(run.arguments.output_dir), run.arguments, {"recipe": recipe})
    except ValueError as error:
        report.problems.append(str(error))
    rows = [
        add_caption(side_by_side(pictures, _row_height(pictures)), f"{name}: training samples and labels")
        for source, name in enumerate(run.train_data.names)
        if (pictures := list(islice(_pictures(run, source), SAMPLES_PER_SOURCE)))
    ]
    caption = "first batch: image, label, prediction, error"
    valid_range = getattr(run.objective, "valid_range", None)
    labels = [] if data is None else label_warnings(data, None if valid_range is None else valid_range[1])
    path = Path(run.arguments.output_dir) / SHEET_FILE
    atomic_write(path, encode_jpeg(stack([*rows, add_caption(report.sheet, caption)]), comment=MARK))
    return DryRun(report, path, end, scores, labels)


def check_sheet(arguments: TrainingArguments) -> None:
    """Check that the picture of a dry run can be written, and replaces at most that of an earlier one.

    Raises:
        FileExistsError: it would replace another file.
        OSError: it cannot be written.
    """
    path = Path(arguments.output_dir) / SHEET_FILE
    check_file(path)
    if path.is_symlink() or (path.exists() and jpeg_comment(path) != MARK):
        refuse_to_replace([path], "move it away, or choose another output_dir")


def _pictures(run: TrainingRun, source: int) -> Iterator[np.ndarray]:
    """Yield training samples of a source, each beside its label (grey where there is none)."""
    data, model = run.train_data, run.start.model
    device = next(model.parameters()).device
    for index, read in enumerate(data.first_samples(source)):
        try:
            sample = data.transforms[source](read(), np.random.default_rng([data.seed, source, index]))
        except (BrokenSampleError, OSError):
            continue
        batch: dict[str, Any] = {
            key: value[None].to(device) for key, value in sample.items() if isinstance(value, Tensor)
        }
        with torch.no_grad():
            labels = labels_of(batch, run.objective)
        label = torch.full_like(sample["pixel_values"][0], torch.nan) if labels is None else labels[0]
        # As if the label were a prediction: image and map side by side, in the same colours.
        is_metric = model.config.depth_estimation_type == "metric"
        yield training_picture(sample["pixel_values"], label, None, "depth" if is_metric else "disparity")


def _row_height(pictures: list[np.ndarray]) -> int:
    return min(ROW_HEIGHT_PIXELS, max(len(picture) for picture in pictures))


__all__ = ["SHEET_FILE", "DryRun", "dry_run"]
