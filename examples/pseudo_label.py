# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels photographs with a teacher, into parquet shards that `distill.py` and `load_dataset` read.

    accelerate launch examples/pseudo_label.py --teacher runs/teacher --data photos/ --output_dir runs/labels

An interrupted run goes on where it stopped. Processes and machines share them by RANK and WORLD_SIZE, as torchrun
and accelerate set them, or by their numbers under `srun`. To check the result: `depth-anything-hf verify runs/labels`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.hub.publisher import push_labels_when_complete
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.runner import describe_teacher, label_images
from depth_anything_hf.recipes.origin import from_environment
from depth_anything_hf.recipes.parser import parse_recipe


@dataclass
class LabelArguments:
    """Who labels what."""

    teacher: str = field(metadata={"help": "Any AutoModelForDepthEstimation checkpoint, Hub id or folder."})
    data: str = field(
        metadata={"help": "Pictures, parquet or tar shards, or a Hub data set; labels it may have are not used."}
    )
    output_dir: str = field(metadata={"help": "Folder of the shards."})
    split: str = field(default="train", metadata={"help": "Split of a data set."})
    image_column: str = field(default="image", metadata={"help": "Column of a data set."})
    streaming: bool = field(
        default=False, metadata={"help": "Read parquet, tar or Hub shards in order; each is a unit of work."}
    )
    limit: int | None = field(default=None, metadata={"help": "Only the first so many images; not with streaming."})
    batch_size: int | None = field(
        default=None, metadata={"help": "Images of one size per forward pass; default: 8, on a CPU 1."}
    )
    window_batches: int = field(
        default=4, metadata={"help": "Batches that may wait for images of equal size; more for very mixed sizes."}
    )
    input_size: int | None = field(
        default=None,
        metadata={"help": "Side of the input instead of the teacher's own; twice that gives sharper labels, slowly."},
    )
    flip_averaging: bool = field(default=False, metadata={"help": "Mean with the mirrored image; twice the time."})
    dtype: str | None = field(default=None, metadata={"help": "float32, bfloat16 or float16; default: the teacher's."})
    compile: bool = field(default=False, metadata={"help": "Compile the teacher: a minute for each size first."})
    shard_size: int = field(default=256, metadata={"help": "Images per parquet file."})
    store_images: str = field(default="bytes", metadata={"help": "bytes, or reference: only path or URL."})
    encoding: str = field(default="linear", metadata={"help": "linear, or log, which suits a metric teacher."})
    push_to_hub: str | None = field(
        default=None, metadata={"help": "owner/name: when no shard is missing, push all to this data set on the Hub."}
    )
    hub_private_repo: bool = field(default=False, metadata={"help": "Make a new data set private."})
    image_license: str | None = field(default=None, metadata={"help": "Of the pictures, for the data set's card."})
    teacher_license: str | None = field(default=None, metadata={"help": "Of the teacher's weights, likewise."})
    max_broken_share: float = field(
        default=0.1, metadata={"help": "Stop when more than this share of the pictures cannot be read."}
    )
    process_index: int = field(
        default_factory=lambda: from_environment("RANK", "SLURM_PROCID", default=0),
        metadata={"help": "Default: RANK, or the number under srun, else 0."},
    )
    process_count: int = field(
        default_factory=lambda: from_environment("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", default=1),
        metadata={"help": "Default: WORLD_SIZE, or the tasks under srun, else 1."},
    )


def main() -> None:
    (arguments,) = parse_recipe(LabelArguments, description=__doc__ or "")
    keep_freed_memory()
    source = DataSource(
        arguments.data,
        kind="photos",
        split=arguments.split,
        image_column=arguments.image_column,
        limit=arguments.limit,
        streaming=arguments.streaming,
    )
    dataset = open_source(source)
    predictor = DepthPredictor.from_pretrained(
        arguments.teacher,
        dtype=arguments.dtype,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
        window_batches=arguments.window_batches,
        flip_averaging=arguments.flip_averaging,
        compile=arguments.compile,
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
        process_index=arguments.process_index,
        process_count=arguments.process_count,
        names_relative_to=folder if folder.is_dir() else None,
        progress=arguments.process_index == 0,
        store_images=arguments.store_images,
        encoding=arguments.encoding,
        max_broken_share=arguments.max_broken_share,
    )
    # No waiting for the others: shares differ, and a barrier would time out.
    place = f"process {arguments.process_index}"
    print(f"{place}: {report.labelled} images labelled in {len(report.shards)} shards in {arguments.output_dir}")
    for name, reason in report.skipped:
        print(f"{place}: skipped {name}: {reason}")
    if arguments.push_to_hub:
        address = push_labels_when_complete(
            arguments.output_dir,
            arguments.push_to_hub,
            private=arguments.hub_private_repo,
            image_license=arguments.image_license,
            teacher_license=arguments.teacher_license,
        )
        print(f"{place}: {address or 'the process that ends last pushes'}")


if __name__ == "__main__":
    main()
