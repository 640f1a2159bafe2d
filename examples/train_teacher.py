# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Train a teacher: a relative model, fully fine-tuned on labelled (synthetic) depth.

accelerate launch examples/train_teacher.py --recipe teacher --train_data hypersim/ --output_dir runs/teacher
"""

from __future__ import annotations

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.origin import command_and_recipe
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.recipes.starting_point import build_model
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    types = (ModelArguments, DataArguments, RelativeLoss, TrainingArguments)
    model_arguments, data, loss, arguments = parse_recipe(*types, description=__doc__ or "")
    quiet_libraries()
    start = build_model(model_arguments, seed=arguments.seed)
    lineage = {**start.lineage, "data": data.source_names}
    fit(
        start.model,
        SupervisedRelative(loss.for_start(pretrained=start.pretrained)),
        arguments,
        data.mixture(model_arguments, seed=arguments.seed),
        **start.options,
        evaluation=data.evaluation(),
        forgetting=data.forgetting(),
        card={"role": "teacher", "lineage": lineage, **command_and_recipe()},
        record={"data": data.record},
    )


if __name__ == "__main__":
    main()
