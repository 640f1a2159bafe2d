# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a metric model: depth in metres up to a cap, from a relative checkpoint or a DINOv2 encoder.

    accelerate launch examples/finetune_metric.py --recipe examples/configs/finetune_metric.yaml \
        --train_data path/to/rooms --max_depth 20 --output_dir runs/metric
"""

from __future__ import annotations

from dataclasses import dataclass, field

from depth_anything_hf.recipes.arguments import (
    DataArguments,
    ModelArguments,
    build_model,
    command_and_recipe,
    parse_recipe,
)
from depth_anything_hf.training.objectives import SupervisedMetric
from depth_anything_hf.training.trainer import TrainingArguments, fit


@dataclass
class MetricArguments:
    """What makes the model metric."""

    max_depth: int = field(metadata={"help": "Metres, whole: the model's cap. The paper: 20 indoors, 80 outdoors."})
    min_depth: float = field(default=1e-3, metadata={"help": "Metres; nearer labels are not valid."})
    keep_decoder: bool = field(
        default=False,
        metadata={"help": "Keep the decoder of model_name_or_path too; the paper keeps the encoder only."},
    )
    variance_focus: float = field(default=0.5, metadata={"help": "SILog's lambda; 0.5 in Depth Anything V2."})


def main() -> None:
    model_arguments, data_arguments, metric, arguments = parse_recipe(
        ModelArguments, DataArguments, MetricArguments, TrainingArguments, description=__doc__ or ""
    )
    start = build_model(
        model_arguments, seed=arguments.seed, max_depth=metric.max_depth, fresh_decoder=not metric.keep_decoder
    )
    fit(
        start.model,
        SupervisedMetric(max_depth=metric.max_depth, min_depth=metric.min_depth, variance_focus=metric.variance_focus),
        arguments,
        data_arguments.mixture(
            model_arguments,
            seed=arguments.seed,
            target="depth",
            min_depth=metric.min_depth,
            max_depth=float(metric.max_depth),
        ),
        processor=start.processor,
        pretrained=start.pretrained,
        evaluation=data_arguments.evaluation(metric=True),
        card={
            "role": "metric",
            "lineage": {**start.lineage, "data": data_arguments.source_names},
            **command_and_recipe(),
        },
    )


if __name__ == "__main__":
    main()
