# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`datasets`: arguments and messages; the work is in `data.public`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..utils.option_errors import check_choice


def list_datasets(
    name: Annotated[str | None, typer.Argument(help="Show one dataset in full. [a line for each]")] = None,
) -> None:
    """List the public datasets that are read as downloaded, and the benchmark protocols.

    Their readers give planar depth in metres with invalid pixels marked, for training (`kind:` in a recipe's data
    source) and for `evaluate --protocol`.

    \b
    Examples:
      depth-anything-hf datasets
      depth-anything-hf datasets hypersim
    """
    from ..data.public.catalog import describe_public
    from ..evaluation.protocols import PROTOCOL_GROUPS, PROTOCOLS

    rows = describe_public()
    if name is None:
        for row in rows:
            typer.echo(f"{row['name']:<14} {row['title']}; license: {row['license']}")
        typer.echo("\nprotocols of `evaluate --protocol NAME --root DIR`:")
        for protocol in PROTOCOLS.values():
            typer.echo(f"{protocol.name:<25} {protocol.title}")
        for group, members in PROTOCOL_GROUPS.items():
            typer.echo(f"{group:<25} all of {', '.join(members)}")
        return
    check_choice("name", name, [row["name"] for row in rows])
    for key, value in next(row for row in rows if row["name"] == name).items():
        if value:
            separator = "\n" if "\n" in value else " "
            typer.echo(f"{key}:{separator}{value}")
    for protocol in PROTOCOLS.values():
        if protocol.reader == name:
            typer.echo(f"protocol {protocol.identifier}: {protocol.title}")
