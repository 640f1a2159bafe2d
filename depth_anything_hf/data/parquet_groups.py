# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One open parquet file, and the cells of one of its row groups: small columns decoded, pictures by their places."""

from __future__ import annotations

import os
import threading
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
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        # Of the footer and what it leads to, which are not made for several threads.
        self.lock = threading.RLock()

    def __del__(self) -> None:
        # Not there where the file could not be opened.
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    @cached_property
    def file(self) -> parquet.ParquetFile:
        """The file as pyarrow opens it.

        Raises:
            OSError: its name is that of another file now.
        """
        # By a descriptor of its own, as pyarrow takes none. As bytes, since names need not be UTF-8.
        handle = pa.OSFile(os.fsencode(self._path), "rb")
        if not os.path.samestat(os.fstat(self._descriptor), os.stat(self._path)):
            raise OSError(f"{self._path} was replaced while it was opened")
        # Reading ahead is done in threads, of which a forked process has none.
        return parquet.ParquetFile(handle, pre_buffer=False)

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
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, size, offset)
        # On Windows.
        with self.lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, size)


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

    @property
    def located(self) -> list[str]:
        """Names of the columns whose values are read by their places."""
        return [name for name, cells in self._columns if isinstance(cells, _Located)]

    def parts(self, row: int, file: OpenParquet) -> tuple[list[Any], list[tuple[int, int] | None]]:
        """Return the cells of a row, and where the values of the located columns are; None: absent.

        In the cells, a picture is a list of its path, and None where it is none.

        Raises:
            DamagedPageError: the file is not as its footer says.
        """
        parts = [
            cells.part(row, file) if isinstance(cells, _Located) else (cells(row), None) for _, cells in self._columns
        ]
        places = [
            place for (_, place), (_, cells) in zip(parts, self._columns, strict=True) if isinstance(cells, _Located)
        ]
        return [cell for cell, _ in parts], places

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

    def part(self, row: int, file: OpenParquet) -> tuple[list[Any] | None, tuple[int, int] | None]:
        """Return a list of the path, None where there is no picture; and place and size of the value, if any."""
        if self._is_absent is not None and self._is_absent[row]:
            return None, None
        with self._lock:
            place = self._places.place(row, file.read_at)
        return [] if self._paths is None else [self._paths(row)], place

    def read(self, row: int, file: OpenParquet) -> Any:
        path, place = self.part(row, file)
        if path is None:
            return None
        content = None
        if place is not None:
            content = file.read_at(place[1], place[0])
            if len(content) != place[1]:
                raise DamagedPageError(f"{len(content)} bytes of a value of {place[1]}: the file is cut off")
        return {"bytes": content, "path": path[0]} if path else content


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
