# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`finetune`: a metric model, which predicts metres up to a cap, from a relative one or from an encoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, cast

from ..training.arguments import TrainingArguments
from ..utils.typed_fields import convert_fields, require_ranges
from .arguments import DataArguments, ModelArguments
from .origin import command_and_recipe


if TYPE_CHECKING:
    from ..data.mixture import Mixture
    from ..data.streaming_mixture import StreamingMixture
    from ..losses.silog import SilogOver
    from ..training.objectives import SupervisedMetric
    from ..training.trainer import FitResult
    from .run import TrainingRun
    from .starting_point import StartingPoint

VERB = "finetune"
SUMMARY = "Fine-tune a metric model: depth in metres up to --max_depth, with SILog."
EXAMPLES = """\
  depth-anything-hf finetune --recipe metric --max_depth 20 --train_data rooms/ --output_dir runs/metric
  depth-anything-hf finetune --model_name_or_path runs/student --max_depth 80 --train_data streets/ \\
      --max_steps 20000 --output_dir runs/metric
  depth-anything-hf finetune --recipe metric --max_depth 20 --train_data rooms/ --output_dir runs/m --print_config"""


@dataclass
class MetricArguments:
    """Options of a metric model."""

    _argument_group_name: ClassVar[str] = "loss: SILog of depth in metres"
    # See `without_effect`.
    _belongs_to: ClassVar[dict[str, str]] = {"keep_decoder": "model_name_or_path"}

    max_depth: float = field(
        metadata={
            "help": "Depth cap in metres, to the millimetre. The paper: 20 indoors, 80 outdoors; 0.35 suits close-ups."
        }
    )
    min_depth: float = field(default=1e-3, metadata={"help": "Metres; nearer label pixels are ignored."})
    keep_decoder: bool = field(
        default=False,
        metadata={"help": "Keep the decoder of model_name_or_path too; the paper keeps the encoder only."},
    )
    variance_focus: float = field(default=0.5, metadata={"help": "SILog's lambda; 0.5 in Depth Anything V2."})
    silog_over: str = field(
        default="batch",
        metadata={
            "help": "batch: one SILog over the pixels of a micro-batch, as Depth Anything V2; image: one for each "
            "image, averaged."
        },
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        from ..geometry.depth_units import as_whole_units
        from ..losses.silog import check_silog_over

        check_silog_over(self.silog_over)
        as_whole_units(self.max_depth)
        require_ranges(self, {"[0, 1]": ("variance_focus",)})
        if not 0 < self.min_depth < self.max_depth:
            raise ValueError(
                f"min_depth is {self.min_depth} and max_depth {self.max_depth}, expected 0 < min_depth < max_depth"
            )

    def build_model(self, model_arguments: ModelArguments, *, seed: int) -> StartingPoint:
        """Build the metric model that the run starts from; see `starting_point.build_model`."""
        from .starting_point import build_model

        fresh_decoder = not self.keep_decoder
        return build_model(model_arguments, seed=seed, max_depth=self.max_depth, fresh_decoder=fresh_decoder)

    def objective(self) -> SupervisedMetric:
        """Return SILog over the depths that the model can express."""
        from ..training.objectives import SupervisedMetric

        return SupervisedMetric(
            max_depth=self.max_depth,
            min_depth=self.min_depth,
            variance_focus=self.variance_focus,
            silog_over=cast("SilogOver", self.silog_over),
        )

    def mixture(
        self, data_arguments: DataArguments, model_arguments: ModelArguments, *, seed: int
    ) -> Mixture | StreamingMixture:
        """Open the training data with labels in metres; see `DataArguments.mixture`."""
        return data_arguments.mixture(
            model_arguments, seed=seed, target="depth", min_depth=self.min_depth, max_depth=self.max_depth
        )


TYPES = (ModelArguments, DataArguments, MetricArguments, TrainingArguments)


def prepare(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    metric: MetricArguments,
    arguments: TrainingArguments,
) -> TrainingRun:
    """Build model, objective and data of a run.

    Raises:
        ValueError: a checkpoint or a source cannot be used; the message names it.
    """
    from .run import TrainingRun
    from .training_sources import describe_left_out, with_notes

    start = metric.build_model(model_arguments, seed=arguments.seed)
    depth_range = (metric.min_depth, metric.max_depth)
    train_data = metric.mixture(data_arguments, model_arguments, seed=arguments.seed)
    data = with_notes(data_arguments.source_names, describe_left_out(train_data))
    return TrainingRun(
        start,
        metric.objective(),
        arguments,
        train_data,
        data_arguments.evaluation(metric=True, depth_range=depth_range),
        card={
            "role": "metric",
            "lineage": {**start.lineage, "data": data},
            **command_and_recipe(),
        },
        record={"data": data_arguments.record},
        forgetting=data_arguments.forgetting(metric=True, depth_range=depth_range),
    )


def run(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    metric: MetricArguments,
    arguments: TrainingArguments,
) -> FitResult:
    """Fine-tune a metric model; see `prepare` and `training.trainer.fit`."""
    return prepare(model_arguments, data_arguments, metric, arguments).fit()


__all__ = ["MetricArguments", "prepare", "run"]
