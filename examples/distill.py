# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distil a student from pseudo-labels: stored ones, or made during training with --teacher.

accelerate launch examples/distill.py --recipe student --train_data runs/labels --output_dir runs/student
"""

from __future__ import annotations

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.origin import command_and_recipe
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.recipes.starting_point import build_model
from depth_anything_hf.recipes.student import DistillationArguments
from depth_anything_hf.training.trainer import TrainingArguments, fit
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    types = (ModelArguments, DataArguments, DistillationArguments, RelativeLoss, TrainingArguments)
    model_arguments, data, distillation, loss, arguments = parse_recipe(*types, description=__doc__ or "")
    quiet_libraries()
    start = build_model(model_arguments, seed=arguments.seed)
    lineage = {**start.lineage, **distillation.lineage(data.source_names)}
    fit(
        start.model,
        distillation.objective(loss, start),
        arguments,
        data.mixture(model_arguments, seed=arguments.seed, keep_clean=distillation.teacher is not None),
        **start.options,
        evaluation=data.evaluation(),
        forgetting=data.forgetting(),
        card={"role": "student", "lineage": lineage, **command_and_recipe()},
        record={"data": data.record, **distillation.record(start)},
    )


if __name__ == "__main__":
    main()
