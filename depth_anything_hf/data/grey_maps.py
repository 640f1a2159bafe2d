# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Find depth maps with 8 bits among photographs: no byte of them tells, but names and the files beside them do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from .decoding.images import IMAGE_SUFFIXES
from .decoding.limits import open_picture, picture_mode
from .index.file_runs import FileRuns, suffix_of
from .index.looks import list_folder, note_folder, tell
from .layout_names import IMAGE_NAMES, drop_kind_words, is_label_folder, names_a_label, normalize
from .left_out import SAMPLED, some_of, warn_of_left_out


GREY_MODES = frozenset({"1", "L", "LA"})
# Pictures that are decoded of each folder.
DECODED = 5
# Folders beside one that are looked into, for pictures of the same names.
MOST_BESIDE = 64
# In maps most pixels equal the one to their left; in photographs noise leaves few of them.
SMOOTH_SHARE = 0.5
# Every name for which `names_a_label` is true has one of these in it.
PARTS_OF_LABEL_NAMES = (b"depth", b"disp", b"dmap")
ADVICE = (
    "name the folder of the photographs; where these are photographs, name the files themselves, or a list of them"
)


def without_grey_maps(root: Path, images: FileRuns) -> FileRuns:
    """Return the photographs among the images: without pictures of depth with 8 bits, as far as that can be known.

    Left out are grey pictures whose name or folder says depth, and smooth grey ones that share their names with
    pictures in colour beside them, of another suffix or in another folder. A warning tells them, and those that are
    suspicious only, which stay.

    Args:
        root: where the search began.
        images: below it.

    Raises:
        ValueError: nothing else is there; the message says what to do.
    """
    named = _named_as_labels(root, images)
    grey = {path for files in _by_folder(named).values() if _all_grey(files) for path in files if _is_grey(path)}
    _refuse_nothing_else(root, images, grey, "grey, and by their names maps of depth")
    warn_of_left_out(root, grey, "grey, and by their names maps of depth")
    neighbours = _Neighbours(root)
    coloured = _named_after_others([path for path in named if path not in grey], images, neighbours)
    if coloured:
        tell(
            f"{root}: {len(coloured)} of the pictures are by their names the depth of others, e.g. {coloured[0]}, and "
            f"are taken for photographs; if they are none, move them elsewhere",
            stacklevel=3,
        )
    return _without_partners(root, images.without(grey), named, neighbours)


def _named_as_labels(root: Path, images: FileRuns) -> list[Path]:
    named: list[Path] = []
    for run in images.runs:
        if _is_folder_of_labels(Path(run.folder), root):
            named += run.paths()
        elif any(part in run.packed.lower() for part in PARTS_OF_LABEL_NAMES):
            named += [path for path in run.paths() if names_a_label(path.stem)]
    return named


def _without_partners(root: Path, images: FileRuns, named: list[Path], neighbours: _Neighbours) -> FileRuns:
    maps: set[Path] = set()
    beside = Path()
    for group in images.without(named).alike():
        if not all(map(_is_grey, group.some(SAMPLED))):
            continue
        files = list(group)
        folder, found = files[0].parent, neighbours.in_colour(files)
        if found is None:
            continue
        if median(map(_smooth_share, some_of(files, DECODED))) > SMOOTH_SHARE:
            maps |= set(files)
            beside = found
        else:
            tell(
                f"{folder}: all {len(files)} {files[0].suffix} pictures are grey, e.g. {files[0]}, have the names of "
                f"pictures in colour in {found}, and are taken for photographs; if they are maps, "
                + ("move them elsewhere" if found == folder else f"name {found} alone"),
                stacklevel=3,
            )
    what = f"grey and smooth, with the names of the pictures in colour in {beside}"
    _refuse_nothing_else(root, images, maps, what)
    warn_of_left_out(root, maps, f"{what}: maps, no photographs")
    return images.without(maps)


def _refuse_nothing_else(root: Path, images: FileRuns, maps: set[Path], what: str) -> None:
    if maps and len(maps) == len(images):
        raise ValueError(f"{root}: all {len(images)} pictures are {what}, e.g. {images.first()}; {ADVICE}")


