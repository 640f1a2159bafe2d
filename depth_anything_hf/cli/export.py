# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`export`: arguments and messages; the work is in `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import OUTPUT, VerboseOption


def export(
    model: Annotated[
        str, typer.Argument(help="Depth Anything model: an id on the Hub, or a folder, also of adapters.")
    ],
    output: Annotated[
        Path,
        typer.Argument(
            help="File to write (.onnx, .xml, .pt2), or a folder for model.onnx and the like; the model's own folder "
            "may be it."
        ),
    ],
    format: Annotated[
        str,
        typer.Option("--format", help="onnx, openvino, or torch, a program of torch.export.", rich_help_panel=OUTPUT),
    ] = "onnx",
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            help="float32, float16 or bfloat16 (torch, openvino). OpenVINO stores both of the latter as float16 and "
            "computes in float32 and bfloat16. 8 bits: int8, int8-weights (openvino, onnx), int8-static (onnx).",
            rich_help_panel=OUTPUT,
        ),
    ] = "float32",
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(
            "--size",
            metavar="HEIGHT WIDTH",
            help="Fix the size of images, for engines that need it; multiples of 14. [free]",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration",
            metavar="DATA",
            help="Pictures for 8 bits: a folder, list, table or dataset on the Hub, with labels or without. Every "
            "fifth is held out to check the file by. [rendered scenes, where the precision needs some]",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    calibration_images: Annotated[
        int | None,
        typer.Option(
            "--calibration_images",
            help="How many of them, from 50 to 300. [100, or as many as there are from 50 on]",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    include_preprocessing: Annotated[
        bool,
        typer.Option(
            "--include_preprocessing",
            help="The file takes bytes (batch, height, width, 3) of any size, resizes and normalizes them as the "
            "image processor does, and gives maps of the images' size.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Labelled images to score model and file on, as `evaluate --data` does; the report has both.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace files that no earlier export has written, too.", rich_help_panel=OUTPUT
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Keep a file that differs too much from the model, or fails.", rich_help_panel=OUTPUT
        ),
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Export a model to ONNX, OpenVINO or torch.export, run the file, and report how far it is from the model.

    Batch, height and width stay free. The file takes normalized float32 images (batch, 3, height, width) and gives
    disparity, or depth in the model's unit; what it needs to be used lies in it as JSON. The report beside it
    (.parity.json, .parity.md) has differences at five sizes (with --size, three batches of it), time, memory and
    size. A float32 file that differs by more than 2e-5 of the range (2e-3 with preprocessing), or does not run at all
    sizes, is refused, and so is one in 8 bits that orders less than 99.5 % of the pixel pairs of pictures that it was
    not calibrated with as the model does.

    \b
    Examples:
      depth-anything-hf export runs/student runs/student
      depth-anything-hf export runs/student student.xml --format openvino --precision bfloat16
      depth-anything-hf export runs/indoor indoor.onnx --size 392 518 --include_preprocessing
      depth-anything-hf export runs/student student.xml --format openvino --precision int8 --calibration photos
    """
    import json

    from ..export.exporter import export_model
    from ..export.report_files import report_paths
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    if data is not None:
        from ..evaluation.exported_scores import check_labelled, score_exported

        check_labelled(data)
    path = export_model(
        model,
        output,
        format=format,
        precision=precision,
        size=size,
        calibration=calibration,
        calibration_images=calibration_images,
        include_preprocessing=include_preprocessing,
        overwrite=overwrite,
        force=force,
    )
    as_json, as_markdown = report_paths(path)
    content = json.loads(as_json.read_text(encoding="utf-8"))
    if not content["accepted"]:
        typer.echo(f"kept by --force, although {content['refusal']}", err=True)
    else:
        typer.echo(
            f"{path}: {content['mib']:.1f} MiB, within {content['largest']:.1e} of the range of the model's map at "
            f"{len(content['sizes'])} sizes, {content['time_to_model_float32']:.2f} of its time in float32; "
            f"{as_markdown.name} has the report"
        )
    if data is not None:
        scores = score_exported(model, path, data)
        changes = (
            f"{metric} {before:.4f} -> {scores['file'][metric]:.4f}" for metric, before in scores["model"].items()
        )
        typer.echo(f"{scores['images']} images, the model -> the file: {', '.join(changes)}")
