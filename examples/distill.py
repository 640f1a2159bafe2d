# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distils a student from pseudo-labels: stored ones, or made on the fly by a teacher.

    accelerate launch examples/distill.py --recipe examples/configs/distill.yaml \
        --train_data runs/labels --output_dir runs/student
"""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import AutoModel

from depth_anything_hf.hub import labels_lineage
from depth_anything_hf.inference import DepthPredictor
from depth_anything_hf.objectives import Distillation, OnlineTeacher, RelativeLoss
from depth_anything_hf.recipes import DataArguments, ModelArguments, build_model, command_and_recipe, parse_recipe
from depth_anything_hf.training import TrainingArguments, fit


@dataclass
class DistillationArguments:
    """Where labels come from, and what else the student is held to."""

    teacher: str | None = field(
        default=None,
        metadata={
            "help": "Any AutoModelForDepthEstimation checkpoint that labels the images during training; default: "
            "the labels stored with the data."
        },
    )
    feature_encoder: str | None = field(
        default=None,
        metadata={"help": "Frozen DINOv2 whose features the student is kept near (V1), e.g. its own start."},
    )
    feature_weight: float = field(default=1.0, metadata={"help": "Weight of the feature alignment."})
    feature_tolerance: float = field(default=0.15, metadata={"help": "Tokens nearer than this are left alone."})


def online_teacher(name_or_path: str) -> OnlineTeacher:
    predictor = DepthPredictor.from_pretrained(name_or_path)
    processor = predictor.processor
    return OnlineTeacher(predictor.model, predictor.kind, processor.image_mean, processor.image_std)


def main() -> None:
    model_arguments, data_arguments, distillation, loss, arguments = parse_recipe(
        ModelArguments,
        DataArguments,
        DistillationArguments,
        RelativeLoss,
        TrainingArguments,
        description=__doc__ or "",
    )
    start = build_model(model_arguments, seed=arguments.seed)
    teacher = online_teacher(distillation.teacher) if distillation.teacher else None
    features = AutoModel.from_pretrained(distillation.feature_encoder) if distillation.feature_encoder else None
    objective = Distillation(
        loss.for_start(pretrained=start.pretrained),
        teacher=teacher,
        feature_encoder=features,
        feature_weight=distillation.feature_weight,
        feature_tolerance=distillation.feature_tolerance,
        student_width=start.model.config.backbone_config.hidden_size,
    )
    if distillation.teacher:
        lineage = {"teacher": distillation.teacher, "data": data_arguments.source_names}
    else:
        lineage = labels_lineage(data_arguments.source_names)
    fit(
        start.model,
        objective,
        arguments,
        data_arguments.mixture(model_arguments, seed=arguments.seed, keep_clean=teacher is not None),
        processor=start.processor,
        pretrained=start.pretrained,
        evaluation=data_arguments.evaluation(),
        card={
            "role": "student",
            "lineage": {**start.lineage, **lineage},
            **command_and_recipe(),
        },
    )


if __name__ == "__main__":
    main()
