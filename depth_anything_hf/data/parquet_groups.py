# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One open parquet file, and the cells of one of its row groups: small columns decoded, pictures by their places."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import datasets
import numpy as np
import pyarrow as pa
from datasets.table import table_cast
from pyarrow import parquet

from .compact_protocol import DamagedPageError
from .parquet_pages import ByteColumn, is_located


# Of a group beside the values in it.
GROUP_BYTES = 4096
PICTURE_FIELDS = {"bytes", "path"}
# Whose numbers NumPy gives as pyarrow does.
_NUMBERS = {pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()}
_NUMBERS |= {pa.float32(), pa.float64()}

Cells: TypeAlias = Callable[[int], Any]


@dataclass(frozen=True)
class Columns:
    """The columns of rows: their features, and the types by which these are stored."""

    features: datasets.Features
    types: dict[str, pa.DataType]

    @classmethod
    def of(cls, features: datasets.Features) -> Columns:
        """Return the columns of features."""
        return cls(features, {field.name: field.type for field in features.arrow_schema})


class OpenParquet:
    """A parquet file that is open in this process; its footer is read when it is asked for.

    Raises:
        FileNotFoundError: no such file.
        OSError: it may not be read.
    """

    # Open files are counted.
    nbytes = 1

    def __init__(self, path: str) -> None:
        # Before 26, pyarrow tells no descriptor of its files, so that the state of the file is told by one of our own.
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)
        # As bytes, since names need not be UTF-8.
        self._handle = pa.OSFile(os.fsencode(path), "rb")
        if not os.path.samestat(os.fstat(self._descriptor), os.stat(path)):
            raise OSError(f"{path} was replaced while it was opened")
        # Of the footer and what it leads to, which are not made for several threads.
        self.lock = threading.RLock()

    @cached_property
    def file(self) -> parquet.ParquetFile:
        """The file as pyarrow opens it."""
        # Reading ahead is done in threads, of which a forked process has none.
        return parquet.ParquetFile(self._handle, pre_buffer=False)

    @cached_property
    def leaves(self) -> dict[str, int]:
        """Path of a column, those in structures included, to its number."""
        schema = self.file.metadata.schema
        return {schema.column(index).path: index for index in range(self.file.metadata.num_columns)}

    @property
    def group_ends(self) -> np.ndarray:
        """For each row group, the number of the row behind it."""
        with self.lock:
            metadata = self.file.metadata
            rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        return np.cumsum(rows, dtype=np.int64)

    def read_columns(self, names: list[str], columns: Columns) -> pa.Table:
        """Read some columns of all row groups."""
        with self.lock:
            groups = list(range(self.file.num_row_groups))
            table = self.file.read_row_groups(groups, columns=names, use_threads=False)
            rows = self.file.metadata.num_rows
        return _cast(table.select([name for name in names if name in table.column_names]), names, columns, rows)

    def status(self) -> tuple[int, int]:
        """Return size in bytes and time of change of the file that is open, whatever has its name now."""
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns

    def read_at(self, size: int, offset: int) -> bytes:
        """Return so many bytes of the file, fewer at its end."""
        content: bytes = self._handle.read_at(size, offset)
        return content


