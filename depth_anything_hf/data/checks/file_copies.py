# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of equal content among all pictures of folders, without decoding any: by their sizes, then by their bytes."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence


# More files are not looked at, nor more bytes read.
MOST_FILES, MOST_BYTES = 200_000, 2 << 30


def equal_files(files: Sequence[str], others: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return pairs of files with equal content, each file once.

    Args:
        files: paths.
        others: files that are compared with them; None compares them with each other.
    """
    if len(files) + len(others or ()) > MOST_FILES:
        return []
    mine = _by_size(files)
    found, left = [], MOST_BYTES
    if others is None:
        groups = [(size, paths, paths[1:]) for size, paths in mine.items() if len(paths) > 1]
    else:
        groups = [(size, mine[size], paths) for size, paths in _by_size(others).items() if size in mine]
    for size, first, second in groups:
        left -= size * (len(first) + len(second))
        if left < 0:
            break
        contents: dict[bytes, str] = {}
        for path in first:
            contents.setdefault(_digest(path), path)
        for path in second:
            twin = contents.get(_digest(path))
            if twin is not None and twin != path:
                found.append((twin, path))
    return found


def _by_size(files: Sequence[str]) -> dict[int, list[str]]:
    sizes: dict[int, list[str]] = defaultdict(list)
    for path in dict.fromkeys(files):
        try:
            sizes[os.stat(path).st_size].append(path)
        except OSError:
            continue
    return sizes


def _digest(path: str) -> bytes:
    try:
        digest = hashlib.blake2b()
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        return digest.digest()
    except OSError:
        return os.urandom(16)