def _is_folder_of_labels(folder: Path, root: Path) -> bool:
    # The name of the root may say what the pictures are for.
    return is_label_folder(root.name) or (folder != root and names_a_label(folder.name))


def _named_after_others(named: list[Path], images: FileRuns, neighbours: _Neighbours) -> list[Path]:
    """Return those named as a_depth.png or depth_vis/a.png is, where a.png or a_rgb.png is an image beside it."""
    folders = {str(path.parent) for path in named}
    others = images.in_folders(folders.__contains__).without(named)
    plain = {(path.parent, drop_kind_words(path.stem)) for path in others}
    found = {path for path in named if (path.parent, drop_kind_words(path.stem)) in plain}
    for files in _by_folder(path for path in named if path not in found and not names_a_label(path.stem)).values():
        if neighbours.in_colour(files) is not None:
            found |= set(files)
    return [path for path in named if path in found]


def _by_folder(images: Iterable[Path]) -> dict[Path, list[Path]]:
    groups: dict[Path, list[Path]] = {}
    for path in images:
        groups.setdefault(path.parent, []).append(path)
    return groups


def _all_grey(files: list[Path]) -> bool:
    return all(_is_grey(path) for path in some_of(files))


def _is_grey(path: Path) -> bool:
    return picture_mode(path) in GREY_MODES


def _is_in_colour(path: Path) -> bool:
    mode = picture_mode(path)
    # The map beside a grey photograph mostly has 16 bits.
    return mode not in {"", "F", *GREY_MODES} and not mode.startswith("I")


def _smooth_share(path: Path) -> float:
    """Return the share of pixels that equal the one to their left; 0 where the picture cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_picture(path, str(path)) as picture:
                grey = np.asarray(picture.convert("L"))
    except Exception:
        # As in `picture_mode`; what has more pixels than may be decoded cannot be told either.
        return 0.0
    return float((grey[:, 1:] == grey[:, :-1]).mean()) if grey.shape[1] > 1 else 0.0


class _Neighbours:
    """Finds pictures in colour that have the names of others; keeps what it has seen of folders for one search.

    Args:
        root: where the search began.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # Each of many folders asks for the same ones beside it.
        self._names, self._folders = lru_cache(None)(_names_by_stem), lru_cache(None)(_folders_of)
        self._is_in_colour = lru_cache(None)(_is_in_colour)

    def in_colour(self, files: list[Path]) -> Path | None:
        """Return the folder that has most of these names in colour: their own, one beside it or above it."""
        wanted = dict.fromkeys(path.stem for path in some_of(files))
        folder, own = files[0].parent, {path.name for path in files}
        for place in (folder, *self._places_beside(folder)):
            names, others = self._names(place), own if place == folder else frozenset()
            found = ([name for name in names.get(stem, ()) if name not in others] for stem in wanted)
            same = [each for each in found if each]
            if (
                2 * len(same) > len(wanted)
                and self._is_in_colour(place / same[0][0])
                # A link may lead back to the folder itself.
                and (place == folder or not place.samefile(folder))
            ):
                return place
        return None

    def _places_beside(self, folder: Path) -> Iterator[Path]:
        """Yield the folder above, and for each up to that around the root those beside it, with the same way down."""
        if folder != self._root:
            yield folder.parent
        for base in (folder, *folder.parents):
            way_down = folder.relative_to(base)
            others = (name for name in self._folders(base.parent) if name != base.name)
            yield from (base.parent / name / way_down for name in islice(others, MOST_BESIDE))
            # What is called images/ in another folder beside that of the root is another data set.
            if base == self._root.parent or (base == self._root and normalize(self._root.name) in IMAGE_NAMES):
                break


def _names_by_stem(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    note_folder(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for name in (entry.name for entry in entries):
            suffix = suffix_of(name)
            if suffix.lower() in IMAGE_SUFFIXES:
                found.setdefault(name.removesuffix(suffix), []).append(name)
    return found


def _folders_of(folder: Path) -> list[str]:
    with suppress(OSError):
        return list(list_folder(folder).folders)
    return []
