# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How many rows local parquet files have, and whether they can be read in place; kept, so that footers are read once.

What is known of the files of a folder is in one small file in the cache, by their names, sizes and times of change. It
is written again where files have come or changed, and may be deleted at any time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import datasets
import pyarrow as pa
from pyarrow import parquet

from ..utils.cache_folder import cache_folder
from ..utils.files import atomic_write, mark_used, remove_abandoned
from .compact_protocol import DamagedPageError, find_field, read_number
from .parquet_groups import leaf_of_bytes
from .parquet_pages import is_located
from .parquet_rows import ParquetRows, TableFile


logger = logging.getLogger(__name__)

# Of the form of the kept file.
FORMAT = 1
# Footers of fewer files are read faster than a file is found that has their counts.
FEWEST_KEPT = 64
# A file that was changed so shortly before may change again within the same tick of its clock.
UNSURE_SECONDS = 2
# Files of that many folders are known; the ones that were not used for longest are removed.
MOST_FOLDERS = 256
READING_THREADS = 16
# Of the end of a file, which hold the footers of most.
TAIL_BYTES = 2**17
# Of files whose footers begin differently.
MOST_KINDS = 16
# Of `FileMetaData` of the format.
NUM_ROWS = 3
# What must be decoded to read one row: more takes longer than to decode a picture, and `datasets` copies the rows.
LARGEST_DECODED = 4 * 2**20


@dataclass(frozen=True)
class _Footer:
    """What the end of a file tells: its rows, its schema serialized, and the bytes to decode for a row at most."""

    rows: int
    schema: bytes
    decoded: int


def open_in_place(files: Sequence[str]) -> ParquetRows | None:
    """Return the rows of local parquet files, read where they are; None where `datasets` has to read them, by a copy.

    These are files with columns that must be cast from file to file, with features that `datasets` decodes, or whose
    row groups hold more than `LARGEST_DECODED` bytes that are compressed or encoded: one row would cost all of them.

    Raises:
        ArrowInvalid: a file is damaged.
        FileNotFoundError: a file is gone.
        ValueError: no rows, or files with columns that the first one lacks.
    """
    # Wherever the process goes later.
    files = [os.path.abspath(path) for path in files]
    status = _status_of(files)
    footers = _read_footers(files, [(each.st_size, each.st_mtime_ns) for each in status])
    if not sum(footer.rows for footer in footers):
        raise ValueError("expected a table with rows, got one with no rows")
    features = _common_features(files, footers)
    largest = max(footer.decoded for footer in footers)
    if features is None or largest > LARGEST_DECODED:
        reason = "columns of several types" if features is None else f"row groups of {largest} bytes to be decoded"
        logger.info("%s and %d more: %s, so that `datasets` copies the rows", files[0], len(files) - 1, reason)
        return None
    listed = zip(files, status, footers, strict=True)
    return ParquetRows(
        [TableFile(path, each.st_size, each.st_mtime_ns, footer.rows) for path, each, footer in listed], features
    )


def _status_of(files: Sequence[str]) -> list[os.stat_result]:
    """Ask for sizes and times in threads, as each answer of a network disk takes a while."""
    blocks = [files[first : first + FEWEST_KEPT] for first in range(0, len(files), FEWEST_KEPT)]
    with ThreadPoolExecutor(min(READING_THREADS, len(blocks)), thread_name_prefix="status") as pool:
        return [each for block in pool.map(lambda block: [os.stat(path) for path in block], blocks) for each in block]


def _common_features(files: Sequence[str], footers: Sequence[_Footer]) -> datasets.Features | None:
    """Return the features of the first file, if those of all others are the same, or lack some; else None."""
    first = pa.ipc.read_schema(pa.py_buffer(footers[0].schema))
    features = datasets.Features.from_arrow_schema(first)
    if list(features) != first.names or not all(map(_is_plain, features.values())):
        return None
    checked = {footers[0].schema}
    for path, footer in zip(files, footers, strict=True):
        if footer.schema in checked:
            continue
        checked.add(footer.schema)
        schema = pa.ipc.read_schema(pa.py_buffer(footer.schema))
        if len(set(schema.names)) != len(schema.names):
            return None
        unknown = [name for name in schema.names if name not in features]
        if unknown:
            raise ValueError(
                f"{path} has the columns {unknown}, which {files[0]} lacks; the files of a table must have the "
                "columns of the first one: name the files of one kind alone, or write them again with the same columns"
            )
        if any(field.type != first.field(field.name).type for field in schema):
            return None
    return features


def _is_plain(feature: Any, is_nested: bool = False) -> bool:
    """Tell whether `datasets` gives cells of a feature as they are stored."""
    if isinstance(feature, datasets.Value | datasets.ClassLabel):
        return True
    if isinstance(feature, datasets.List | datasets.LargeList):
        return _is_plain(feature.feature, is_nested=True)
    if isinstance(feature, dict):
        return all(_is_plain(each, is_nested=True) for each in feature.values())
    return isinstance(feature, datasets.Image) and not is_nested


def _read_footers(files: Sequence[str], status: Sequence[tuple[int, int]]) -> list[_Footer]:
    kept = _KeptCounts(files) if len(files) >= FEWEST_KEPT else None
    known = {} if kept is None else kept.read()
    unknown = [path for path, each in zip(files, status, strict=True) if path not in known or known[path][0] != each]
    if unknown:
        with ThreadPoolExecutor(min(READING_THREADS, len(unknown)), thread_name_prefix="footers") as pool:
            footers = dict(zip(unknown, pool.map(_Footers().read, unknown), strict=True))
        current = dict(zip(files, status, strict=True))
        known |= {path: (current[path], footer) for path, footer in footers.items()}
        if kept is not None:
            kept.write(known)
    return [known[path][1] for path in files]


