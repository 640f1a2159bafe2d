# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders that are complete or absent whenever the process is killed.

A folder is filled under the hidden name `.NAME.unfinished`, synchronized to the disk and renamed. Hidden names that a
kill leaves behind (`.NAME.unfinished`, `.NAME.replaced`, `.NAME.deleted`) are dealt with by `repair_folder`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from .files import UNFINISHED_SUFFIX, fsync_file, fsync_folder, is_unfinished_file, unfinished_file


REPLACED_SUFFIX, DELETED_SUFFIX = ".replaced", ".deleted"


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Fill a new folder, which takes the place of `target` only when the block ends without an error."""
    unfinished = unfinished_folder(target)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    fsync_tree(unfinished)
    put_in_place(unfinished, target)


def unfinished_folder(target: Path) -> Path:
    """Return the hidden name under which a folder is filled; every process of a run finds the same one."""
    return _hidden(target, UNFINISHED_SUFFIX)


def put_in_place(unfinished: Path, target: Path) -> None:
    """Rename a finished folder to `target`; an older one there steps aside first and is deleted last.

    At every instant the old or the new folder is whole, under its name or one that `repair_folder` knows.
    """
    old = _hidden(target, REPLACED_SUFFIX)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(target, old)
    os.replace(unfinished, target)
    fsync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def move_files(unfinished: Path, target: Path) -> None:
    """Move the files of a finished folder into `target` one by one, each of them whole at every instant."""
    fsync_tree(unfinished)
    for path in files_below(unfinished):
        place = target / path.relative_to(unfinished)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    fsync_folder(target)
    shutil.rmtree(unfinished)


def remove_folder(folder: Path) -> None:
    """Delete a folder that a kill in between must not leave half-deleted under its name."""
    doomed = _hidden(folder, DELETED_SUFFIX)
    shutil.rmtree(doomed, ignore_errors=True)
    os.replace(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def repair_folder(folder: Path, names: Sequence[str]) -> None:
    """Clean up what a kill left in a folder: an old folder comes back where the new one did not arrive.

    Only for the holder of the folder's lock: unfinished files and folders of any process are removed.

    Args:
        folder: in which the work is done.
        names: patterns of the names that are written there; hidden files of others are the user's.
    """

    def leftovers(suffix: str) -> list[Path]:
        found = folder.glob(f".*{suffix}")
        return [path for path in found if any(fnmatch(_shown(path, suffix), name) for name in names)]

    for old in leftovers(REPLACED_SUFFIX):
        target = folder / _shown(old, REPLACED_SUFFIX)
        if target.exists():
            shutil.rmtree(old)
        else:
            os.replace(old, target)
    files = [path for path in folder.glob(f".*{UNFINISHED_SUFFIX}") if is_unfinished_file(path)]
    for leftover in {*leftovers(UNFINISHED_SUFFIX), *leftovers(DELETED_SUFFIX), *files}:
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def fsync_tree(folder: Path) -> None:
    """Wait until the files of a folder and their names are on the disk."""
    for path in files_below(folder):
        fsync_file(path)
    for path in [*(each for each in folder.rglob("*") if each.is_dir()), folder]:
        fsync_folder(path)


def files_below(folder: Path) -> list[Path]:
    """Return all files of a folder and of the folders in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _shown(hidden: Path, suffix: str) -> str:
    return hidden.name.removeprefix(".").removesuffix(suffix)


def _hidden(target: Path, suffix: str) -> Path:
    return target.with_name(f".{target.name}{suffix}")


def share_weights(folder: Path) -> None:
    """Give the weight files below a folder the mode of every new file there, by the umask.

    safetensors 0.8 writes them for their owner alone, so that others could read all of a shared model but its weights.
    """
    weights = list(folder.rglob("*.safetensors"))
    if not weights:
        return
    probe = unfinished_file(folder / "mode")
    try:
        probe.touch(exist_ok=False)
        mode = stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink(missing_ok=True)
    for path in weights:
        path.chmod(mode)
