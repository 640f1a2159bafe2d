# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels photographs with a teacher, into parquet shards that `distill.py` and `load_dataset` read.

    accelerate launch examples/pseudo_label.py --teacher runs/teacher --data photos/ --output_dir runs/labels

An interrupted run goes on where it stopped; several processes share the shards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from accelerate import PartialState

from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference import DepthPredictor
from depth_anything_hf.pseudo_labels import describe_teacher, label_images
from depth_anything_hf.recipes import parse_recipe


@dataclass
class LabelArguments:
    """Who labels what."""

    teacher: str = field(metadata={"help": "Any AutoModelForDepthEstimation checkpoint, Hub id or folder."})
    data: str = field(
        metadata={"help": "Folder of pictures, parquet or Hub data set; labels it may have are not read."}
    )
    output_dir: str = field(metadata={"help": "Folder of the shards."})
    split: str = field(default="train", metadata={"help": "Split of a data set."})
    image_column: str = field(default="image", metadata={"help": "Column of a data set."})
    limit: int | None = field(default=None, metadata={"help": "Only the first so many images."})
    batch_size: int = field(default=8, metadata={"help": "Images of one size per forward pass."})
    input_size: int | None = field(default=None, metadata={"help": "Side of the input instead of the teacher's own."})
    dtype: str | None = field(default=None, metadata={"help": "float32, bfloat16 or float16; default: the teacher's."})
    shard_size: int = field(default=256, metadata={"help": "Images per parquet file."})


def main() -> None:
    (arguments,) = parse_recipe(LabelArguments, description=__doc__ or "")
    state = PartialState()
    source = DataSource(
        arguments.data,
        kind="photos",
        split=arguments.split,
        image_column=arguments.image_column,
        limit=arguments.limit,
    )
    dataset = open_source(source)
    predictor = DepthPredictor.from_pretrained(
        arguments.teacher,
        device=state.device,
        dtype=arguments.dtype,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
    )
    folder = Path(arguments.data)
    provenance = {
        **describe_teacher(predictor, arguments.teacher),
        "data": folder.resolve().name if folder.exists() else arguments.data,
        "split": arguments.split,
    }
    report = label_images(
        predictor,
        dataset,
        arguments.output_dir,
        provenance=provenance,
        shard_size=arguments.shard_size,
        process_index=state.process_index,
        process_count=state.num_processes,
        names_relative_to=folder if folder.is_dir() else None,
        progress=state.is_main_process,
    )
    state.wait_for_everyone()
    print(f"process {state.process_index}: {report.labelled} images labelled in {len(report.shards)} shards")
    for name, reason in report.skipped:
        print(f"process {state.process_index}: skipped {name}: {reason}")
    if state.is_main_process:
        print(f"the labels are in {arguments.output_dir}; train on them with examples/distill.py")


if __name__ == "__main__":
    main()
