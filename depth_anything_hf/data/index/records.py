# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The record of an index: what was found, what that depends on, and whether it has changed since."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import time
import uuid
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...utils.files import atomic_write
from ...version import __version__
from .blocks import BlockWriter
from .entries import ENTRIES_FILE, FOLDERS_FILE, Entries, pair_runs
from .file_runs import FileRuns
from .looks import Looks, Stamp, file_stamp, folder_stamp
from .pair_runs import PairRuns
from .settings import UNUSED_DAYS


FORMAT = 2
RECORD_SUFFIX, UNFINISHED_SUFFIX = ".json", ".unfinished"
_CHUNK_BYTES = 1 << 20
_DAY_SECONDS = 24 * 3600


class StaleIndexError(Exception):
    """An index does not hold any more, or cannot be read; the message says why.

    Args:
        reason: the message.
        is_damage: whether its files are not as they were written.
    """

    def __init__(self, reason: str, *, is_damage: bool = False) -> None:
        super().__init__(reason)
        self.is_damage = is_damage


def key_of(kind: str, root: Path, options: Mapping[str, Any]) -> str:
    """Return the name of the index of a source: of what is asked for, of which place, and how."""
    asked = [kind, str(root), os.path.abspath(root), {name: options[name] for name in sorted(options)}]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the record of an index that still holds; None where there is none.

    Raises:
        StaleIndexError: it does not hold.
    """
    try:
        record = json.loads(path.read_bytes())
        made_by = (record["format"], record["version"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StaleIndexError(f"it is damaged ({error})", is_damage=True) from error
    if made_by != (FORMAT, __version__):
        raise StaleIndexError(f"version {made_by[1]} wrote it, in format {made_by[0]}")
    changed = _first_change(record)
    if changed is not None:
        raise StaleIndexError(f"{changed} has changed, or was changing when it was looked at")
    found: dict[str, Any] = record
    return found


def _first_change(record: Mapping[str, Any]) -> str | None:
    for path, stamp in record["folders"].items():
        try:
            now = folder_stamp(os.stat(path))
        except OSError:
            return str(path)
        if now != Stamp(*stamp):
            return str(path)
    for path, stamp in record["files"].items():
        if file_stamp(path) != (None if stamp is None else Stamp(*stamp)):
            return str(path)
    return None


def read_entries(path: Path, record: Mapping[str, Any]) -> Entries:
    """Return the entries of an index.

    Raises:
        StaleIndexError: its files are damaged.
    """
    place = path.parent / record["entries"]["folder"]
    try:
        for name, checksum in record["entries"]["checksums"].items():
            if _checksum(place / name) != checksum:
                raise StaleIndexError(f"{place / name} is damaged", is_damage=True)
        return Entries(place, record["entries"]["rows"])
    except (OSError, ValueError) as error:
        raise StaleIndexError(f"{place} cannot be read ({error})", is_damage=True) from error


def write_index(
    path: Path, looks: Looks, about: Mapping[str, Any], answer: Any, files: FileRuns | PairRuns | None
) -> Entries | None:
    """Write an index: its entries, if there are any, and then the record that names them.

    Raises:
        OSError: it cannot be written, e.g. on a full disk; nothing is left.
    """
    record: dict[str, Any] = {"format": FORMAT, "version": __version__, "machine": socket.gethostname(), **about}
    record |= {"folders": looks.folders, "files": looks.files, "told": looks.told, "answer": answer}
    place = path.with_name(f"{path.name.removesuffix(RECORD_SUFFIX)}-{uuid.uuid4().hex[:12]}")
    unfinished = place.with_name(f".{place.name}{UNFINISHED_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if files is not None:
            unfinished.mkdir()
            BlockWriter(str(unfinished / ENTRIES_FILE), str(unfinished / FOLDERS_FILE)).write(pair_runs(files))
            checksums = {name: _checksum(unfinished / name) for name in (ENTRIES_FILE, FOLDERS_FILE)}
            os.replace(unfinished, place)
            record["entries"] = {"folder": place.name, "rows": len(files), "checksums": checksums}
        atomic_write(path, json.dumps(record), sync=False)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
        raise
    return None if files is None else Entries(place, len(files))


def remove_unused(folder: Path) -> None:
    """Remove the indexes that were not used for a month, those that newer ones replaced, and parts of killed scans."""
    now = time.time()
    named = set[str]()
    for path in folder.glob(f"*{RECORD_SUFFIX}"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            if now - path.stat().st_mtime > UNUSED_DAYS * _DAY_SECONDS:
                path.unlink()
            else:
                named.add(json.loads(path.read_bytes()).get("entries", {}).get("folder", ""))
    for path in folder.iterdir():
        with suppress(OSError):
            # A process that maps a replaced one may still begin workers.
            is_old = now - path.stat().st_mtime > _DAY_SECONDS
            if is_old and path.suffix != RECORD_SUFFIX and path.name not in named:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _checksum(path: Path) -> str:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}-{path.stat().st_size}"
