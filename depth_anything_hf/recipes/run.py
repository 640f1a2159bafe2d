# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run that is ready to start: all that `fit` takes, made from arguments."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .starting_point import StartingPoint


if TYPE_CHECKING:
    from ..data.mixture import Mixture
    from ..data.streaming_mixture import StreamingMixture
    from ..training.arguments import TrainingArguments
    from ..training.engine import Objective
    from ..training.trainer import FitResult
    from ..training.validation import Evaluation

RECIPE_FILE = "recipe.yaml"


@dataclass
class TrainingRun:
    """What a verb has made of its arguments.

    Attributes:
        start: the model, its processor, and where it comes from.
        objective: what is minimized.
        arguments: how the run trains.
        train_data: the samples.
        evaluation: the held-out set, or None.
        card: content of the model card.
    """

    start: StartingPoint
    objective: Objective
    arguments: TrainingArguments
    train_data: Mixture | StreamingMixture
    evaluation: Evaluation | None
    card: dict[str, Any]

    def fit(self) -> FitResult:
        """Train; see `training.trainer.fit`."""
        from ..training.trainer import fit

        return fit(
            self.start.model,
            self.objective,
            self.arguments,
            self.train_data,
            processor=self.start.processor,
            pretrained=self.start.pretrained,
            evaluation=self.evaluation,
            card=self.card,
        )


def save_recipe(text: str, arguments: TrainingArguments) -> None:
    """Write the effective configuration into the folder of the run, if the folder is free or holds this run.

    Otherwise nothing is written: `fit` refuses such a folder and says why. Only the main process writes.

    Args:
        text: YAML, as `ParsedArguments.as_recipe` gives it.
        arguments: of the run that is about to start.
    """
    from ..training.resume import require_same_arguments
    from ..utils.files import atomic_write
    from ..utils.locks import FolderLock

    if int(os.environ.get("RANK") or 0) != 0:
        return
    folder = Path(arguments.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(ValueError), FolderLock(folder) as lock:
        lock.acquire()
        require_same_arguments(folder, arguments)
        atomic_write(folder / RECIPE_FILE, text)


__all__ = ["RECIPE_FILE", "TrainingRun", "save_recipe"]
