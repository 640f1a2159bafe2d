# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pair the images of a folder with the labels of another one by the names of the files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..utils.messages import counted
from .decoding.depth_maps import LABEL_SUFFIXES
from .decoding.images import IMAGE_SUFFIXES
from .files_by_stem import FilesByStem
from .index.file_runs import FileRun, FileRuns, join
from .index.looks import one_opening, tell
from .index.pair_runs import PairRun, PairRuns
from .index.scan import regular, scan_files
from .left_out import describe_kinds, warn_of_left_out
from .predicted_labels import listed_labels, without_pictures
from .prediction_list import OwnFiles


class NoCommonNameError(ValueError):
    """No image of a folder has a label of the same name in the folder beside it."""


@one_opening()
def pairs_by_name(images: Path, labels: Path) -> PairRuns:
    """List (image, label) of two folders whose files have equal names, but for suffixes and words such as depth.

    Of what `predict` has written, the file of numbers that is the most exact belongs to its image.

    Raises:
        NoCommonNameError: no two names are equal.
        ValueError: two files of one folder have the same name, except for the suffix.
    """
    of_images = FilesByStem(images, _files_in(images, IMAGE_SUFFIXES))
    label_files = _files_in(labels, LABEL_SUFFIXES)
    listed = listed_labels(of_images, labels)
    label_files = OwnFiles().leave_out(label_files) if listed else without_pictures(label_files)
    of_labels = FilesByStem(labels, label_files, listed)
    if not _have_common(of_images, of_labels):
        of_images.shorten()
        of_labels.shorten()
    pairs = _match(of_images, of_labels)
    if not pairs.runs:
        raise NoCommonNameError(
            f"no image of {images} ({counted(len(of_images), 'image')}) has a label of the same name, except "
            f"for the suffix, "
            f"in {labels} ({counted(len(of_labels), 'label')}, which end in one of {sorted(LABEL_SUFFIXES)}); "
            f"rename the files "
            "so that they match, name their pairs in a text list, or convert the labels"
            + _describe_unknown(images, IMAGE_SUFFIXES)
            + _describe_unknown(labels, LABEL_SUFFIXES)
        )
    for kind, files, others, folder in (
        ("image", of_images, of_labels, labels),
        ("label", of_labels, of_images, images),
    ):
        if len(files) > len(pairs):
            other = "label" if kind == "image" else "image"
            tell(
                f"{len(files) - len(pairs)} of {len(files)} {kind}s have no {other} in {folder} and are skipped, e.g. "
                f"{files.first_without(others)}",
                stacklevel=2,
            )
    for folder, suffixes in ((images, IMAGE_SUFFIXES), (labels, LABEL_SUFFIXES)):
        warn_of_left_out(folder, _unknown_in(folder, suffixes), "not in a format that is read here")
    return pairs


def _files_in(folder: Path, suffixes: Iterable[str]) -> FileRuns:
    return regular(scan_files(folder).with_suffixes(suffixes))


def _have_common(images: FilesByStem, labels: FilesByStem) -> bool:
    there = set(labels.folders())
    folders = [inside for inside in images.folders() if inside in there]
    return any(
        not images.in_folder(inside, like=labels).keys().isdisjoint(labels.in_folder(inside, like=images))
        for inside in folders
    )


def _match(images: FilesByStem, labels: FilesByStem) -> PairRuns:
    pairs = PairRuns()
    for inside, run in images.runs:
        table = labels.in_folder(inside, like=images)
        matched = [(name, table[key]) for name, key in zip(run.names(), images.keys(run), strict=True) if key in table]
        _add(pairs, run, matched, labels.place_of(inside))
    return pairs


def _add(pairs: PairRuns, run: FileRun, matched: list[tuple[str, str | Path]], folder: str) -> None:
    if any(isinstance(label, Path) for _, label in matched):
        paths = ((Path(run.folder, name), _path(folder, label)) for name, label in matched)
        pairs.runs += PairRuns.of_paths(paths).runs
        return
    start = len(pairs.runs)
    pairs.add(run.folder, [name for name, _ in matched], folder, [str(label) for _, label in matched])
    if len(matched) == run.size:
        # The same names once in memory.
        pairs.runs[start] = PairRun(run, pairs.runs[start].labels)


def _path(folder: str, label: str | Path) -> Path:
    return label if isinstance(label, Path) else Path(join(folder, label))


def _unknown_in(folder: Path, suffixes: Iterable[str]) -> FileRuns:
    return scan_files(folder).with_suffixes(suffixes, are_wanted=False)


def _describe_unknown(folder: Path, suffixes: Iterable[str]) -> str:
    kinds = describe_kinds(_unknown_in(folder, suffixes))
    return f"; in a format that is not read there: {kinds} in {folder}" if kinds else ""
