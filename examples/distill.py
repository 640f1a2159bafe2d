# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distils a student from pseudo-labels: stored ones, or made on the fly by a teacher.

    accelerate launch examples/distill.py --recipe examples/configs/distill.yaml \
        --train_data runs/labels --output_dir runs/student
"""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import AutoModel

from depth_anything_hf.hub.lineage import labels_lineage
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.losses.relative import RelativeLoss
from depth_anything_hf.recipes.arguments import (
    DataArguments,
    ModelArguments,
    build_model,
    command_and_recipe,
    parse_recipe,
)
from depth_anything_hf.training.objectives import Distillation
from depth_anything_hf.training.online_teacher import OnlineTeacher
from depth_anything_hf.training.trainer import TrainingArguments, fit


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
    teacher_dtype: str | None = field(
        default=None,
        metadata={
            "help": "Precision of the teacher: float32, bfloat16 or float16; default: weights as stored, computed as "
            "mixed_precision says. bfloat16 halves its memory and is faster on GPUs and on CPUs that have it."
        },
    )
    teacher_compile: bool = field(default=False, metadata={"help": "Compile the teacher's blocks with torch.compile."})
    feature_encoder: str | None = field(
        default=None,
        metadata={"help": "Frozen DINOv2 whose features the student is kept near (V1), e.g. its own start."},
    )
    feature_weight: float = field(default=1.0, metadata={"help": "Weight of the feature alignment."})
    feature_tolerance: float = field(default=0.15, metadata={"help": "Tokens nearer than this are left alone."})

    def __post_init__(self) -> None:
        if self.teacher is None and (self.teacher_dtype or self.teacher_compile):
            raise ValueError(
                "teacher_dtype and teacher_compile are for a teacher beside the student; name it: --teacher"
            )


def online_teacher(name_or_path: str, dtype: str | None, compile: bool) -> OnlineTeacher:
    predictor = DepthPredictor.from_pretrained(name_or_path, dtype=dtype)
    mean, std = predictor.processor.image_mean, predictor.processor.image_std
    return OnlineTeacher(predictor.model, predictor.prediction_kind, mean, std, dtype=dtype, compile=compile)


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
    teacher = None
    if distillation.teacher:
        teacher = online_teacher(distillation.teacher, distillation.teacher_dtype, distillation.teacher_compile)
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
