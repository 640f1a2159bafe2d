# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`verify` and `push-labels`: arguments and messages; the work is in `pseudo_labels`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..utils.messages import counted


if TYPE_CHECKING:
    from ..pseudo_labels.verify import VerifyReport


def verify(
    labels: Annotated[Path, typer.Argument(help="Folder that `pseudo-label` wrote.")],
    remove_damaged: Annotated[
        bool, typer.Option("--remove_damaged", help="Delete damaged shards; the next run labels their images again.")
    ] = False,
    remove_skipped: Annotated[
        bool,
        typer.Option("--remove_skipped", help="Delete shards with skipped images; the next run tries these again."),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Check counts and checksums only, decode no image.")] = False,
) -> Any:
    """Re-read all shards of pseudo-labels: counts, checksums, ranges, sizes, and that nothing is twice or missing.

    \b
    Examples:
      depth-anything-hf verify labels/
      depth-anything-hf verify labels/ --remove_damaged
      depth-anything-hf verify labels/ --remove_skipped
    """
    from ..pseudo_labels.verify import verify_labels

    report = verify_labels(
        labels, remove_damaged=remove_damaged, remove_skipped=remove_skipped, check_pixels=not quick
    )
    held = f"{counted(report.labelled, 'label')} in {counted(report.shards, 'shard')}"
    typer.echo(f"{held}, {counted(len(report.skipped), 'image')} skipped")
    for name, reason in report.damaged:
        typer.echo(f"damaged{' and removed' if name in report.removed else ''}: {name}: {reason}", err=True)
    for name in report.missing:
        typer.echo(f"missing: {name}", err=True)
    for name in report.duplicates:
        typer.echo(f"labelled more than once: {name}", err=True)
    if not report.is_sound:
        for advice in _advice(report, labels, remove_damaged):
            typer.echo(advice, err=True)
        raise typer.Exit(1)
    return report


def _advice(report: VerifyReport, labels: Path, has_removed: bool) -> Iterator[str]:
    """Yield what makes the labels sound, one sentence each."""
    left = [name for name, _ in report.damaged if name not in report.removed]
    if left and not has_removed:
        yield f"delete the damaged shards first: depth-anything-hf verify {labels} --remove_damaged"
    elif left:
        yield f"move what is not written by this package out of the folder: {', '.join(left)}"
    if report.damaged or report.missing:
        yield "run the same pseudo-label command again to fill in missing shards"
    if report.duplicates:
        yield "label the images into another folder, each of them once"


def push_labels(
    labels: Annotated[Path, typer.Argument(help="Folder that `pseudo-label` wrote, complete.")],
    repository: Annotated[str, typer.Argument(help="Dataset on the Hub, owner/name; created if missing.")],
    hub_private_repo: Annotated[
        bool, typer.Option("--hub_private_repo", help="Create the repository as private.")
    ] = False,
    image_license: Annotated[
        str | None,
        typer.Option("--image_license", help="License of the images for the card, e.g. cc-by-4.0. [unknown]"),
    ] = None,
    teacher_license: Annotated[
        str | None,
        typer.Option(
            "--teacher_license",
            help="License of the teacher's weights for the card, e.g. apache-2.0. [unknown]",
        ),
    ] = None,
    scale_teacher_license: Annotated[
        str | None,
        typer.Option("--scale_teacher_license", help="Of the scale teacher's weights, where there is one. [unknown]"),
    ] = None,
    sky_teacher_license: Annotated[
        str | None,
        typer.Option("--sky_teacher_license", help="Of the sky teacher's weights, where there is one. [unknown]"),
    ] = None,
) -> None:
    """Push pseudo-labels to the Hub with a card that says how they were made and under which licenses.

    The folder is verified first. Run the same command again to resume an interrupted push. Log in with
    `hf auth login` or set HF_TOKEN.

    \b
    Examples:
      depth-anything-hf push-labels labels/ owner/labels --hub_private_repo --image_license cc-by-4.0
      depth-anything-hf distill --recipe student --encoder_name_or_path facebook/dinov2-small \\
          --train_data owner/labels --output_dir runs/student
    """
    from ..pseudo_labels.push import push_labels_when_complete

    options: dict[str, Any] = {
        "image_license": image_license,
        "teacher_license": teacher_license,
        "scale_teacher_license": scale_teacher_license,
        "sky_teacher_license": sky_teacher_license,
        "private": hub_private_repo,
    }
    if not tell_push(labels, lambda: push_labels_when_complete(labels, repository, **options)):
        raise ValueError(
            f"{labels} is incomplete, or another process is pushing it; check: depth-anything-hf verify {labels}"
        )


def tell_push(labels: str | Path, push: Callable[[], str | None]) -> bool:
    """Push by this function and say where the labels are now; return whether they were pushed."""
    from ..hub.errors import PushError

    try:
        address = push()
    except PushError as error:
        raise ValueError(str(error)) from error
    not_pushed = f"not pushed: shards are missing in {labels}, or another process is pushing them"
    typer.echo(f"labels pushed to {address}" if address else not_pushed)
    return address is not None
