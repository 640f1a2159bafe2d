# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`pseudo-label`: arguments and messages; the work is in `pseudo_labels`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .labels import ImageLicenseOption, PrivateOption, TeacherLicenseOption, _push
from .options import (
    BatchSizeOption,
    CompileOption,
    DeviceOption,
    DtypeOption,
    ImageColumnOption,
    InputSizeOption,
    LimitOption,
    SplitOption,
    report_failures,
)


def pseudo_label(
    data: Annotated[str, typer.Argument(help="Folder of pictures, table (parquet, arrow, JSON), or dataset id.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The teacher: an id on the Hub, or a folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the shards; made if absent.")],
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    compile: CompileOption = False,
    shard_size: Annotated[int, typer.Option(help="Images per parquet file.")] = 256,
    split: SplitOption = "train",
    image_column: ImageColumnOption = "image",
    limit: LimitOption = None,
    streaming: Annotated[
        bool,
        typer.Option("--streaming", help="Read parquet or tar shards, here or on the Hub, one by one."),
    ] = False,
    flip_averaging: Annotated[
        bool, typer.Option("--flip-averaging", help="Average with the mirrored picture's prediction; twice the time.")
    ] = False,
    window_batches: Annotated[
        int, typer.Option(min=1, help="Batches of pictures open at once while equal sizes gather; more needs memory.")
    ] = 4,
    store_images: Annotated[
        str, typer.Option(help="bytes: the pictures' files inside the shards; reference: where they are.")
    ] = "bytes",
    encoding: Annotated[
        str, typer.Option(help="16-bit code of disparity: linear; log suits metric teachers.")
    ] = "linear",
    push_to_hub: Annotated[
        str | None, typer.Option(help="owner/name: push to this data set on the Hub when no shard is missing.")
    ] = None,
    private: PrivateOption = False,
    image_license: ImageLicenseOption = None,
    teacher_license: TeacherLicenseOption = None,
    process_index: Annotated[
        int, typer.Option(envvar=["RANK", "SLURM_PROCID"], help="Number of this process, from 0.")
    ] = 0,
    process_count: Annotated[
        int, typer.Option(envvar=["WORLD_SIZE", "SLURM_STEP_NUM_TASKS"], help="Processes that share the work.")
    ] = 1,
    max_broken_share: Annotated[
        float, typer.Option(min=0, max=1, help="Stop when more than this share of the pictures cannot be read.")
    ] = 0.1,
) -> Any:
    """Labels photographs with a teacher's disparity, into parquet shards for training.

    An interrupted run goes on where it stopped when the same command is given again. With several GPUs, launch the
    same command on each, as torchrun and accelerate do; every process then takes its share of the shards.

    \b
    Examples:
      depth-anything-hf pseudo-label photos/ --model runs/teacher --output labels/
      accelerate launch -m depth_anything_hf.cli pseudo-label photos/ -m runs/teacher -o labels/ --batch-size 16
      depth-anything-hf pseudo-label someone/photographs --streaming -m runs/teacher -o labels/
      depth-anything-hf verify labels/

    \b
    In Python:
      datasets.load_dataset("labels/", split="train")
      depth_anything_hf.data.open_source("labels/")[0]["disparity"]
    """
    from ..data.sources import DataSource, open_source
    from ..inference.predictor import DepthPredictor
    from ..pseudo_labels.runner import describe_teacher, label_images

    source = DataSource(data, kind="photos", split=split, image_column=image_column, limit=limit, streaming=streaming)
    dataset = open_source(source)
    predictor = DepthPredictor.from_pretrained(
        model,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        input_size=input_size,
        window_batches=window_batches,
        flip_averaging=flip_averaging,
        compile=compile,
    )
    data_name = Path(data).resolve().name if Path(data).exists() else data
    report = label_images(
        predictor,
        dataset,
        output,
        provenance={**describe_teacher(predictor, model), "data": data_name, "split": split},
        shard_size=shard_size,
        process_index=process_index,
        process_count=process_count,
        names_relative_to=data if Path(data).is_dir() else None,
        store_images=store_images,
        encoding=encoding,
        max_broken_share=max_broken_share,
    )
    typer.echo(f"{report.labelled} images labelled in {len(report.shards)} shards, see {output}")
    report_failures(report.skipped, report.labelled + len(report.skipped))
    if push_to_hub is not None:
        _push(output, push_to_hub, private=private, image_license=image_license, teacher_license=teacher_license)
    return report
