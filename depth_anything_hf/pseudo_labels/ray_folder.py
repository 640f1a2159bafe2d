# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The hidden folder that a run on a Ray cluster has in the folder of the labels, as long as its driver lives."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..utils.files import ABANDONED_AFTER_SECONDS, UNFINISHED_SUFFIX, atomic_write, remove_abandoned, unfinished_file
from ..utils.locks import hold_file


# By its content nodes show that they see the folder of the labels.
TOKEN = "token"
_PREFIX = ".ray-"
# Other folders that begin so are the user's.
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{32}}")


@dataclass(frozen=True)
class RunFolder:
    """The hidden folder of a run.

    Attributes:
        path: of the folder.
        content: of the file `TOKEN` in it.
        marker: file that the driver holds.
    """

    path: Path
    content: str
    marker: Path

    def keep(self) -> None:
        """Say that the driver lives, to those who cannot tell by a lock or by the number of its process."""
        with suppress(OSError):
            os.utime(self.marker)


@contextmanager
def run_folder(labels: Path) -> Iterator[RunFolder]:
    """Make a hidden folder for a run in the folder of its labels, and remove it at the end.

    Raises:
        OSError: the folder of the labels cannot be written.
    """
    content = uuid.uuid4().hex
    own = labels / f"{_PREFIX}{content}"
    own.mkdir()
    try:
        marker = unfinished_file(own / "driver")
        with hold_file(marker):
            marker.touch()
            atomic_write(own / TOKEN, content)
            yield RunFolder(own, content, marker)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def remove_abandoned_runs(labels: Path) -> list[Path]:
    """Remove the hidden folders of runs whose drivers were killed, and return them; see `files.remove_abandoned`."""
    found = []
    for own in labels.glob(f"{_PREFIX}*"):
        if _NAME.fullmatch(own.name) is None or not own.is_dir() or own.is_symlink():
            continue
        removed = remove_abandoned(own)
        if any(own.glob(f".*{UNFINISHED_SUFFIX}")):
            continue
        # Without a file that a driver holds, it is being made just now, or is of a version that had none.
        if removed or _age_seconds(own) > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(own, ignore_errors=True)
            found.append(own)
    return found


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
