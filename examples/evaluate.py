# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores a depth model on a benchmark or on labelled images of one's own, on any number of processes.

    accelerate launch examples/evaluate.py --model runs/student --protocol nyu --root path/to/nyu --output_dir scores
    accelerate launch examples/evaluate.py --model runs/student --data path/to/rooms --output_dir scores

With --protocol everything that decides a number is fixed by the protocol (docs/evaluation.md); `moge-bundle` runs all
sets of MoGe's bundle that are there. With --data a relative model is aligned to each label in disparity (least squares
of scale and shift, clamped, inverted); a metric model is compared in metres.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.evaluation.datasets import open_benchmarks
from depth_anything_hf.evaluation.protocols import PROTOCOL_GROUPS
from depth_anything_hf.evaluation.reports import save_report
from depth_anything_hf.evaluation.results import description_of, summary_of_sets
from depth_anything_hf.evaluation.runner import evaluate_on_all_processes
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.recipes.parser import parse_recipe


# What a protocol decides by itself.
OF_OWN_DATA = ("label", "label_column", "scale", "min_depth", "max_depth", "alignment")


@dataclass
class EvaluationArguments:
    """What is scored on what, and how."""

    model: str = field(metadata={"help": "Any AutoModelForDepthEstimation checkpoint, Hub id or folder."})
    protocol: str | None = field(default=None, metadata={"help": "Benchmark, e.g. nyu, kitti, da-2k; needs --root."})
    root: str | None = field(default=None, metadata={"help": "Folder of the benchmark as it was downloaded."})
    data: str | None = field(default=None, metadata={"help": "Labelled folder, parquet folder or Hub data set."})
    output_dir: str | None = field(
        default=None, metadata={"help": "Folder for the scores, the entries of a model card and errors.jpg."}
    )
    label: str | None = field(default=None, metadata={"help": "depth or disparity; default: what the data has."})
    label_column: str | None = field(default=None, metadata={"help": "Column of a data set that holds the label."})
    scale: float | None = field(
        default=None, metadata={"help": "Integer maps: units per metre, 1000 for millimetres."}
    )
    split: str | None = field(default=None, metadata={"help": "Split; default: the protocol's, or train."})
    limit: int | None = field(default=None, metadata={"help": "Only the first so many images."})
    min_depth: float | None = field(default=None, metadata={"help": "With --data: nearest label in metres; 0.001."})
    max_depth: float | None = field(default=None, metadata={"help": "With --data: farthest label in metres; 80."})
    alignment: str | None = field(
        default=None, metadata={"help": "With --data: disparity, depth, median or none; default: by the model's kind."}
    )
    batch_size: int | None = field(
        default=None, metadata={"help": "Images of one size per forward pass; default: 8, on a CPU 1."}
    )
    input_size: int | None = field(default=None, metadata={"help": "Side of the input instead of the model's own."})
    dtype: str | None = field(default=None, metadata={"help": "float32, bfloat16 or float16; default: the model's."})

    def __post_init__(self) -> None:
        if (self.data is None) == (self.protocol is None) or (self.protocol is None) != (self.root is None):
            raise ValueError("give --protocol with --root, or --data")
        fixed = [f"--{name}" for name in OF_OWN_DATA if getattr(self, name) is not None]
        if self.protocol is not None and fixed:
            raise ValueError(f"the protocol fixes what {', '.join(fixed)} would say; leave it out")

    def open(self, prediction_kind: str) -> tuple[dict[str, tuple[Any, EvaluationSettings]], dict[str, str]]:
        """Datasets and how they are scored, by name; and the sets of a group that are not there, with the reason."""
        if self.protocol is not None and self.root is not None:
            return open_benchmarks(self.protocol, self.root, self.split, self.limit)
        assert self.data is not None
        source = DataSource(
            self.data,
            label=self.label,
            label_column=self.label_column,
            scale=self.scale,
            split=self.split or "train",
            limit=self.limit,
        )
        dataset = open_source(source)
        in_metres = prediction_kind == "depth" and dataset.label == "depth"
        alignment: Any = self.alignment or ("none" if in_metres else "disparity")
        given = {"min_depth": self.min_depth, "max_depth": self.max_depth}
        settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return {self.data: (dataset, EvaluationSettings(alignment=alignment, **settings))}, {}


def main() -> None:
    (arguments,) = parse_recipe(EvaluationArguments, description=__doc__ or "")
    keep_freed_memory()
    accelerator = Accelerator()
    predictor = DepthPredictor.from_pretrained(
        arguments.model,
        device=accelerator.device,
        dtype=arguments.dtype,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
    )
    benchmarks, missing = arguments.open(predictor.prediction_kind)
    is_group = arguments.protocol in PROTOCOL_GROUPS
    results = {}
    for name, (dataset, settings) in benchmarks.items():
        results[name] = result = evaluate_on_all_processes(
            predictor,
            dataset,
            settings,
            prediction_kind=predictor.prediction_kind,
            accelerator=accelerator,
            progress=True,
        )
        if accelerator.is_main_process:
            made_with = description_of(predictor, arguments.model, settings, arguments.split, arguments.limit)
            print(result.table(made_with))
            if arguments.output_dir:
                folder = Path(arguments.output_dir, name if is_group else "")
                save_report(folder, result, dataset, predictor, made_with)
                print(f"saved to {folder}")
    if accelerator.is_main_process and is_group:
        print(summary_of_sets(results, missing))
    accelerator.end_training()
    if not any(result.rows for result in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
