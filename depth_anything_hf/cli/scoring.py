# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate` and `datasets`: arguments and messages; the work is in `evaluation` and `data.official`."""

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
)


def evaluate(
    model: Annotated[str, typer.Argument(help="Depth model: an id on the Hub, or a folder.")],
    data: Annotated[str | None, typer.Option(help="Your labelled folder, table, or dataset id.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="A pinned benchmark, with --root: nyu, kitti, da-2k, ... (see `datasets`).")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of the benchmark's files as they were downloaded.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results. [not saved]")] = None,
    label: LabelOption = None,
    scale: ScaleOption = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a dataset that has several. [train; the protocol's]")
    ] = None,
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
    which no alignment can flatter.

    With --output: results.json, a row for every image in per_image.parquet, and a picture of the best, median and
    worst images. `accelerate launch -m depth_anything_hf.cli evaluate ...` divides the images over processes.

    \b
    Examples:
      depth-anything-hf evaluate runs/student --data scenes-test/
      depth-anything-hf evaluate depth-anything/Depth-Anything-V2-Small-hf --protocol nyu --root nyu/ -o results/nyu
      depth-anything-hf evaluate runs/student --data frames/ --scale 1000 --max-depth 10
    """
    from accelerate import Accelerator

    from ..data.sources import DataSource, open_source
    from ..evaluation import EvaluationSettings, evaluate_on_all_processes, open_protocol, save_error_sheet
    from ..inference import DepthPredictor

    if (data is None) == (protocol is None) or (protocol is None) != (root is None):
        raise ValueError("give either --data, or --protocol with --root (`depth-anything-hf datasets` lists them)")
    given = {"label": label, "scale": scale, "label_column": label_column, "alignment": alignment}
    fixed = [name for name, value in {**given, "min_depth": min_depth, "max_depth": max_depth}.items() if value]
    if protocol is not None and fixed:
        raise ValueError(f"the protocol fixes what --{', --'.join(fixed).replace('_', '-')} would say; leave it out")
    dataset: Any
    settings = None
    if protocol is not None and root is not None:
        dataset, settings = open_protocol(protocol, root, split, limit)
    else:
        source = DataSource(
            str(data),
            label=label,
            scale=scale,
            split=split or "train",
            image_column=image_column,
            label_column=label_column,
            limit=limit,
        )
        dataset = open_source(source)
        if dataset.label is None:
            raise ValueError(f"{data} has pictures but no depth or disparity labels to score against")
    accelerator = Accelerator()
    predictor = DepthPredictor.from_pretrained(
        model, device=device or accelerator.device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    if settings is None:
        both_metric = predictor.kind == "depth" and dataset.label == "depth"
        chosen: Any = alignment or ("none" if both_metric else "disparity")
        range_metres: dict[str, Any] = {"min_depth": min_depth, "max_depth": max_depth}
        settings = EvaluationSettings(
            alignment=chosen, **{name: value for name, value in range_metres.items() if value is not None}
        )
    result = evaluate_on_all_processes(
        predictor, dataset, settings, prediction_is=predictor.kind, accelerator=accelerator, progress=True
    )
    if accelerator.is_main_process:
        typer.echo(result.table())
        if output is not None:
            result.save(output)
            if result.rows:
                save_error_sheet(output / "errors.jpg", result, dataset, predictor)
            typer.echo(f"saved to {output}")
    accelerator.end_training()
    if not result.rows:
        raise typer.Exit(1)
    return result


def list_datasets(
    name: Annotated[str | None, typer.Argument(help="Show one dataset in full. [a line for each]")] = None,
) -> None:
    """Lists the public datasets that are read as downloaded, and the benchmark protocols.

    Their readers give planar depth in metres with invalid pixels marked, for training (`kind:` in a recipe's data
    source) and for `evaluate --protocol`.

    \b
    Examples:
      depth-anything-hf datasets
      depth-anything-hf datasets hypersim
    """
    from ..data.official import describe_official
    from ..protocols import PROTOCOLS

    rows = describe_official()
    if name is None:
        for row in rows:
            typer.echo(f"{row['name']:<12} {row['title']}; licence: {row['licence']}")
        typer.echo("\nprotocols of `evaluate --protocol NAME --root DIR`:")
        for protocol in PROTOCOLS.values():
            typer.echo(f"{protocol.name:<25} {protocol.title}")
        return
    found = [row for row in rows if row["name"] == name]
    if not found:
        raise ValueError(f"no dataset {name!r}; known: {', '.join(row['name'] for row in rows)}")
    for key, value in found[0].items():
        if value:
            separator = "\n" if "\n" in value else " "
            typer.echo(f"{key}:{separator}{value}")
    for protocol in PROTOCOLS.values():
        if protocol.reader == name:
            typer.echo(f"protocol {protocol.identifier}: {protocol.title}")
