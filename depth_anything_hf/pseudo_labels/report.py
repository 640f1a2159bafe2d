# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a labelling run has done."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

from ..data.depth_stream import DepthStream
from ..data.left_out import describe_kinds
from ..data.samples import SampleDataset
from ..utils.messages import counted
from .shards import ShardSummary


@dataclass
class LabelReport:
    """Labels in one process's share of the shards, those of earlier runs included.

    Attributes:
        labelled: number of images with a label.
        skipped: (name, reason) of each image that could not be read, or whose prediction was NaN or not codable.
        shards: the shard files.
        bad_fits: number of labels whose two teachers do not fit each other.
        labelled_now: number of images that got their label in this call.
        taken: what there was to label for all processes together, as in "12 .jpg, 3 .png".
    """

    labelled: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    shards: list[Path] = field(default_factory=list)
    bad_fits: int = 0
    # What an earlier call labelled is the same result, and so is that of other files.
    labelled_now: int = field(default=0, compare=False)
    taken: str = field(default="", compare=False)

    def add_shard(self, path: Path, summary: ShardSummary | None) -> None:
        """Add a shard that is complete.

        Raises:
            ValueError: it is not.
        """
        if summary is None:
            raise ValueError(
                f"{path} disappeared during the run; make sure that no other process removes shards, and run the same "
                "command again"
            )
        self.shards.append(path)
        self.labelled += summary.labelled
        self.skipped += summary.skipped
        self.bad_fits += summary.bad_fits

    def join(self, other: LabelReport) -> None:
        """Add what other shards of the run hold; shards and skipped images are then sorted by shard."""
        self.labelled += other.labelled
        self.skipped += other.skipped
        self.shards = sorted([*self.shards, *other.shards])
        self.bad_fits += other.bad_fits
        self.labelled_now += other.labelled_now
        self.taken = self.taken or other.taken


class PictureCount:
    """Counts the pictures of a run that have something in common, and tells them in one line.

    Args:
        what: they have in common, in words behind "N pictures".
        advice: what it means, and what to do.
    """

    def __init__(self, what: str, advice: str) -> None:
        self.count, self.first = 0, ""
        self._what, self._advice = what, advice

    def add(self, name: str) -> None:
        """Count a picture."""
        self.count, self.first = self.count + 1, self.first or name

    def join(self, other: PictureCount) -> None:
        """Add the pictures of another count."""
        self.count, self.first = self.count + other.count, self.first or other.first

    def warn(self) -> None:
        """Warn in one line if there were any."""
        if self.count:
            pictures = counted(self.count, "picture")
            warnings.warn(f"{pictures} {self._what}, e.g. {self.first}: {self._advice}", stacklevel=2)


@dataclass
class LabelOutcome:
    """What came of some shards of a run.

    Attributes:
        report: of the shards that are complete.
        unread: why input shards could not be read, by their number.
        unmade: why output files could not be made, by their name.
        with_frames, maps: pictures that may be no photographs.
    """

    report: LabelReport
    unread: dict[str, str]
    unmade: dict[str, str]
    with_frames: PictureCount
    maps: PictureCount

    def join(self, other: LabelOutcome) -> None:
        """Add what came of other shards of the run."""
        self.report.join(other.report)
        self.unread |= other.unread
        self.unmade |= other.unmade
        self.with_frames.join(other.with_frames)
        self.maps.join(other.maps)

    def finish(self) -> LabelReport:
        """Warn of pictures that may be no photographs, and return the report.

        Raises:
            ValueError: some shards could not be read or made; all others are complete.
        """
        self.with_frames.warn()
        self.maps.warn()
        failures = [
            f"{counted(len(reasons), noun)} could not be {done}: "
            f"{'; '.join(each.rstrip('.') for each in reasons.values())}"
            for reasons, noun, done in ((self.unread, "input shard", "read"), (self.unmade, "shard", "made"))
            if reasons
        ]
        if failures:
            raise ValueError(
                f"{'. '.join(failures)}. All other shards are complete; fix the cause and run the same command again"
            )
        return self.report


def describe_taken(dataset: SampleDataset | DepthStream) -> str:
    """Count what there is to label: files by suffix, rows, or the shards of a stream."""
    if isinstance(dataset, DepthStream):
        return counted(dataset.shard_count, "input shard")
    names = getattr(dataset, "names", None)
    return counted(len(dataset), "row") if names is None else describe_kinds(map(Path, names))
