# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores a depth model on labelled images, on any number of processes.

    accelerate launch examples/evaluate.py --model runs/student --data path/to/rooms --output_dir runs/student/scores

A relative model is aligned to each label in disparity (least squares of scale and shift, clamped, inverted); a metric
model is compared in metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelerate import Accelerator

from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.evaluation import EvaluationSettings
from depth_anything_hf.inference import DepthPredictor
from depth_anything_hf.recipes import parse_recipe
from depth_anything_hf.training import Evaluation, evaluate_model


@dataclass
class EvaluationArguments:
    """What is scored on what, and how."""

    model: str = field(metadata={"help": "Any AutoModelForDepthEstimation checkpoint, Hub id or folder."})
    data: str = field(metadata={"help": "Labelled folder, parquet folder or Hub data set."})
    output_dir: str | None = field(default=None, metadata={"help": "Folder for results.json and per_image.parquet."})
    label: str | None = field(default=None, metadata={"help": "depth or disparity; default: what the data has."})
    label_column: str | None = field(default=None, metadata={"help": "Column of a data set that holds the label."})
    scale: float | None = field(
        default=None, metadata={"help": "Integer maps: units per metre, 1000 for millimetres."}
    )
    split: str = field(default="train", metadata={"help": "Split of a data set."})
    limit: int | None = field(default=None, metadata={"help": "Only the first so many images."})
    min_depth: float = field(default=1e-3, metadata={"help": "Metres; nearer labels do not count."})
    max_depth: float = field(default=80.0, metadata={"help": "Metres; farther labels and sky do not count."})
    alignment: str | None = field(default=None, metadata={"help": "disparity or none; default: by the model's kind."})
    batch_size: int = field(default=8, metadata={"help": "Images of one size per forward pass."})
    input_size: int | None = field(default=None, metadata={"help": "Side of the input instead of the model's own."})
    dtype: str | None = field(default=None, metadata={"help": "float32, bfloat16 or float16; default: the model's."})


def main() -> None:
    (arguments,) = parse_recipe(EvaluationArguments, description=__doc__ or "")
    accelerator = Accelerator()
    dataset = open_source(
        DataSource(
            arguments.data,
            label=arguments.label,
            label_column=arguments.label_column,
            scale=arguments.scale,
            split=arguments.split,
            limit=arguments.limit,
        )
    )
    predictor = DepthPredictor.from_pretrained(
        arguments.model, device=accelerator.device, dtype=arguments.dtype, input_size=arguments.input_size
    )
    in_metres = predictor.kind == "depth" and dataset.label == "depth"
    settings = EvaluationSettings(
        min_depth=arguments.min_depth,
        max_depth=arguments.max_depth,
        alignment=arguments.alignment or ("none" if in_metres else "disparity"),
    )
    evaluation = Evaluation(dataset, settings, batch_size=arguments.batch_size)
    result = evaluate_model(predictor.model, predictor.processor, evaluation, accelerator)
    if accelerator.is_main_process:
        print(result.table())
        if arguments.output_dir:
            result.save(arguments.output_dir)
            print(f"saved to {arguments.output_dir}")
    accelerator.end_training()


if __name__ == "__main__":
    main()
