# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is checked of an output before the work starts: that it can be written, and replaces nothing of the user's.

A file that an earlier call has written is known by its content, see each writer, and may be replaced; any other file
is the user's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .files import unfinished_file, write_error


NAMED_IN_ERROR = 5
# More than what file systems keep inside the entry of a file.
_PROBE_BYTES = 16 << 10


def check_folder(folder: Path) -> None:
    """Check that files can be written into a folder, which need not exist yet; nothing is left behind.

    Raises:
        NotADirectoryError: the folder or one above it is a file.
        OSError: the folder, or the one that it would be made in, takes no files, e.g. on a full or read-only disk.
    """
    probe = unfinished_file(existing_folder(folder) / "probe")
    try:
        try:
            probe.write_bytes(bytes(_PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error


def existing_folder(folder: Path) -> Path:
    """Return a folder, or the one above it in which it would be made.

    Raises:
        NotADirectoryError: there is a file in its place.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        broken = " (a link to nothing)" if place.is_symlink() and not place.exists() else ""
        what = "it" if place == folder else str(place)
        raise NotADirectoryError(
            f"{folder} cannot be written: expected a folder, but {what} is a file{broken}; choose another one"
        )
    return place


def check_file(path: Path) -> None:
    """Check that a file can be written, as `check_folder` does of its folder.

    Raises:
        IsADirectoryError: there is a folder of that name.
        OSError: see `check_folder`.
    """
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} cannot be written: expected a file, but it is a folder; add the name of the file"
        )
    check_folder(path.parent)


def refuse_to_replace(paths: Iterable[Path], advice: str) -> None:
    """Raise FileExistsError with the first of some files that are not to be replaced; nothing without any.

    Args:
        paths: files of the user's.
        advice: what to do.
    """
    theirs = list(paths)
    if theirs:
        more = f" and {len(theirs) - NAMED_IN_ERROR} more" if len(theirs) > NAMED_IN_ERROR else ""
        raise FileExistsError(
            f"{', '.join(map(str, theirs[:NAMED_IN_ERROR]))}{more}: already there and not written by an earlier run; "
            f"{advice}"
        )


def lies_in(path: Path, folder: Path) -> bool:
    """Return whether a path, which need not exist, is an existing folder or below it, whatever links lead there."""
    place = Path(os.path.realpath(path))
    return folder.is_dir() and any(is_same_file(each, folder) for each in (place, *place.parents))


def is_same_file(path: Path, other: Path) -> bool:
    """Return whether two names are one existing file, also by links and where letters' case does not count."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False
