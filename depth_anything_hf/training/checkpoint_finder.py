# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders and files of a run that are complete or absent whenever it is killed, and how they are found again.

A folder is filled under a hidden name, synchronized to the disk, listed in `manifest.json` with sizes and checksums,
and renamed. Hidden names that a kill leaves behind (`.NAME.unfinished`, `.NAME.replaced`, `.NAME.deleted`) are dealt
with by `repair_folder` at the next start. A running run holds a lock on `.lock`.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from ..utils.folders import remove_folder
from ..utils.manifest import MANIFEST_FILE, find_damage


STATE_FOLDER = "state"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the `checkpoint-N` folders, oldest first, whole or damaged."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=step_of)


def step_of(checkpoint: Path) -> int:
    """Return N of `checkpoint-N`."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def find_checkpoint(folder: Path, wanted: str | None) -> Path | None:
    """Return the checkpoint that `resume_from_checkpoint` means; None if there is nothing to resume from.

    Args:
        folder: the run folder.
        wanted: None, a checkpoint's folder, or "latest": the newest undamaged one, with a warning per damaged one.

    Raises:
        FileNotFoundError: a named checkpoint does not exist.
        ValueError: a named checkpoint is damaged, or all are.
    """
    if wanted is None:
        return None
    if wanted != "latest":
        path = Path(wanted)
        if not (path / MANIFEST_FILE).is_file():
            raise FileNotFoundError(
                f"{path} is not a checkpoint: {path / MANIFEST_FILE} is missing; give a checkpoint-N folder of a run, "
                "or 'latest'"
            )
        damage = find_damage(path)
        if damage:
            raise ValueError(
                f"{path} is damaged: {damage}; choose another one, or 'latest' for the newest undamaged one"
            )
        return path
    damaged = []
    for checkpoint in reversed(list_checkpoints(folder)):
        damage = find_damage(checkpoint)
        if damage is None:
            return checkpoint
        damaged.append(f"{checkpoint}: {damage}")
        warnings.warn(f"{checkpoint} is damaged, skipping it: {damage}", stacklevel=2)
    if damaged:
        raise ValueError(
            f"all checkpoints in {folder} are damaged ({'; '.join(damaged)}); remove these folders to "
            "start the run from scratch"
        )
    return None


def set_aside_later_checkpoints(checkpoint: Path, folder: Path) -> list[Path]:
    """Rename the checkpoints that came after the one that a run resumes from to `abandoned-checkpoint-N`.

    They belong to a continuation that was abandoned, which "latest" must not find.

    Args:
        checkpoint: of any run; only the folder's own have others after them.
        folder: the run folder.

    Returns:
        The new folders, oldest first.
    """
    if checkpoint.resolve().parent != folder.resolve():
        return []
    renamed = []
    for later in [each for each in list_checkpoints(folder) if step_of(each) > step_of(checkpoint)]:
        place, number = later.with_name(f"abandoned-{later.name}"), 2
        while place.exists():
            place, number = later.with_name(f"abandoned-{later.name}-{number}"), number + 1
        os.replace(later, place)
        renamed.append(place)
    return renamed


def set_aside_best(folder: Path, step: int) -> Path | None:
    """Rename `best/` to `best-until-step-N`, as its scores cannot be compared with those to come.

    Args:
        folder: the run folder.
        step: N. A second start from the same step, after a kill, changes nothing.

    Returns:
        The new folder, if there was a model to rename.
    """
    best, kept = folder / "best", folder / f"best-until-step-{step}"
    if kept.exists() or not best.is_dir():
        return None
    os.replace(best, kept)
    return kept


def rotate_checkpoints(folder: Path, newest: int, keep: int) -> None:
    """Delete what is older than the `keep` newest whole checkpoints up to step `newest`, damaged ones included.

    At least one is kept. Later ones, which were damaged when the run was resumed, stay until they are written again.
    """
    kept, keep = 0, max(1, keep)
    for checkpoint in reversed([each for each in list_checkpoints(folder) if step_of(each) <= newest]):
        if kept >= keep:
            # No checkpoint comes without one: a folder that has none was not written by a run.
            if (checkpoint / MANIFEST_FILE).is_file():
                remove_folder(checkpoint)
        elif find_damage(checkpoint, checksums=False) is None:
            kept += 1
