# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`train`: a relative model on labelled images, which may then label photographs for students."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..losses.loss_weights import RelativeLoss
from ..training.arguments import TrainingArguments
from .arguments import DataArguments, ModelArguments
from .origin import command_and_recipe


if TYPE_CHECKING:
    from ..training.trainer import FitResult
    from .run import TrainingRun

VERB = "train"
TYPES = (ModelArguments, DataArguments, RelativeLoss, TrainingArguments)
SUMMARY = "Train a relative depth model on images with depth or disparity; the paper's teacher is trained so."
EXAMPLES = """\
  depth-anything-hf train --recipe teacher --encoder_name_or_path facebook/dinov2-small \\
      --train_data hypersim/ vkitti2/ --output_dir runs/teacher
  depth-anything-hf train --recipe runs/teacher/recipe.yaml --resume_from_checkpoint latest --num_processes 8
  depth-anything-hf train --recipe quickstart-teacher --train_data scenes/ --output_dir runs/tiny --dry_run"""


def prepare(
    model_arguments: ModelArguments, data_arguments: DataArguments, loss: RelativeLoss, arguments: TrainingArguments
) -> TrainingRun:
    """Build model, objective and data of a run.

    Raises:
        ValueError: a checkpoint or a source cannot be used; the message names it.
    """
    from ..training.objectives import SupervisedRelative
    from .run import TrainingRun
    from .starting_point import build_model
    from .training_sources import describe_left_out, with_notes

    start = build_model(model_arguments, seed=arguments.seed)
    loss = loss.for_start(pretrained=start.pretrained)
    train_data = data_arguments.mixture(model_arguments, seed=arguments.seed)
    data = with_notes(data_arguments.source_names, describe_left_out(train_data))
    return TrainingRun(
        start,
        SupervisedRelative(loss),
        arguments,
        train_data,
        data_arguments.evaluation(),
        card={
            "role": "teacher",
            "lineage": {**start.lineage, "data": data},
            **command_and_recipe(),
        },
        record={"data": data_arguments.record},
        forgetting=data_arguments.forgetting(),
    )


def run(
    model_arguments: ModelArguments, data_arguments: DataArguments, loss: RelativeLoss, arguments: TrainingArguments
) -> FitResult:
    """Train a relative model on labelled images; see `prepare` and `training.trainer.fit`."""
    return prepare(model_arguments, data_arguments, loss, arguments).fit()


__all__ = ["prepare", "run"]
