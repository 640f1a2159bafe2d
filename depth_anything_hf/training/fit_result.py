# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `fit` is given beside its arguments, and what a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..evaluation.results import EvaluationResult
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .engine import Objective
from .state import Progress, RunGeometry
from .validation import Evaluation


if TYPE_CHECKING:
    from .callbacks import Callback


@dataclass(frozen=True)
class FitInputs:
    """What `fit` is given beside its arguments; see there."""

    model: DepthAnythingForDepthEstimation
    objective: Objective
    train_data: Any
    processor: Any
    pretrained: bool
    evaluation: Evaluation | None
    card: dict[str, Any]
    record: dict[str, Any] | None
    callbacks: Sequence[Callback]


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


__all__ = ["FitInputs", "FitResult"]
