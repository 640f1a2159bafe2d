# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`encodings`: arguments and messages; the work is in `data.decoding.encodings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def list_encodings(
    name: Annotated[str | None, typer.Argument(help="Show one encoding in full. [a line for each]")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Say which encoding this file proves, or what each that it may have would mean."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List how devices, engines, apps and data sets write depth, and by which name it is read here.

    The name is the field `encoding:` of a data source in a recipe, `--encoding` of evaluate and calibrate, and an
    argument of `read_label`. Options follow a colon: exr:channel=Z,scale=100. What a file proves is found without it.

    \b
    Examples:
      depth-anything-hf encodings
      depth-anything-hf encodings sunrgbd
      depth-anything-hf encodings --file depth.png
    """
    from ..data.decoding.encodings.catalog import describe_encoding, describe_encodings, find_encoding
    from ..utils.option_errors import OptionError

    if name is not None and file is not None:
        raise OptionError("NAME and --file cannot be combined; give one of them")
    if file is not None:
        _tell_of_file(file, as_json)
        return
    rows = describe_encodings() if name is None else [describe_encoding(find_encoding(name))]
    if as_json:
        typer.echo(json.dumps(rows if name is None else rows[0], indent=2))
        return
    if name is None:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            typer.echo(f"{row['name']:<{width}} {row['kind']:<9} {row['unit']}; {row['writers']}")
        return
    for key, value in rows[0].items():
        if key == "options":
            typer.echo("options:")
            for option, told in value.items():
                typer.echo(f"  {option}: {told}")
        elif value:
            typer.echo(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


def _tell_of_file(file: Path, as_json: bool) -> None:
    """Print which encoding a file proves, or what each that it may have would mean."""
    import numpy as np

    from ..data.decoding.encodings.detection import candidates, colour_candidates, proven_encoding
    from ..data.decoding.errors import BrokenSampleError, UnreadableImageError
    from ..data.decoding.files import in_memory
    from ..data.decoding.map_meaning import meaning_of
    from ..data.decoding.stored_maps import PNG_START, decode_picture, read_stored_label

    cell = in_memory(file)
    proven, meaning = proven_encoding(cell["bytes"]), meaning_of(cell["bytes"], str(file))
    if proven is not None or meaning is not None:
        what = proven.name if proven is not None else f"{meaning.kind} written by predict" if meaning else ""
        typer.echo(json.dumps({"proven": what}) if as_json else f"{file}: {what}, by its content")
        return
    try:
        stored = read_stored_label(cell)[0]
        found = candidates(stored)
    except UnreadableImageError:
        raise
    except BrokenSampleError:
        if not cell["bytes"].startswith(PNG_START):
            raise
        stored = decode_picture(cell["bytes"], str(file))
        found = colour_candidates(stored)
        if not found:
            raise
    if as_json:
        typer.echo(json.dumps({"proven": None, "middle_in_metres": dict(found)}, indent=2))
        return
    if not found:
        numbers, told = stored[np.isfinite(stored)] if stored.dtype.kind == "f" else np.empty(0), ""
        if numbers.size:
            low, middle, high = np.percentile(numbers, (0, 50, 100))
            told = (
                f"; they are {low:.3g} to {high:.3g}, in the middle {middle:.3g}: metres or disparity, or by a scale"
            )
        typer.echo(f"{file}: {stored.dtype} {stored.shape}, and nothing in it says what the numbers are{told}")
        return
    typer.echo(f"{file}: {stored.dtype} {stored.shape} without a unit; the middle of the map would be")
    for each, metres in found:
        typer.echo(f"  {each:<14} {metres:.3g} m")
