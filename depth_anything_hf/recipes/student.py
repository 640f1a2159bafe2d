# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`distill`: a relative model on pseudo-labels, stored or made by a teacher during training."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..losses.loss_weights import RelativeLoss
from ..training.arguments import TrainingArguments
from ..utils.typed_fields import convert_fields, require_ranges
from .arguments import DataArguments, ModelArguments
from .origin import command_and_recipe


if TYPE_CHECKING:
    from ..training.objectives import Distillation
    from ..training.trainer import FitResult
    from .run import TrainingRun
    from .starting_point import StartingPoint

logger = logging.getLogger(__name__)

VERB = "distill"
# As a feature encoder: the student's own, as it was at the start.
OWN_ENCODER = "start"
SUMMARY = "Train a student on a teacher's pseudo-labels: stored ones, or made during training with --teacher."
EXAMPLES = """\
  depth-anything-hf distill --recipe student --encoder_name_or_path facebook/dinov2-small \\
      --train_data labels/ --output_dir runs/student
  depth-anything-hf distill --recipe student --encoder_name_or_path facebook/dinov2-small \\
      --train_data photos/ --teacher depth-anything/Depth-Anything-V2-Large-hf --output_dir runs/student
  depth-anything-hf distill --recipe student --encoder_name_or_path facebook/dinov2-small --train_data labels/ \\
      --drop review/drop.txt --ignore_masks sky teachers --output_dir runs/student
  depth-anything-hf distill --recipe runs/student/recipe.yaml --output_dir runs/again --num_processes 8"""


