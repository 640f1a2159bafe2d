# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate`: arguments and messages; the work is in `evaluation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import (
    BatchSizeOption,
    DeviceOption,
    DtypeOption,
    ImageColumnOption,
    InputSizeOption,
    LabelOption,
    LimitOption,
    ScaleOption,
    SplitOption,
)


def evaluate(
    model: Annotated[str, typer.Argument(help="Depth model: an id on the Hub, or a folder.")],
    data: Annotated[str, typer.Option(help="Labelled folder, table, or dataset id.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results. [not saved]")] = None,
    label: LabelOption = None,
    scale: ScaleOption = None,
    split: SplitOption = "train",
    image_column: ImageColumnOption = "image",
    label_column: Annotated[
        str | None, typer.Option(help="Column of the labels, for tables. [depth, disparity]")
    ] = None,
    limit: LimitOption = None,
    alignment: Annotated[
        str | None,
        typer.Option(
            help="disparity: fit scale and shift of each image in disparity, as papers do for relative models; none: "
            "compare metres with metres. [none for a metric model and metric labels, else disparity]"
        ),
    ] = None,
    min_depth: Annotated[float, typer.Option(help="Metres; nearer label pixels do not count.")] = 1e-3,
    max_depth: Annotated[float, typer.Option(help="Metres; farther label pixels and sky do not count.")] = 80.0,
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> Any:
    """Scores a model against labelled images at the labels' resolution and prints a table.

    Papers use --max-depth 80 for KITTI and 10 for NYU. Besides the errors after alignment, `ordinal_accuracy` says how
    often of two random points the nearer one is told, which no alignment can flatter.

    \b
    Examples:
      depth-anything-hf evaluate runs/student --data scenes-test/
      depth-anything-hf evaluate depth-anything/Depth-Anything-V2-Small-hf --data nyu-test/ --scale 1000 \\
          --max-depth 10 --output results/nyu
    """
    from .. import evaluation
    from ..data.sources import DataSource, open_source
    from ..inference import DepthPredictor

    dataset = open_source(
        DataSource(
            data,
            label=label,
            scale=scale,
            split=split,
            image_column=image_column,
            label_column=label_column,
            limit=limit,
        )
    )
    if dataset.label is None:
        raise ValueError(f"{data} has pictures but no depth or disparity labels to score against")
    predictor = DepthPredictor.from_pretrained(
        model, device=device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    both_metric = predictor.kind == "depth" and dataset.label == "depth"
    chosen: Any = alignment or ("none" if both_metric else "disparity")
    settings = evaluation.EvaluationSettings(min_depth=min_depth, max_depth=max_depth, alignment=chosen)
    result = evaluation.evaluate(predictor, dataset, settings, prediction_is=predictor.kind, progress=True)
    typer.echo(result.table())
    if output is not None:
        result.save(output)
        typer.echo(f"saved to {output}")
    if not result.rows:
        raise typer.Exit(1)
    return result
