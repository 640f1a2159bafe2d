# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Find files, and read their bytes before they are decoded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ...utils.paths import local_path
from ...utils.printable_names import original_name
from .errors import UnreadableImageError


FileLike: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"
"""A path, encoded bytes, or a cell of the library `datasets`: `{"bytes": ..., "path": ...}`."""


def read_bytes(source: FileLike) -> tuple[bytes, str]:
    """Return the encoded content, and a name for messages.

    Raises:
        FileNotFoundError: no file at the path.
        TypeError: neither a path nor bytes nor a cell.
        UnreadableImageError: an empty file or cell, or a file that may not be read.
    """
    if isinstance(source, Mapping):
        if source.get("bytes") is None:
            if not source.get("path"):
                raise UnreadableImageError("expected a cell with bytes or a path, got one with neither")
            return read_bytes(str(source["path"]))
        content, name = bytes(source["bytes"]), str(source.get("path") or "bytes")
    elif isinstance(source, bytes | bytearray | memoryview):
        content, name = bytes(source), "bytes"
    elif isinstance(source, str | os.PathLike):
        content, name = _read_file(local_path(source)), os.fspath(source)
    else:
        raise TypeError(f"expected a path, bytes or a cell with bytes and path, got {type(source).__name__}")
    if not content:
        raise UnreadableImageError(f"{name}: the file is empty (0 bytes); copy or download it again")
    return content, name


def in_memory(source: FileLike) -> dict[str, Any]:
    """Return a cell with the bytes of a file, so that it is read once for several uses; raises as `read_bytes`."""
    content, name = read_bytes(source)
    return {"bytes": content, "path": name}


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # References in tables are printable names, see `printable_name`.
        original = Path(original_name(str(path)))
        if original != path and original.is_file():
            return _read_file(original)
        raise FileNotFoundError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UnreadableImageError(f"{path} is a folder, expected a file; give the files in it") from None
    except OSError as error:
        raise UnreadableImageError(f"{path}: {error.strerror or error}") from error


def files_below(root: Path, suffixes: Iterable[str]) -> list[Path]:
    """List the files below a folder that have one of the suffixes, sorted, without hidden files and folders.

    Linked folders are followed once, those that are below the folder anyway not at all.
    """
    wanted = set(suffixes)
    found = [path for path in visible_files(root) if path.suffix.lower() in wanted and os.path.isfile(path)]
    # The order of paths, which would compare themselves ten times as slowly.
    return sorted(found, key=lambda path: os.path.normcase(path).split(os.sep))


def visible_files(root: Path) -> Iterator[Path]:
    """Yield all files below a folder, linked folders included, without hidden files and folders; in no order."""
    seen: set[tuple[int, int]] = set()
    linked = [root]
    while linked:
        followed = linked
        linked = []
        # Folders themselves before links to them, so that their own names win.
        for start in followed:
            for place, folders, files in os.walk(start):
                status = os.stat(place)
                identity = (status.st_dev, status.st_ino)
                visible = [] if identity in seen else sorted(name for name in folders if not name.startswith("."))
                links = [name for name in visible if os.path.islink(os.path.join(place, name))]
                linked += [Path(place, name) for name in links]
                folders[:] = [name for name in visible if name not in links]
                if identity not in seen:
                    yield from (Path(place, name) for name in files if not name.startswith("."))
                seen.add(identity)