class RowGroup:
    """A row group: its small columns, and where the values of the large ones are.

    Args:
        file: open; it is not kept.
        group: number of the row group.
        columns: of the rows; those that the file lacks are None.
    """

    def __init__(self, file: OpenParquet, group: int, columns: Columns) -> None:
        self._columns: list[tuple[str, Cells | _Located]] = []
        with file.lock:
            metadata = file.file.metadata
            chunks = metadata.row_group(group)
            places: dict[str, ByteColumn] = {}
            for name, feature in columns.features.items():
                leaf = leaf_of_bytes(name, feature, file.leaves)
                index = -1 if leaf is None else file.leaves[leaf]
                if leaf is not None and is_located(chunks.column(index), metadata.schema.column(index)):
                    places[name] = ByteColumn(chunks.column(index), metadata.schema.column(index))
            whole = [name for name in columns.features if name not in places]
            paths = [name for name in places if name not in file.leaves]
            wanted = [*whole, *(f"{name}.path" for name in paths)]
            table = file.file.read_row_group(group, columns=wanted, use_threads=False)
        self.nbytes = GROUP_BYTES + int(table.nbytes) + sum(column.nbytes for column in places.values())
        there = table.select([name for name in whole if name in table.column_names])
        decoded = _cast(there, whole, columns, chunks.num_rows)
        for name in columns.features:
            if name in paths:
                structures = table[name].combine_chunks()
                is_absent = structures.is_null().to_numpy(zero_copy_only=False) if structures.null_count else None
                self._columns.append((name, _Located(places[name], _cells(structures.field("path")), is_absent)))
            elif name in places:
                self._columns.append((name, _Located(places[name], None, None)))
            else:
                self._columns.append((name, _cells(decoded[name].combine_chunks())))

    def row(self, row: int, file: OpenParquet) -> dict[str, Any]:
        """Return a row of the group as a dict.

        Raises:
            DamagedPageError: the file is not as its footer says.
        """
        return {
            name: cells.read(row, file) if isinstance(cells, _Located) else cells(row) for name, cells in self._columns
        }


class _Located:
    """A column whose values are read one by one."""

    def __init__(self, places: ByteColumn, paths: Cells | None, is_absent: np.ndarray | None) -> None:
        self._places, self._paths, self._is_absent = places, paths, is_absent
        self._lock = threading.Lock()

    def read(self, row: int, file: OpenParquet) -> Any:
        if self._is_absent is not None and self._is_absent[row]:
            return None
        with self._lock:
            place = self._places.place(row, file.read_at)
        content = None
        if place is not None:
            content = file.read_at(place[1], place[0])
            if len(content) != place[1]:
                raise DamagedPageError(f"{len(content)} bytes of a value of {place[1]}: the file is cut off")
        return content if self._paths is None else {"bytes": content, "path": self._paths(row)}


def leaf_of_bytes(name: str, feature: Any, leaves: dict[str, int]) -> str | None:
    """Return the path of the column with the encoded values of pictures, or of bytes; None for any other column."""
    if isinstance(feature, datasets.Image):
        fields = {leaf.removeprefix(f"{name}.") for leaf in leaves if leaf.startswith(f"{name}.")}
        return f"{name}.bytes" if fields == PICTURE_FIELDS else None
    is_binary = isinstance(feature, datasets.Value) and feature.dtype in ("binary", "large_binary")
    return name if is_binary and name in leaves else None


def _cast(table: pa.Table, names: list[str], columns: Columns, rows: int) -> pa.Table:
    """Return columns with the types of the features, as `datasets` casts them; those that a file lacks are empty."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(rows, columns.types[name]))
    if all(table.schema.field(name).type == columns.types[name] for name in names):
        return table
    return table_cast(table, datasets.Features({name: columns.features[name] for name in names}).arrow_schema)


def _cells(array: pa.Array) -> Cells:
    """Return what gives single cells of a column as Python objects, as `Array.to_pylist` does, in little memory."""
    if array.null_count == 0 and array.type in _NUMBERS:
        numbers = array.to_numpy(zero_copy_only=False)
        return lambda row: numbers[row].item()
    if array.null_count == 0 and pa.types.is_string(array.type) and len(array):
        offsets = np.frombuffer(array.buffers()[1], dtype=np.int32)[array.offset : array.offset + len(array) + 1]
        first, last = int(offsets[0]), int(offsets[-1])
        text = b"" if first == last else array.buffers()[2][first:last].to_pybytes()
        starts = offsets - first
        return lambda row: text[starts[row] : starts[row + 1]].decode()
    return lambda row: array[row].as_py()
