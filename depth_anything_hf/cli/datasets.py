# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`datasets`: arguments and messages; the work is in `data.public`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..utils.messages import counted
from ..utils.option_errors import OptionError, check_choice


# Samples that `--root` reads.
SAMPLES_SHOWN = 5


def list_datasets(
    name: Annotated[str | None, typer.Argument(help="Show one dataset in full. [a line for each]")] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="Open NAME in this folder, and show what some of its samples hold.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Split of --root. [the dataset's default]")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Option of the dataset for --root, such as every=25."),
    ] = None,
) -> None:
    """List the public datasets that are read as downloaded, and the benchmark protocols.

    Their readers give planar depth in metres with invalid pixels marked, for training (`kind:` in a recipe's data
    source) and for `evaluate --protocol`.

    \b
    Examples:
      depth-anything-hf datasets
      depth-anything-hf datasets hypersim
      depth-anything-hf datasets scannet --root /data/scannet --option every=25
    """
    if root is not None:
        _check(name, root, split, option or [])
        return
    if split is not None or option:
        raise OptionError("--split and --option belong to --root; give the folder of the dataset")
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


def _check(name: str | None, root: Path, split: str | None, given: list[str]) -> None:
    """Open a dataset, and print how many samples it has and what some of them hold."""
    from ..data.public.catalog import open_public, public_dataset
    from ..data.public.check import numbers_of_samples

    if name is None:
        raise OptionError("--root needs the NAME of a dataset, as in: depth-anything-hf datasets scannet --root DIR")
    title = public_dataset(name).title
    samples = open_public(name, root, split, **dict(map(read_option, given)))
    typer.echo(f"{root}: {counted(len(samples), 'sample')} of {title}")
    for numbers in numbers_of_samples(samples, SAMPLES_SHOWN):
        typer.echo(f"  {numbers.line(samples.label)}")


def read_option(text: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE, which is written as in a recipe."""
    import yaml

    name, equals, value = text.partition("=")
    try:
        if equals and name.strip():
            return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise OptionError(f"--option {text!r}: expected NAME=VALUE as in a recipe: {error}") from error
    raise OptionError(f"--option {text!r}: expected NAME=VALUE, as in every=25 or sensors=[kv1, kv2]")
