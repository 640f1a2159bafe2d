# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders and files of a run that are complete or absent, and how they are found again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path


# Marks a folder as a whole checkpoint: it is in place only when everything else is.
STATE_FILE = "trainer_state.pt"


def list_checkpoints(folder: Path) -> list[Path]:
    """The complete `checkpoint-N` folders, oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def find_checkpoint(folder: Path, wanted: str | None) -> Path | None:
    """The checkpoint that `resume_from_checkpoint` means; None where there is nothing to go on from.

    Raises:
        FileNotFoundError: a named checkpoint does not exist or is not complete.
    """
    if wanted is None:
        return None
    if wanted == "latest":
        checkpoints = list_checkpoints(folder)
        return checkpoints[-1] if checkpoints else None
    path = Path(wanted)
    if not (path / "state" / STATE_FILE).is_file():
        raise FileNotFoundError(f"{path} is no checkpoint of a run: {path / 'state' / STATE_FILE} is missing")
    return path


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that is complete or absent."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    os.replace(unfinished, path)


class replaced_folder:
    """Context manager: fill a new folder, which takes the place of `target` only when all went well."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.unfinished = target.with_name(f".{target.name}.unfinished")

    def __enter__(self) -> Path:
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.unfinished.mkdir(parents=True)
        return self.unfinished

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            shutil.rmtree(self.target, ignore_errors=True)
            os.replace(self.unfinished, self.target)


def drop_log_after(path: Path, step: int) -> None:
    """Removes log entries that a resumed run will write again."""
    if path.exists():
        kept = [line for line in path.read_text().splitlines(keepends=True) if json.loads(line)["step"] <= step]
        write_atomically(path, "".join(kept))
