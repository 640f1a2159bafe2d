# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`convert`: arguments and messages; the work is in `conversion`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..utils.option_errors import OptionError
from .options import VerboseOption


def convert(
    source: Annotated[
        Path, typer.Argument(help="Checkpoint of the original code (.pth); with --to_original a model folder.")
    ],
    output: Annotated[Path, typer.Argument(help="Folder to write; with --to_original the .pth file to write.")],
    size: Annotated[
        str | None, typer.Option("--size", help="small, base, large or giant. [detected from the tensors]")
    ] = None,
    metric: Annotated[
        bool | None,
        typer.Option(
            "--metric/--relative",
            help="It is a metric model, which needs --max_depth; or one of disparity, whatever its name says. "
            "[--relative, but refused if the file's name says metric]",
            show_default=False,
        ),
    ] = None,
    max_depth: Annotated[
        float | None,
        typer.Option(
            "--max_depth", help="Depth cap in metres, with --metric: 20 for the authors' indoor models, 80 outdoors."
        ),
    ] = None,
    feature_layers: Annotated[
        str | None,
        typer.Option(
            "--feature_layers",
            help="v2: Depth Anything V2, whose decoder reads intermediate layers; v1: V1, the last four. "
            "[v2, but refused if the file's name says V1]",
        ),
    ] = None,
    num_attention_heads: Annotated[
        int | None,
        typer.Option("--num_attention_heads", help="Attention heads of an encoder of no published size. [width / 64]"),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            help="Which weights of a training checkpoint that holds several, e.g. model_ema. [the only ones]",
        ),
    ] = None,
    to_original: Annotated[
        bool, typer.Option("--to_original", help="Convert back: a model folder to a .pth of the original code.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a checkpoint of the original Depth Anything code, with exactly the original's output.

    The folder opens with from_pretrained here and in stock transformers. Here the output is the original's at every
    image size, because positions are interpolated and images are prepared as the original does; stock transformers
    ignores these two settings. The tensors do not tell whether a checkpoint is metric, nor V1 from V2; a file whose
    name says so needs the options that say it too.

    \b
    Examples:
      depth-anything-hf convert depth_anything_v2_vits.pth models/small
      depth-anything-hf convert depth_anything_v2_metric_hypersim_vitl.pth models/indoor --metric --max_depth 20
      depth-anything-hf convert depth_anything_vitl14.pth models/v1-large --feature_layers v1
      depth-anything-hf convert runs/student student.pth --to_original
    """
    from ..conversion.original import convert_original, convert_to_original
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    if to_original:
        given = (size, metric, max_depth, feature_layers, num_attention_heads, weights)
        if any(value is not None for value in given):
            raise OptionError(
                "--to_original cannot be combined with other options: they are read from the model folder"
            )
        written = convert_to_original(source, output)
        typer.echo(f"{written}: loads into the original code with load_state_dict(strict=True)")
        return
    if bool(metric) != (max_depth is not None):
        raise OptionError("a metric checkpoint needs both --metric and --max_depth (20 indoors, 80 outdoors)")
    names: dict[str, Any] = {
        "size": size,
        "feature_layers": feature_layers,
        "num_attention_heads": num_attention_heads,
        "depth_estimation_type": None if metric is None else "metric" if metric else "relative",
        "weights": weights,
    }
    written = convert_original(source, output, max_depth=max_depth, **names)
    typer.echo(f"model saved to {written}; {written / 'README.md'} lists its settings and their reasons")
