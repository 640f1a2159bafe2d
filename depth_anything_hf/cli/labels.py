# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`verify` and `push-labels`: arguments and messages; the work is in `pseudo_labels.verify` and `hub.publisher`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


PrivateOption = Annotated[bool, typer.Option("--private", help="Make a new repository private.")]
ImageLicenseOption = Annotated[
    str | None, typer.Option(help="Licence of the pictures for the card, e.g. cc-by-4.0. [said as unknown]")
]
TeacherLicenseOption = Annotated[
    str | None, typer.Option(help="Licence of the teacher's weights, e.g. apache-2.0. [said as unknown]")
]


def verify(
    labels: Annotated[Path, typer.Argument(help="Folder that `pseudo-label` wrote.")],
    remove_damaged: Annotated[
        bool, typer.Option("--remove-damaged", help="Delete damaged shards, so that the next run makes them again.")
    ] = False,
    remove_skipped: Annotated[
        bool,
        typer.Option("--remove-skipped", help="Delete shards that left pictures out; the next run tries again."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check counts and checksums only, decode no picture.")
    ] = False,
) -> Any:
    """Re-reads all shards of pseudo-labels: counts, checksums, ranges, sizes, and that nothing is twice or missing.

    \b
    Examples:
      depth-anything-hf verify labels/
      depth-anything-hf verify labels/ --remove-damaged
      depth-anything-hf verify labels/ --remove-skipped
    """
    from ..pseudo_labels.verify import verify_labels

    report = verify_labels(
        labels, remove_damaged=remove_damaged, remove_skipped=remove_skipped, check_pixels=not quick
    )
    typer.echo(f"{report.labelled} labels in {report.shards} shards, {len(report.skipped)} images left out")
    for name, reason in report.damaged:
        typer.echo(f"damaged{' and removed' if remove_damaged else ''}: {name}: {reason}", err=True)
    for name in report.missing:
        typer.echo(f"missing: {name}", err=True)
    for name in report.duplicates:
        typer.echo(f"labelled more than once: {name}", err=True)
    if not report.is_sound:
        typer.echo("repeat the pseudo-label command to make what is missing", err=True)
        raise typer.Exit(1)
    return report


def push_labels(
    labels: Annotated[Path, typer.Argument(help="Folder that `pseudo-label` wrote, complete.")],
    repository: Annotated[str, typer.Argument(help="Dataset on the Hub, owner/name; made if absent.")],
    private: PrivateOption = False,
    image_license: ImageLicenseOption = None,
    teacher_license: TeacherLicenseOption = None,
) -> None:
    """Pushes pseudo-labels to the Hub with a card that says how they were made and under which licences.

    The folder is verified first. The same command goes on where an interrupted one stopped. Log in with
    `hf auth login` or set HF_TOKEN.

    \b
    Examples:
      depth-anything-hf push-labels labels/ owner/labels --private --image-license cc-by-4.0
      accelerate launch examples/distill.py --train_data owner/labels ...
    """
    if not _push(labels, repository, private=private, image_license=image_license, teacher_license=teacher_license):
        raise ValueError(
            f"{labels} is not complete, or another process is at its push; see: depth-anything-hf verify {labels}"
        )


def _push(labels: Path, repository: str, **options: Any) -> bool:
    """Returns whether the labels were pushed."""
    from ..hub.publisher import push_labels_when_complete
    from ..hub.repository import PushError

    try:
        address = push_labels_when_complete(labels, repository, **options)
    except PushError as error:
        raise ValueError(str(error)) from error
    not_pushed = f"not pushed here: shards are missing in {labels}, or another process is at its push"
    typer.echo(f"the labels are at {address}" if address else not_pushed)
    return address is not None
