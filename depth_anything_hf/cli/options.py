# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and the report of failures."""

from __future__ import annotations

from typing import Annotated

import typer

from ..utils.messages import counted
from ..utils.printable_names import one_line


DEFAULT_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
SKIPPED_SHOWN = 20

# Panels of `--help`.
MODEL, IMAGES, OUTPUT, SPEED = "Model", "Images", "Output", "Speed"
# Fields of `launch.LaunchArguments`.
LAUNCH_OPTIONS = (
    *("num_processes", "accelerate_config", "num_machines", "machine_rank", "main_process_ip"),
    "main_process_port",
)

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Depth model: an id on the Hub, a folder, e.g. one that training wrote, or an exported file.",
        rich_help_panel=MODEL,
    ),
]
PredictionKindOption = Annotated[
    str | None,
    typer.Option(
        "--prediction_kind",
        help="What the model predicts, disparity or depth (in metres), where its configuration does not say, as "
        "DPT's. [the configuration's, else disparity]",
        rich_help_panel=MODEL,
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option("--batch_size", help="Images of one size per forward pass. [8, on a CPU 1]", rich_help_panel=SPEED),
]
InputSizeOption = Annotated[
    int | None,
    typer.Option(
        "--input_size",
        help="Side that images are resized to, a multiple of 14. Larger is sharper and slower. [the model's]",
        rich_help_panel=MODEL,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="cuda, cuda:1, mps or cpu. [the fastest available]", rich_help_panel=SPEED),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        "--dtype",
        help="float32, bfloat16 or float16; bfloat16 is faster on recent hardware. [the model's]",
        rich_help_panel=SPEED,
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="What computes a Depth Anything model on a CPU: torch, openvino, onnxruntime, or auto: OpenVINO where it "
        "is installed, else torch. In float32 the values agree within 2e-5 of the range.",
        rich_help_panel=SPEED,
    ),
]
CompileOption = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Compile the model (torch.compile): about a minute per image size, then faster.",
        rich_help_panel=SPEED,
    ),
]
ScaleOption = Annotated[
    float | None,
    typer.Option(
        "--scale",
        help="Stored units per metre of integer labels: 1000 for millimetres, 256 for KITTI, 100 for cm.",
        rich_help_panel=IMAGES,
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="How the labels are written, in place of --scale: mm, kitti, sunrgbd, exr:channel=Z, ... (see "
        "`encodings`). [what a file proves]",
        rich_help_panel=IMAGES,
    ),
]
SplitOption = Annotated[
    str, typer.Option("--split", help="Split of a dataset that has several.", rich_help_panel=IMAGES)
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="Use only the first N images.", rich_help_panel=IMAGES)
]
ConfidenceOption = Annotated[
    bool,
    typer.Option(
        "--confidence",
        help="Write NAME_confidence.png too: 16-bit grey, code / 65535 from 0 to 1, how far the predictions of the "
        "mirrored image and of the image at 0.75 of the size agree. Takes about 2.5 times as long.",
        rich_help_panel=OUTPUT,
    ),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        "--max_pixels",
        help="Largest number of pixels of an image; raise it for files you trust. [179 million]",
        rich_help_panel=IMAGES,
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Show the progress bars of the libraries too, as DEPTH_ANYTHING_HF_VERBOSE=1 does.",
        rich_help_panel="Run",
    ),
]


def report_failures(failures: list[tuple[str, str]], total: int) -> None:
    """List the skipped images; exit with code 1 only if all failed."""
    if not failures:
        return
    _list_reasons(f"{len(failures)} of {counted(total, 'image')} skipped:", failures)
    if len(failures) == total:
        raise typer.Exit(1)


def report_incomplete(incomplete: list[tuple[str, str]], total: int) -> None:
    """List the images some of whose files are missing."""
    if incomplete:
        _list_reasons(f"{len(incomplete)} of {counted(total, 'image')} without some of the files:", incomplete)


def _list_reasons(title: str, images: list[tuple[str, str]]) -> None:
    typer.echo(title, err=True)
    for name, reason in images[:SKIPPED_SHOWN]:
        typer.echo(f"  {one_line(reason if name in reason else f'{name}: {reason}')}", err=True)
    if len(images) > SKIPPED_SHOWN:
        typer.echo(f"  and {len(images) - SKIPPED_SHOWN} more", err=True)
