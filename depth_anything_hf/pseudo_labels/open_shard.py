# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A shard in the making: images at the teacher, then rows and skipped images that wait for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ..data.rows import UNIT_COLUMN
from ..inference.prediction import Prediction
from .inputs import LabelItem, ShardWork, label_row
from .label_maps import LabelMaker
from .shards import ShardWriter


Outcome: TypeAlias = "dict[str, Any] | tuple[str, str]"
"""A row, or (name, reason) of an image without a label."""

Outcomes: TypeAlias = "Sequence[Future[Outcome] | Outcome]"


@dataclass
class OpenShard:
    """An output shard that is being made.

    Attributes:
        work: its file, and the images that it will hold.
        items: images that were handed to the teacher, in order.
        handed_all: whether no more follow.
        is_given_up: whether it cannot be made, so that nothing more is written.
        teacher_failed: whether an image was read and got no prediction.
        failures_in_model: reasons why a forward pass failed, by the row of the image.
        unread: number of images that could not be read.
        outcomes: of the images that the teacher is done with and that are not written yet.
        coding_failed: whether a prediction could not be coded; used by the writing thread only, as all that follows.
        writer, rows, skipped: what is written.
    """

    work: ShardWork
    items: deque[LabelItem] = field(default_factory=deque)
    handed_all: bool = False
    is_given_up: bool = False
    teacher_failed: bool = False
    failures_in_model: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    outcomes: list[Future[Outcome] | Outcome] = field(default_factory=list)
    coding_failed: bool = False
    writer: ShardWriter | None = None
    rows: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def write(self, folder: Path, provenance: dict[str, Any], outcomes: Outcomes) -> None:
        """Write one row group.

        Raises:
            OSError: the file cannot be written; the shard is then given up.
        """
        if self.is_given_up:
            return
        try:
            if self.writer is None:
                self.writer = ShardWriter(folder / self.work.file, provenance["store_images"], provenance)
            done = [outcome.result() if isinstance(outcome, Future) else outcome for outcome in outcomes]
            self.coding_failed |= any(
                isinstance(promise, Future) and isinstance(outcome, tuple)
                for promise, outcome in zip(outcomes, done, strict=True)
            )
            rows = [outcome for outcome in done if isinstance(outcome, dict)]
            self.skipped += [outcome for outcome in done if isinstance(outcome, tuple)]
            self.rows += len(rows)
            self.writer.write(rows)
        except BaseException:
            self.is_given_up = True
            self.abandon()
            raise

    def abandon(self) -> None:
        """Remove the unfinished file; harmless for a finished shard."""
        if self.writer is not None:
            self.writer.abandon()


def encode_row(item: LabelItem, prediction: Prediction, maker: LabelMaker, provenance: dict[str, Any]) -> Outcome:
    """Return the row of an image with its predictions, or its name and why it cannot be coded."""
    try:
        disparity, further = maker.make(prediction)
        if UNIT_COLUMN in provenance:
            further = {UNIT_COLUMN: provenance[UNIT_COLUMN], **further}
        return label_row(item, disparity, provenance["encoding"], provenance["store_images"], further)
    except ValueError as error:
        return item.name, str(error)
