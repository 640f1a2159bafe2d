# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A list of a folder's files with sizes and checksums, by which damage is found before a file is read."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .files import atomic_write
from .folders import files_below, fsync_tree


MANIFEST_FILE = "manifest.json"

_CHUNK_BYTES = 1 << 24


def write_manifest(folder: Path) -> None:
    """List every file of a folder with size and CRC-32 in `manifest.json`, and synchronize all to the disk.

    CRC-32 finds any truncation and any short burst of wrong bits, at 2 GB/s per core; it is no defence against intent.
    """
    files = [path for path in files_below(folder) if path != folder / MANIFEST_FILE]
    with ThreadPoolExecutor() as threads:
        checksums = list(threads.map(_checksum, files))
    manifest = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "crc32": checksum}
        for path, checksum in zip(files, checksums, strict=True)
    }
    atomic_write(folder / MANIFEST_FILE, json.dumps({"files": manifest}, indent=1) + "\n", sync=False)
    fsync_tree(folder)


def find_damage(folder: Path, *, checksums: bool = True) -> str | None:
    """Describe the damage in a folder that has a manifest; None if there is none.

    Args:
        folder: as `write_manifest` left it; files that the manifest does not list do not matter.
        checksums: read every file; False compares sizes only, which costs nothing.
    """
    try:
        listed = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return f"{MANIFEST_FILE} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST_FILE} is not readable"
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != expected["bytes"]:
            return f"{name} has {path.stat().st_size} bytes, expected {expected['bytes']}"
    if checksums:
        with ThreadPoolExecutor() as threads:
            found = threads.map(_checksum, [folder / name for name in listed])
            for (name, expected), checksum in zip(listed.items(), found, strict=True):
                if checksum != expected["crc32"]:
                    return f"the content of {name} has changed since it was written (CRC-32 {checksum})"
    return None


def _checksum(path: Path) -> str:
    value = 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}"
