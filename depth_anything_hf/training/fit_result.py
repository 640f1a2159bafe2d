# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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


__all__ = ["FitResult"]
