# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fine-tune a metric model: depth in metres up to a cap, from a relative checkpoint or a DINOv2 encoder.

accelerate launch examples/finetune_metric.py --recipe metric --max_depth 20 --train_data rooms/ ...
"""

from __future__ import annotations

from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.metric import MetricArguments
from depth_anything_hf.recipes.origin import command_and_recipe
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.training.trainer import TrainingArguments, fit
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    types = (ModelArguments, DataArguments, MetricArguments, TrainingArguments)
    model_arguments, data, metric, arguments = parse_recipe(*types, description=__doc__ or "")
    quiet_libraries()
    start = metric.build_model(model_arguments, seed=arguments.seed)
    lineage, depth_range = {**start.lineage, "data": data.source_names}, (metric.min_depth, metric.max_depth)
    fit(
        start.model,
        metric.objective(),
        arguments,
        metric.mixture(data, model_arguments, seed=arguments.seed),
        **start.options,
        evaluation=data.evaluation(metric=True, depth_range=depth_range),
        forgetting=data.forgetting(metric=True, depth_range=depth_range),
        card={"role": "metric", "lineage": lineage, **command_and_recipe()},
        record={"data": data.record},
    )


if __name__ == "__main__":
    main()
