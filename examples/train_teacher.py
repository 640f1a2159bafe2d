# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains a teacher: a relative model, fully fine-tuned on labelled (synthetic) depth.

    accelerate launch examples/train_teacher.py --recipe examples/configs/train_teacher.yaml \
        --train_data path/to/hypersim path/to/vkitti2 --output_dir runs/teacher
"""

from __future__ import annotations

from depth_anything_hf.losses.relative import RelativeLoss
from depth_anything_hf.recipes.arguments import (
    DataArguments,
    ModelArguments,
    build_model,
    command_and_recipe,
    parse_recipe,
)
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


def main() -> None:
    model_arguments, data_arguments, loss, arguments = parse_recipe(
        ModelArguments, DataArguments, RelativeLoss, TrainingArguments, description=__doc__ or ""
    )
    start = build_model(model_arguments, seed=arguments.seed)
    fit(
        start.model,
        SupervisedRelative(loss.for_start(pretrained=start.pretrained)),
        arguments,
        data_arguments.mixture(model_arguments, seed=arguments.seed),
        processor=start.processor,
        pretrained=start.pretrained,
        evaluation=data_arguments.evaluation(),
        card={
            "role": "teacher",
            "lineage": {**start.lineage, "data": data_arguments.source_names},
            **command_and_recipe(),
        },
    )


if __name__ == "__main__":
    main()
