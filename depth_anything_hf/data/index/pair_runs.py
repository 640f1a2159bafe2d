# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Many pairs of an image and its label in an order, as runs of names in two folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .file_runs import LONGEST_RUN, FileRun, FileRuns, pack_run, split_path


class PairRun(NamedTuple):
    """Consecutive images of one folder, and as many labels of one folder; None where there are no labels."""

    images: FileRun
    labels: FileRun | None


class PairRuns:
    """Pairs in an order, as runs.

    Args:
        runs: in this order.
    """

    def __init__(self, runs: Iterable[PairRun] = ()) -> None:
        self.runs = list(runs)

    @classmethod
    def of_paths(cls, pairs: Iterable[tuple[Path | str, Path | str]]) -> PairRuns:
        """Return pairs that are given as paths, in their order."""
        found, places = cls(), ("", "")
        images, labels = list[str](), list[str]()
        for image, label in pairs:
            (image_folder, image_name), (label_folder, label_name) = split_path(image), split_path(label)
            if (image_folder, label_folder) != places or len(images) >= LONGEST_RUN:
                found.add(places[0], images, places[1], labels)
                places, images, labels = (image_folder, label_folder), [], []
            images.append(image_name)
            labels.append(label_name)
        found.add(places[0], images, places[1], labels)
        return found

    @classmethod
    def of_one_file_each(cls, files: FileRuns) -> PairRuns:
        """Return pairs whose labels lie in the images themselves."""
        return cls(PairRun(run, run) for run in files.runs)

    def add(self, image_folder: str, images: list[str], label_folder: str, labels: list[str]) -> None:
        """Append as many images as labels."""
        if images:
            self.runs.append(PairRun(pack_run(image_folder, images), pack_run(label_folder, labels)))

    def images(self) -> FileRuns:
        """Return the images alone."""
        return FileRuns(run.images for run in self.runs)

    def __len__(self) -> int:
        return sum(run.images.size for run in self.runs)

    def __iter__(self) -> Iterator[tuple[Path, Path]]:
        for images, labels in self.runs:
            if labels is not None:
                yield from zip(images.paths(), labels.paths(), strict=True)
