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
    InputSizeOption,
    LabelOption,
    LimitOption,
    ScaleOption,
)


def evaluate(
    model: Annotated[str, typer.Argument(help="Depth model: an id on the Hub, or a folder.")],
    data: Annotated[str | None, typer.Option(help="Your labelled folder, table, or dataset id.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="A pinned benchmark, with --root: nyu, kitti, da-2k, moge-bundle, ... (see `datasets`)."),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the benchmark's files as they were downloaded.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results. [not saved]")] = None,
    label: LabelOption = None,
    scale: ScaleOption = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a dataset that has several. [train; the protocol's]")
    ] = None,
    image_column: Annotated[
        str | None, typer.Option(help="Column of the pictures, for tables. [image; the protocol's]")
    ] = None,
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
    min_depth: Annotated[
        float | None, typer.Option(help="Metres; nearer label pixels do not count. [0.001; the protocol's]")
    ] = None,
    max_depth: Annotated[
        float | None, typer.Option(help="Metres; farther label pixels and sky do not count. [80; the protocol's]")
    ] = None,
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> Any:
    """Scores a model against labelled images at the labels' resolution and prints a table.

    Either by a pinned protocol, which fixes crop, range, alignment and metrics and signs every result with its name
    and version, or on your own data with the options above: papers use --max-depth 80 for KITTI and 10 for NYU.
    Besides the errors after alignment, `ordinal_accuracy` says how often of two random points the nearer one is told,
    which no alignment can flatter. Another split than the protocol's, or --limit, makes the result a "modified" one.

    With --output: results.json, a row for every image in per_image.parquet, what a model card takes in
    card_entries.json, and a picture of the best, median and worst images; for a group of protocols such as moge-bundle
    a sub-folder of them for each. `accelerate launch -m depth_anything_hf.cli evaluate ...` divides the images over
    processes.

    \b
    Examples:
      depth-anything-hf evaluate runs/student --data scenes-test/
      depth-anything-hf evaluate depth-anything/Depth-Anything-V2-Small-hf --protocol nyu --root nyu/ -o results/nyu
      depth-anything-hf evaluate runs/student --data frames/ --scale 1000 --max-depth 10
    """
    from accelerate import Accelerator

    from ..data.sources import DataSource, open_source
    from ..evaluation.datasets import open_benchmarks
    from ..evaluation.protocols import PROTOCOL_GROUPS
    from ..evaluation.reports import save_report
    from ..evaluation.results import description_of, summary_of_sets
    from ..evaluation.runner import evaluate_on_all_processes
    from ..evaluation.settings import EvaluationSettings
    from ..inference.predictor import DepthPredictor

    if (data is None) == (protocol is None) or (protocol is None) != (root is None):
        raise ValueError("give either --data, or --protocol with --root (`depth-anything-hf datasets` lists them)")
    own = {"label": label, "scale": scale, "label_column": label_column, "image_column": image_column}
    own |= {"alignment": alignment, "min_depth": min_depth, "max_depth": max_depth}
    fixed = [name for name, value in own.items() if value is not None]
    if protocol is not None and fixed:
        raise ValueError(f"the protocol fixes what --{', --'.join(fixed).replace('_', '-')} would say; leave it out")
    benchmarks: dict[str, tuple[Any, EvaluationSettings | None]] = {}
    missing: dict[str, str] = {}
    if protocol is not None and root is not None:
        opened, missing = open_benchmarks(protocol, root, split, limit)
        benchmarks.update(opened)
    else:
        source = DataSource(
            str(data),
            label=label,
            scale=scale,
            split=split or "train",
            image_column=image_column or "image",
            label_column=label_column,
            limit=limit,
        )
        benchmarks[str(data)] = (open_source(source), None)
        if benchmarks[str(data)][0].label is None:
            raise ValueError(f"{data} has pictures but no depth or disparity labels to score against")
    accelerator = Accelerator()
    predictor = DepthPredictor.from_pretrained(
        model, device=device or accelerator.device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    is_group = protocol in PROTOCOL_GROUPS
    results = {}
    for name, (dataset, settings) in benchmarks.items():
        if settings is None:
            in_metres = predictor.prediction_kind == dataset.label == "depth"
            chosen: dict[str, Any] = {"alignment": alignment or ("none" if in_metres else "disparity")}
            chosen |= {"min_depth": min_depth, "max_depth": max_depth}
            settings = EvaluationSettings(**{key: value for key, value in chosen.items() if value is not None})
        result = evaluate_on_all_processes(
            predictor,
            dataset,
            settings,
            prediction_kind=predictor.prediction_kind,
            accelerator=accelerator,
            progress=True,
        )
        results[name] = result
        if accelerator.is_main_process:
            made_with = description_of(predictor, model, settings, split, limit)
            typer.echo(result.table(made_with))
            if output is not None:
                folder = output / name if is_group else output
                save_report(folder, result, dataset, predictor, made_with)
                typer.echo(f"saved to {folder}")
    if accelerator.is_main_process and is_group:
        typer.echo(summary_of_sets(results, missing))
    accelerator.end_training()
    if not any(result.rows for result in results.values()):
        raise typer.Exit(1)
    return results if is_group else result
