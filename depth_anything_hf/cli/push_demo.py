# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`push-demo`: arguments and messages; the work is in `demo.space`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def push_demo(
    model: Annotated[
        str,
        typer.Argument(help="Depth model: an id on the Hub, which the Space downloads; or a folder, which it holds."),
    ],
    space: Annotated[str, typer.Option("--space", help="Space on the Hub, owner/name; created if missing.")],
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output_dir", "-o", help="Folder for the files of the Space. [space/ in the model's folder, else space/]"
        ),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option("--license", help="License of the model, e.g. apache-2.0. [that of its card]"),
    ] = None,
    hub_private_repo: Annotated[bool, typer.Option("--hub_private_repo", help="Create the Space as private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Write the files and push nothing.")] = False,
) -> None:
    """Put a demo of a model on the Hub as a Space: app.py, requirements.txt and README.md, written and pushed.

    The Space runs this package: its app.py is ten lines. License and lineage of the model stand in its README.md. Log
    in with `hf auth login` or set HF_TOKEN.

    \b
    Examples:
      depth-anything-hf push-demo runs/student --space owner/depth-demo --dry_run
      depth-anything-hf push-demo runs/student --space owner/depth-demo --hub_private_repo
      depth-anything-hf push-demo depth-anything/Depth-Anything-V2-Small-hf --space owner/depth-demo
    """
    from ..demo.space import push_space, write_space
    from ..hub.errors import PushError
    from ..hub.repository import Repository

    # Before anything is written.
    Repository(space, "space", hub_private_repo)
    title = space.split("/")[-1].replace("-", " ").replace("_", " ").strip().capitalize()
    try:
        written = write_space(model, title, output_dir, license=license)
        if written.license is None:
            typer.echo(
                "warning: the license of the model is not known, so that the Space states none; give --license",
                err=True,
            )
        if dry_run:
            typer.echo(f"files of the Space are in {written.folder}; nothing was pushed")
            return
        address = push_space(written, space, private=hub_private_repo)
    except PushError as error:
        raise ValueError(str(error)) from error
    typer.echo(f"demo pushed to {address}, its files are in {written.folder}")
