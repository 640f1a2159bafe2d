# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What several commands share: options with their help texts, and how failures are told."""

from __future__ import annotations

from typing import Annotated

import typer


DEFAULT_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
SKIPPED_SHOWN = 20

ModelOption = Annotated[
    str,
    typer.Option("--model", "-m", help="Depth model: an id on the Hub, or a folder, e.g. one that training wrote."),
]
BatchSizeOption = Annotated[int, typer.Option(help="Images per forward pass; only images of one size share a pass.")]
InputSizeOption = Annotated[
    int | None,
    typer.Option(
        help="Side that images are resized to, a multiple of 14. Larger is sharper and slower. [the model's]"
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help="cuda, cuda:1, mps or cpu. [the fastest that is there]")]
DtypeOption = Annotated[
    str | None, typer.Option(help="float32, bfloat16 or float16; bfloat16 is faster on recent hardware. [the model's]")
]
CompileOption = Annotated[
    bool,
    typer.Option("--compile", help="Compile the model: a minute or so for each size, then faster; for many pictures."),
]
LabelOption = Annotated[str | None, typer.Option(help="depth or disparity. [what is there, depth first]")]
ScaleOption = Annotated[
    float | None,
    typer.Option(help="Stored units per metre of integer labels: 1000 for millimetres, 256 for KITTI, 100 for cm."),
]
SplitOption = Annotated[str, typer.Option(help="Split of a dataset that has several.")]
ImageColumnOption = Annotated[str, typer.Option(help="Column of the pictures, for tables.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Use the first this many images only.")]


def report_failures(failures: list[tuple[str, str]], total: int) -> None:
    """Names what was left out; an error exit only if nothing worked."""
    if not failures:
        return
    typer.echo(f"{len(failures)} of {total} images were left out:", err=True)
    for name, reason in failures[:SKIPPED_SHOWN]:
        typer.echo(f"  {reason}" if name in reason else f"  {name}: {reason}", err=True)
    if len(failures) > SKIPPED_SHOWN:
        typer.echo(f"  and {len(failures) - SKIPPED_SHOWN} more", err=True)
    if len(failures) == total:
        raise typer.Exit(1)
