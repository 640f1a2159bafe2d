# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which files commands have left among data; those of `predict` by the list that lies in a folder of predictions."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .decoding.map_meaning import is_from_predict
from .index.file_runs import FileRun, FileRuns
from .index.looks import note_file
from .own_pictures import is_own_picture, is_own_table, may_have_own


LIST_FILE = "predictions.json"
FILE_KIND = "depth_anything_hf.predictions"
FILE_VERSION = 1


def read_entries(folder: Path) -> dict[str, Any]:
    """Return what a folder's list says of each image; empty where there is no list.

    Raises:
        ValueError: another file of that name, or of a later version.
    """
    path = folder / LIST_FILE
    note_file(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["kind"] == FILE_KIND and record["version"] == FILE_VERSION:
            kinds = {digest: made.get("kind") for digest, made in record.get("options", {}).items()}
            # Earlier versions name the kind in the options only.
            return {
                name: {"kind": kinds.get(entry.get("options")), **entry} for name, entry in record["images"].items()
            }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, NotADirectoryError):
        pass
    raise ValueError(
        f"{path}: expected the list of predictions of version {FILE_VERSION} that `predict` writes; choose another "
        "output folder, or move the file away"
    )


def is_own_file(folder: Path, path: Path, entry: Mapping[str, Any] | None) -> bool:
    """Return whether a file is as a run has written it, or is one that a run began to write.

    Args:
        folder: of predictions.
        path: of the file, below `folder`.
        entry: what the folder's list says of the image; None: nothing.
    """
    name = path.relative_to(folder).as_posix()
    if entry is None or name not in entry["files"] or not path.is_file() or path.is_symlink():
        return False
    written = entry["files"][name]
    stamp = stamp_of(path)
    if stamp["bytes"] == 0:
        # As a power cut leaves files that were just written.
        return True
    if written is not None and stamp["bytes"] == written["bytes"]:
        # Copies of a folder have other times.
        return bool(
            stamp["mtime_ns"] == written["mtime_ns"] or f"{zlib.crc32(path.read_bytes()):08x}" == written["crc32"]
        )
    # A run that was killed has not told what it wrote, and may not have come as far as this file.
    return not entry["is_done"] and is_from_predict(path)


class OwnFiles:
    """Tell the files that commands have left in folders, whichever these are, from all others.

    These are predictions, which lists tell, and pictures and records of runs, evaluations and cards.
    """

    def __init__(self) -> None:
        self._listed = lru_cache(None)(_entries_by_file)
        # Few folders have lists, and many files are asked for.
        self._above = lru_cache(None)(self._lists_above)

    def __contains__(self, path: Path) -> bool:
        """Return whether a list in a folder above the file names it, and it is as it was written; or a run left it."""
        if path.name == LIST_FILE and self._listed(path.parent):
            return True
        return is_own_picture(path) or is_own_table(path) or self._is_prediction(path)

    def leave_out(self, files: FileRuns) -> FileRuns:
        """Return the others of these files."""

        def choose(folder: str, names: list[str]) -> list[str]:
            return [name for name in names if Path(folder, name) not in self]

        return files.keep(choose, self._may_have)

    def _may_have(self, run: FileRun) -> bool:
        return bool(self._above(Path(run.folder))) or may_have_own(run) or run.may_have([LIST_FILE.encode()])

    def _is_prediction(self, path: Path) -> bool:
        return any(
            is_own_file(listing, place / path.name, self._listed(listing).get(f"{prefix}{path.name}"))
            for listing, place, prefix in self._above(path.parent)
        )

    def _lists_above(self, folder: Path) -> list[tuple[Path, Path, str]]:
        """Return, for each list in or above a folder: its folder, the absolute path, and the path in the list."""
        place = Path(os.path.abspath(folder))
        listings = [above for above in (place, *place.parents) if self._listed(above)]
        return [(listing, place, (place / "_").relative_to(listing).as_posix()[:-1]) for listing in listings]


def _entries_by_file(folder: Path) -> dict[str, Any]:
    try:
        entries = read_entries(folder)
    except (ValueError, OSError):
        # Not a list of predictions, or none that may be read: then nothing is known.
        return {}
    return {name: entry for entry in entries.values() for name in entry["files"]}


def stamp_of(path: Path) -> dict[str, int]:
    """Return by what a file is known without reading it: its size and its time."""
    status = path.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def digest_of_source(image: Path, folder: Path) -> str:
    """Return what tells the place of an image, seen from a folder, from other places, and does not name it."""
    try:
        place = Path(os.path.relpath(real_place(image), real_place(folder / LIST_FILE).parent)).as_posix()
    except ValueError:
        # Another drive of Windows.
        place = real_place(image).as_posix()
    return digest_of_place(place)


def digest_of_place(place: str) -> str:
    """Return the digest of a path that is written out, as lists of earlier versions hold them."""
    return f"sha256:{hashlib.sha256(os.fsencode(place)).hexdigest()}"


def real_place(path: Path) -> Path:
    """Return a path with its folder's links followed; the file's own name stays."""
    return Path(os.path.realpath(path.parent), path.name)