class _Footers:
    """Reads footers: the first one of a kind as a whole, of the others, which begin with the same schema, the rows."""

    def __init__(self) -> None:
        # The footer up to its number of rows -> size of the largest file that was read as a whole, and what it told.
        self._known: dict[bytes, tuple[int, _Footer]] = {}

    def read(self, path: str) -> _Footer:
        """Read the footer of a file.

        Raises:
            ArrowInvalid: the file is damaged.
            FileNotFoundError: no such file.
        """
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
        start = len(tail) - 8 - int.from_bytes(tail[-8:-4], "little")
        is_whole = tail[-4:] == b"PAR1" and 0 <= start <= len(tail) - 8
        content = tail[start:-8] if is_whole else b""
        # What is no footer, pyarrow tells.
        with suppress(DamagedPageError, IndexError):
            for beginning, (largest, footer) in list(self._known.items()):
                # Much larger row groups may be too large to decode.
                if content.startswith(beginning) and size <= 2 * largest:
                    rows, _ = read_number(content, len(beginning))
                    return replace(footer, rows=rows)
        footer = _read_footer(path)
        with suppress(DamagedPageError, IndexError):
            beginning = content[: find_field(content, NUM_ROWS)]
            if (
                footer.rows
                and read_number(content, len(beginning))[0] == footer.rows
                and len(self._known) < MOST_KINDS
            ):
                self._known[beginning] = (size, footer)
        return footer


def _read_footer(path: str) -> _Footer:
    with pa.OSFile(os.fsencode(path), "rb") as handle:
        metadata = parquet.read_metadata(handle)
    schema = metadata.schema.to_arrow_schema()
    # Of the notes of a file, such as where labels are from, the features alone matter.
    notes = {key: value for key, value in (schema.metadata or {}).items() if key == b"huggingface"}
    serialized = schema.with_metadata(notes).serialize().to_pybytes()
    if not metadata.num_row_groups:
        return _Footer(metadata.num_rows, serialized, 0)
    # The other row groups are taken to be as the first one.
    group = metadata.row_group(0)
    leaves = tuple(metadata.schema.column(index).path for index in range(metadata.num_columns))
    single = 0
    for index in _columns_of_bytes(serialized, leaves):
        chunk = group.column(index)
        if is_located(chunk, metadata.schema.column(index)):
            single += chunk.total_uncompressed_size
    return _Footer(metadata.num_rows, serialized, int(group.total_byte_size) - single)


@lru_cache(maxsize=64)
def _columns_of_bytes(schema: bytes, leaves: tuple[str, ...]) -> list[int]:
    """Return the numbers of the columns whose values may be read one by one."""
    numbers = {leaf: index for index, leaf in enumerate(leaves)}
    features = datasets.Features.from_arrow_schema(pa.ipc.read_schema(pa.py_buffer(schema)))
    found = [leaf_of_bytes(name, feature, numbers) for name, feature in features.items()]
    return [numbers[leaf] for leaf in found if leaf is not None]


class _KeptCounts:
    """What is known of the files of a folder, in the cache.

    Args:
        files: absolute paths; of the folder that they have in common.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._root = os.path.join(os.path.commonpath([os.path.dirname(path) for path in files]), "")
        self._own = set(files)
        key = hashlib.sha256(self._root.encode(errors="surrogateescape")).hexdigest()[:32]
        self._path = cache_folder("tables") / f"{key}.json"

    def read(self) -> dict[str, tuple[tuple[int, int], _Footer]]:
        """Return size, time of change and footer of each file as they were; none where nothing usable is kept."""
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            if (record["format"], record["folder"]) != (FORMAT, self._root):
                return {}
            schemas = [base64.b64decode(each, validate=True) for each in record["schemas"]]
            found = {}
            for name, (size, mtime_ns, rows, schema, decoded) in record["files"].items():
                found[self._root + name] = (
                    (int(size), int(mtime_ns)),
                    _Footer(int(rows), schemas[schema], int(decoded)),
                )
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            logger.warning("%s is damaged, and footers are read again: %s", self._path, error)
            return {}
        mark_used(self._path)
        return found

    def write(self, known: dict[str, tuple[tuple[int, int], _Footer]]) -> None:
        """Keep what is known; do without where the cache cannot be written."""
        newest = time.time_ns() - UNSURE_SECONDS * 10**9
        schemas: dict[bytes, int] = {}
        files = {}
        for path, ((size, mtime_ns), footer) in known.items():
            if mtime_ns < newest and (path in self._own or os.path.exists(path)):
                schema = schemas.setdefault(footer.schema, len(schemas))
                files[path[len(self._root) :]] = [size, mtime_ns, footer.rows, schema, footer.decoded]
        record = {
            "format": FORMAT,
            "folder": self._root,
            "schemas": [base64.b64encode(each).decode() for each in schemas],
            "files": files,
        }
        try:
            atomic_write(self._path, json.dumps(record), sync=False)
            self._remove_unused()
        except (OSError, UnicodeEncodeError) as error:
            logger.info("the number of rows in each file cannot be kept: %s", error)

    def _remove_unused(self) -> None:
        remove_abandoned(self._path.parent)
        kept = sorted(self._path.parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in kept[MOST_FOLDERS:]:
            path.unlink(missing_ok=True)
