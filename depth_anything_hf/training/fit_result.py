# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `fit` is given beside its arguments, and what a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .arguments import TrainingArguments
from .early_stopping import STOPPED, reason_to_stop
from .engine import Objective
from .forgetting import GainAndLoss, from_log, scores_of
from .held_out import HeldOut, deciding_value
from .objectives import require_fitting_labels
from .start_decay import fresh_parts
from .state import Progress, RunGeometry
from .tracking import LOG_FILE, read_log
from .validation import Evaluation, is_better


if TYPE_CHECKING:
    from .callbacks import Callback


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
    fresh_decoder: bool
    evaluation: Evaluation | None
    forgetting: Evaluation | None
    card: dict[str, Any]
    record: dict[str, Any] | None
    callbacks: Sequence[Callback] | Callback | None

    def __post_init__(self) -> None:
        require_fitting_labels(self.objective, self.train_data)

    @property
    def fresh(self) -> tuple[str, ...]:
        """How the names of parameters begin that start from random weights."""
        return fresh_parts(self.pretrained, self.fresh_decoder)


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
        stopped_early: whether a callback or early stopping ended the run before its last step.
        stop_reason: why early stopping did; else empty.
        gain_and_loss: with forgetting data, of each metric the scores on both domains before and after the run.
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
    stop_reason: str = ""
    gain_and_loss: GainAndLoss = field(default_factory=dict)

    @classmethod
    def of(
        cls, arguments: TrainingArguments, progress: Progress, held_out: HeldOut, geometry: RunGeometry
    ) -> FitResult:
        """Return the result of a run that has come so far, with the scores of its last evaluation."""
        return cls(
            Path(arguments.output_dir),
            progress.step,
            held_out.result.mean if held_out.result else {},
            progress.best_metrics,
            progress.skipped_steps,
            progress.broken_samples,
            progress.images_without_label,
            progress.unlabelled_steps,
            stopped_early=progress.step < geometry.total_steps,
            stop_reason=reason_to_stop(arguments, progress, geometry.total_steps),
            gain_and_loss=held_out.gain_and_loss(progress),
        )

    @classmethod
    def of_complete_run(cls, arguments: TrainingArguments, geometry: RunGeometry) -> FitResult:
        """Return the result of a run that has come to its end, as its log tells it."""
        folder, metric = Path(arguments.output_dir), arguments.metric_for_best_model
        entries = read_log(folder / LOG_FILE)
        counts: dict[str, Any] = {name: value for entry in entries for name, value in entry.items()}
        last: dict[str, float] = {}
        best: dict[str, float] = {}
        best_value: float | None = None
        # The scores before the first step are those of no model of this run.
        for entry in entries:
            new, old = scores_of(entry)
            if entry["step"] == 0 or not new:
                continue
            last, value = new, deciding_value(arguments, new, old)
            if is_better(value, best_value, metric, arguments.greater_is_better):
                best, best_value = new, value
        steps = max((int(entry["step"]) for entry in entries), default=geometry.total_steps)
        return cls(
            folder,
            steps,
            last,
            best,
            int(counts.get("skipped_steps", 0)),
            int(counts.get("skipped_samples", 0)),
            round(counts.get("unlabelled_share", 0.0) * steps * geometry.images_per_step),
            int(counts.get("unlabelled_steps", 0)),
            stopped_early=steps < geometry.total_steps,
            stop_reason=str(counts.get(STOPPED, "")),
            gain_and_loss=from_log(entries),
        )


__all__ = ["FitInputs", "FitResult"]