@dataclass
class DistillationArguments:
    """Where labels come from, and feature alignment."""

    _argument_group_name: ClassVar[str] = "teacher and feature alignment"
    # See `without_effect`.
    _belongs_to: ClassVar[dict[str, str]] = dict.fromkeys(("feature_weight", "feature_tolerance"), "feature_encoder")

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
            "help": "Precision of the teacher: float32, bfloat16 or float16; default: that of the stored weights, "
            "under mixed_precision. bfloat16 halves its memory and is faster on GPUs and on CPUs that have it."
        },
    )
    teacher_compile: bool = field(default=False, metadata={"help": "Compile the teacher's blocks with torch.compile."})
    feature_encoder: str | None = field(
        default=None,
        metadata={
            "help": "Frozen DINOv2 encoder for feature alignment (V1): start for a copy of the student's own at its "
            "start, a name or path, or none. Default: none; the recipe `student` says start."
        },
    )
    feature_weight: float = field(default=1.0, metadata={"help": "Weight of the feature alignment."})
    feature_tolerance: float = field(default=0.15, metadata={"help": "Tokens with a smaller distance are ignored."})
    student_layers: int | None = field(
        default=None,
        metadata={
            "help": "Layers of the student's encoder: every n-th one of the weights that it starts from, e.g. 6 of "
            "the twelve of --encoder_name_or_path facebook/dinov2-small, or of --model_name_or_path TEACHER. The "
            "layers that feed the decoder move along. Default: all."
        },
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        require_ranges(self, {"[0, inf)": ("feature_weight", "feature_tolerance")})
        if self.feature_encoder == "none":
            self.feature_encoder = None
        if self.student_layers is not None and self.student_layers < 1:
            raise ValueError(f"student_layers is {self.student_layers}, expected at least 1, or none for all layers")
        if self.teacher is None and (self.teacher_dtype or self.teacher_compile):
            raise ValueError("teacher_dtype and teacher_compile need an online teacher; set teacher")

    def objective(self, loss: RelativeLoss, start: StartingPoint) -> Distillation:
        """Build the student's objective; teacher and feature encoder are loaded here.

        Args:
            loss: of the student's prediction against the labels.
            start: the student, as it is before training, with all layers of its weights.
        """
        from ..training.objectives import Distillation

        return Distillation(
            loss.for_start(pretrained=start.pretrained),
            teacher=self._online_teacher(),
            feature_encoder=self._frozen_encoder(start),
            feature_weight=self.feature_weight,
            feature_tolerance=self.feature_tolerance,
            student_width=start.model.config.backbone_config.hidden_size,
        )

    def with_student_layers(self, start: StartingPoint) -> StartingPoint:
        """Return the start of a student with `student_layers` layers; without that, the start as it is.

        Raises:
            ValueError: they cannot be taken from this start; the message says what can.
        """
        from ..models.fewer_layers import keep_every_nth_layer

        if self.student_layers is None:
            return start
        if not start.pretrained:
            raise ValueError(
                f"student_layers is {self.student_layers}, but the student starts from random weights, which have "
                "nothing to take layers from; set num_hidden_layers in encoder_config"
            )
        try:
            model, kept = keep_every_nth_layer(start.model, self.student_layers)
        except ValueError as error:
            raise ValueError(f"student_layers: {error}") from error
        of = f"{', '.join(map(str, kept))} of {start.model.config.backbone_config.num_hidden_layers}"
        return replace(start, model=model, lineage={**start.lineage, "layers": of})

    def _aligns_features(self, start: StartingPoint) -> bool:
        """Return whether a student is aligned to a frozen encoder; random weights are nothing to be kept near to."""
        return self.feature_encoder is not None and (self.feature_encoder != OWN_ENCODER or start.pretrained)

    def _frozen_encoder(self, start: StartingPoint) -> Any:
        from ..utils.processes import is_first_process

        if self.feature_encoder is None:
            return None
        if not self._aligns_features(start):
            if is_first_process():
                logger.warning("feature alignment is off: the student's encoder starts from random weights")
            return None
        if self.feature_encoder == OWN_ENCODER:
            return copy.deepcopy(start.model.backbone)
        from transformers import AutoModel

        from ..models.missing import name_what_is_missing

        with name_what_is_missing(self.feature_encoder):
            return AutoModel.from_pretrained(self.feature_encoder)

    def _online_teacher(self) -> Any:
        from ..inference.engines import is_exported_file
        from ..inference.predictor import DepthPredictor
        from ..training.online_teacher import OnlineTeacher
        from ..utils.option_errors import OptionError

        if self.teacher is None:
            return None
        if is_exported_file(self.teacher):
            raise OptionError(
                f"teacher {self.teacher} is an exported file; a teacher beside the training is a model folder or id. "
                "Labels can be made by it before: depth-anything-hf pseudo-label"
            )
        predictor = DepthPredictor.from_pretrained(self.teacher, dtype=self.teacher_dtype)
        mean, std = predictor.processor.image_mean, predictor.processor.image_std
        return OnlineTeacher(
            predictor.model,
            predictor.prediction_kind,
            mean,
            std,
            dtype=self.teacher_dtype,
            compile=self.teacher_compile,
        )

    def record(self, start: StartingPoint) -> dict[str, Any]:
        """Return what tells teacher and feature alignment from others: None, or their names and numbers.

        Args:
            start: the student, as it is before training.
        """
        from ..training.description import absolute_path

        alignment: dict[str, Any] | None = None
        if self._aligns_features(start):
            alignment = {"encoder": absolute_path(self.feature_encoder)}
            alignment |= {"weight": self.feature_weight, "tolerance": self.feature_tolerance}
            if self.feature_encoder == OWN_ENCODER:
                # A resumed run takes its weights from the checkpoint, but these once more from where it started.
                name = start.lineage.get("encoder", start.lineage.get("initial_weights"))
                revision = start.lineage.get("encoder_revision", start.lineage.get("initial_weights_revision"))
                alignment |= {"start": absolute_path(name), "start_revision": revision}
        return {
            "teacher": {"name": absolute_path(self.teacher), "dtype": self.teacher_dtype} if self.teacher else None,
            "feature_alignment": alignment,
            "student_layers": self.student_layers,
        }

    def lineage(self, source_names: list[str]) -> dict[str, Any]:
        """Return what the labels come from, for the student's model card.

        Args:
            source_names: paths or Hub ids of the training data.
        """
        from ..pseudo_labels.lineage import labels_lineage

        if self.teacher is None:
            return labels_lineage(source_names)
        return {"teacher": self.teacher, "data": source_names}


TYPES = (ModelArguments, DataArguments, DistillationArguments, RelativeLoss, TrainingArguments)


def prepare(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    distillation: DistillationArguments,
    loss: RelativeLoss,
    arguments: TrainingArguments,
) -> TrainingRun:
    """Build model, teacher, objective and data of a run.

    Raises:
        ValueError: a checkpoint or a source cannot be used; the message names it.
    """
    from .run import TrainingRun
    from .starting_point import build_model
    from .training_sources import describe_left_out, with_notes

    start = build_model(model_arguments, seed=arguments.seed)
    # Before layers go: features are aligned to those of the whole encoder.
    objective = distillation.objective(loss, start)
    start = distillation.with_student_layers(start)
    keep_clean = distillation.teacher is not None
    train_data = data_arguments.mixture(model_arguments, seed=arguments.seed, keep_clean=keep_clean)
    lineage = distillation.lineage(data_arguments.source_names)
    part, left_out = "data" if keep_clean else "labels", describe_left_out(train_data)
    lineage[part] = with_notes(lineage[part], left_out)
    return TrainingRun(
        start,
        objective,
        arguments,
        train_data,
        data_arguments.evaluation(),
        card={
            "role": "student",
            "lineage": {**start.lineage, **lineage},
            **command_and_recipe(),
        },
        record={"data": data_arguments.record, **distillation.record(start)},
        forgetting=data_arguments.forgetting(),
    )


def run(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    distillation: DistillationArguments,
    loss: RelativeLoss,
    arguments: TrainingArguments,
) -> FitResult:
    """Train a student on pseudo-labels; see `prepare` and `training.trainer.fit`."""
    return prepare(model_arguments, data_arguments, distillation, loss, arguments).fit()


__all__ = ["DistillationArguments", "prepare", "run"]
