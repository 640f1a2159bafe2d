# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `fit` is given beside its arguments, and what a run leaves behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..evaluation.results import EvaluationResult
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .arguments import TrainingArguments
from .engine import Objective
from .objectives import require_fitting_labels
from .state import Progress, RunGeometry
from .tracking import LOG_FILE, read_log
from .validation import Evaluation, is_better


if TYPE_CHECKING:
    from .callbacks import Callback


# How the log names the scores of an evaluation.
SCORE = "eval_"


@dataclass(frozen=True)
class FitInputs:
    """What `fit` is given beside its arguments; see there.

    Raises:
        ValueError: the labels are no such as the objective takes.
    """

    model: DepthAnythingForDepthEstimation
    objective: Objective
    train_data: Any
    processor: Any
    pretrained: bool
    evaluation: Evaluation | None
    card: dict[str, Any]
    record: dict[str, Any] | None
    callbacks: Sequence[Callback] | Callback | None

    def __post_init__(self) -> None:
        require_fitting_labels(self.objective, self.train_data)


@dataclass
class FitResult:
    """What a run leaves behind.

    Attributes:
        output_dir: where the model is.
        steps: optimizer steps done.
        metrics: of the last evaluation.
        best_metrics: of the best evaluation.
        skipped_steps: steps skipped because loss or gradient was not finite.
        broken_samples: samples that could not be read and were replaced.
        images_without_label: images that had no valid label and took no part in the loss.
        unlabelled_steps: steps left out because none of their images had a valid label.
        stopped_early: whether a callback ended the run before its last step.
    """

    output_dir: Path
    steps: int
    metrics: dict[str, float]
    best_metrics: dict[str, float]
    skipped_steps: int = 0
    broken_samples: int = 0
    images_without_label: int = 0
    unlabelled_steps: int = 0
    stopped_early: bool = False

    @classmethod
    def of(
        cls, folder: Path, progress: Progress, last_result: EvaluationResult | None, geometry: RunGeometry
    ) -> FitResult:
        """Return the result of a run that has come so far, with the scores of its last evaluation."""
        return cls(
            folder,
            progress.step,
            last_result.mean if last_result else {},
            progress.best_metrics,
            progress.skipped_steps,
            progress.broken_samples,
            progress.images_without_label,
            progress.unlabelled_steps,
            stopped_early=progress.step < geometry.total_steps,
        )

    @classmethod
    def of_complete_run(cls, arguments: TrainingArguments, geometry: RunGeometry) -> FitResult:
        """Return the result of a run that has come to its last step, as its log tells it."""
        folder, metric = Path(arguments.output_dir), arguments.metric_for_best_model
        entries = read_log(folder / LOG_FILE)
        counts: dict[str, Any] = {name: value for entry in entries for name, value in entry.items()}
        evaluations = [
            {name.removeprefix(SCORE): value for name, value in entry.items() if name.startswith(SCORE)}
            for entry in entries
        ]
        last: dict[str, float] = {}
        best: dict[str, float] = {}
        for scores in filter(None, evaluations):
            last = {name: math.nan if value is None else float(value) for name, value in scores.items()}
            if is_better(last.get(metric, math.nan), best.get(metric), metric, arguments.greater_is_better):
                best = last
        images = geometry.total_steps * geometry.images_per_step
        return cls(
            folder,
            geometry.total_steps,
            last,
            best,
            int(counts.get("skipped_steps", 0)),
            int(counts.get("skipped_samples", 0)),
            round(counts.get("unlabelled_share", 0.0) * images),
            int(counts.get("unlabelled_steps", 0)),
        )


__all__ = ["FitInputs", "FitResult"]
