# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of `predict` as labels: which of several belongs to an image, and which kind a folder of them holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from .decoding.depth_maps import LABEL_SUFFIXES, LABELS
from .decoding.exr import exr_is_readable
from .decoding.map_meaning import STRAIGHTENED_REASON, is_picture_of_prediction, meaning_in_file
from .files_by_stem import FilesByStem
from .index.file_runs import FileRuns, suffix_of
from .index.looks import list_folder, note_file
from .left_out import SAMPLED
from .own_pictures import PICTURE_ENDINGS
from .prediction_list import LIST_FILE, digest_of_source, read_entries, stamp_of


# Endings of the files of numbers, the most exact first. Of the greys, millimetres have no value where they clip.
ENDINGS = (".npz", ".npy", ".tiff", ".exr", "_mm.png", "_16bit.png", "_kitti.png")


def without_pictures(files: FileRuns) -> FileRuns:
    """Return the files without coloured pictures of predictions, which their texts tell."""
    suspects = files.keep(lambda folder, names: [name for name in names if name.endswith(PICTURE_ENDINGS)])
    if not any(map(is_picture_of_prediction, suspects.some(SAMPLED))):
        return files
    return files.without(path for path in suspects if is_picture_of_prediction(path))


def label_told(folder: Path) -> str | None:
    """Return which label a folder holds by the list of predictions there, or by what its first file says of itself.

    None where nothing tells, or several files are of several kinds.
    """
    place = _place_of_list(folder)
    if place is not None:
        kinds = Counter(entry.get("kind") for entry in _entries(place).values())
        return next(iter(kinds)) if len(kinds) == 1 and {*kinds} <= {*LABELS} else None
    listing = list_folder(folder)
    firsts = [next(filter(_may_be_numbers, names), None) for names in (sorted(listing.names()), listing.folders)]
    names = [name for name in firsts if name is not None]
    if not names:
        return None
    note_file(folder / min(names))
    meaning = meaning_in_file(folder / min(names))
    return None if meaning is None else meaning.kind


def _may_be_numbers(name: str) -> bool:
    return not name.endswith(PICTURE_ENDINGS) and suffix_of(name).lower() in LABEL_SUFFIXES


def listed_labels(images: FilesByStem, folder: Path) -> dict[str, Path]:
    """Return stem of an image -> the file that is its label, by the list of predictions of a folder; empty without.

    Args:
        images: by their stems.
        folder: of labels, or one below that with the list.

    Raises:
        ValueError: a label is of another picture, as a camera file has straightened it.
    """
    place = _place_of_list(folder)
    if place is None:
        return {}
    entries = _entries(place)
    by_source = {entry["source"]: entry for entry in entries.values()}
    prefix = folder.relative_to(place).as_posix()
    by_stem = {str(PurePosixPath(name).with_suffix("")): entry for name, entry in entries.items()}
    found: dict[str, Path] = {}
    for stem, image in images.items():
        # Where both folders were moved apart, names are all that is left.
        name = stem if prefix == "." else f"{prefix}/{stem}"
        entry = by_source.get(digest_of_source(image, place)) or by_stem.get(name)
        label = None if entry is None else _best_file(place, entry)
        if entry is not None and label is not None:
            # npy has no room to say so itself.
            if entry.get("pixels", {}).get("is_straightened"):
                raise ValueError(f"{label}: {STRAIGHTENED_REASON}")
            found[stem] = label
    return found


def _best_file(place: Path, entry: Mapping[str, Any]) -> Path | None:
    names = {name.removeprefix(entry["target"]): str(name) for name in entry["files"]}
    for ending in ENDINGS:
        if ending in names and (ending != ".exr" or exr_is_readable()) and (place / names[ending]).is_file():
            return place / names[ending]
    return None


def _place_of_list(folder: Path) -> Path | None:
    """Return the folder of the list: the one of labels, or, where that is of one split, the one above."""
    return next((each for each in (folder, folder.parent) if (each / LIST_FILE).is_file()), None)


def _entries(place: Path) -> dict[str, Any]:
    return _entries_of(place, tuple(stamp_of(place / LIST_FILE).values()))


@lru_cache(maxsize=4)
def _entries_of(place: Path, stamp: tuple[int, ...]) -> dict[str, Any]:
    """Return the entries of a list as it is; `stamp` tells a changed one apart."""
    try:
        return read_entries(place)
    except (ValueError, OSError):
        return {}
