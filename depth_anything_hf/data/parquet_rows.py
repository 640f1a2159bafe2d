# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of local parquet files by index, read where they are: nothing is copied to the disk.

A row of a file that has a table of its rows, as shards of labels do, is read by that, see `row_tables`. Of others,
the small columns of a row group are decoded at once and kept for the next rows, as far as a limit of memory lets them;
pictures and maps are read one by one, see `parquet_pages`. Rows are what `datasets.Dataset` gives for the same files.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import datasets
import numpy as np
import pyarrow as pa
from datasets.table import CastError

from ..utils.map_ahead import map_ahead
from .compact_protocol import DamagedPageError
from .decoding.errors import BrokenSampleError
from .parquet_groups import Columns, OpenParquet, RowGroup
from .row_tables import DamagedRowTableError, RowLayout, RowTable, find_row_table


logger = logging.getLogger(__name__)

# Of each process, over all tables: open files with their footers, and bytes of decoded columns.
OPEN_FILES = 64
KEPT_BYTES = 24 * 2**20
# That read whole columns of several files.
COLUMN_THREADS = 4

CHANGED = "has changed since the table was opened, and is no longer read; start again to read the new rows"


class _Sized(Protocol):
    nbytes: int


Value = TypeVar("Value", bound=_Sized)


class TableFile(NamedTuple):
    """A file as it was when the table was opened: its path, size in bytes, time of change, and number of rows."""

    path: str
    size: int
    mtime_ns: int
    rows: int


class ParquetRows:
    """The rows of local parquet files one after another, each a dict with a cell for each column.

    Files are opened in the process that reads them, also after a fork; pickling carries their names only. A file that
    is not as it was when it was listed is never read.

    Args:
        files: with at least one row together.
        features: of all files; columns that a file lacks are None.
    """

    def __init__(self, files: Sequence[TableFile], features: datasets.Features) -> None:
        common = os.path.commonpath([os.path.dirname(file.path) for file in files])
        self._folder = os.path.join(common, "")
        self._names = [file.path[len(self._folder) :] for file in files]
        self._status = np.array([(file.size, file.mtime_ns) for file in files], dtype=np.int64)
        self._ends = np.cumsum([file.rows for file in files], dtype=np.int64)
        self._length = int(self._ends[-1])
        self._columns = Columns.of(features)
        self._layout = RowLayout.of(self._columns)
        self._token = next(_tokens)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in their order."""
        return list(self._columns.features)

    def __len__(self) -> int:
        return self._length

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _token=next(_tokens))

    def head(self, length: int) -> ParquetRows:
        """Return the first rows."""
        other = copy.copy(self)
        other._length = min(length, self._length)
        return other

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a row; a negative index counts from the end.

        Raises:
            BrokenSampleError: its file is damaged there, or has changed since the table was opened.
            FileNotFoundError: its file is gone.
            IndexError: there is no such row.
        """
        number, row = self._locate(index)
        with _errors_named(self._path(number), f"row {row}"):
            return self._read(number, row)

    def place_of(self, index: int) -> tuple[str, int]:
        """Return the file of a row and its number there; raises as `[]` for one that is not there."""
        number, row = self._locate(index)
        return self._path(number), row

    def read_columns(self, names: Sequence[str], rows: int) -> Iterator[dict[str, list[Any]]]:
        """Yield the cells of some columns of all rows in their order, at most `rows` rows at once.

        Raises:
            BrokenSampleError: a file is damaged, or has changed since the table was opened.
            FileNotFoundError: a file is gone.
        """
        missing = self._length
        with ThreadPoolExecutor(COLUMN_THREADS, thread_name_prefix="columns") as pool:
            files = range(len(self._names))
            for table in map_ahead(pool, lambda number: self._columns_of(number, list(names)), files, COLUMN_THREADS):
                for first in range(0, min(len(table), missing), rows):
                    yield table.slice(first, min(rows, missing - first)).to_pydict()
                missing -= len(table)
                if missing <= 0:
                    return

    def _columns_of(self, number: int, names: list[str]) -> pa.Table:
        with _errors_named(self._path(number), "a column"):
            file = OpenParquet(self._path(number))
            self._check(file, number)
            return file.read_columns(names, self._columns)

    def _path(self, number: int) -> str:
        return self._folder + self._names[number]

    def _locate(self, index: int) -> tuple[int, int]:
        if not -self._length <= index < self._length:
            raise IndexError(f"row {index} of a table with {self._length} rows")
        index %= self._length
        number = int(np.searchsorted(self._ends, index, side="right"))
        return number, index - (int(self._ends[number - 1]) if number else 0)

    def _check(self, file: OpenParquet, number: int) -> None:
        if file.status() != tuple(self._status[number].tolist()):
            raise BrokenSampleError(f"{self._path(number)} {CHANGED}")

    def _read(self, number: int, row: int) -> dict[str, Any]:
        path = self._path(number)
        key = (path, *self._status[number].tolist())
        opened = _files.get(key, lambda: _Opened(path))
        file = opened.file
        try:
            self._check(file, number)
        except BrokenSampleError:
            _files.drop(key)
            raise
        table = opened.row_table(self._layout)
        if table is not None and row < len(table):
            try:
                return table.row(row)
            except DamagedRowTableError as error:
                logger.warning("%s: the table of its rows is damaged, and not used: %s", path, error)
                opened.drop_row_table()
        ends = _kept.get((self._token, number), lambda: file.group_ends)
        group = int(np.searchsorted(ends, row, side="right"))
        if group == len(ends):
            raise DamagedPageError("its footer has fewer rows than before")
        first = int(ends[group - 1]) if group else 0
        kept = _kept.get((self._token, number, group), lambda: RowGroup(file, group, self._columns))
        found: dict[str, Any] = kept.row(row - first, file)
        return found


class _Opened:
    """An open file, and the table of its rows."""

    nbytes = 1

    def __init__(self, path: str) -> None:
        self.file = OpenParquet(path)
        self._tables: dict[RowLayout | None, RowTable | None] = {None: None}

    def row_table(self, layout: RowLayout | None) -> RowTable | None:
        if layout not in self._tables:
            assert layout is not None
            self._tables[layout] = find_row_table(self.file.read_at, self.file.status()[0], layout)
        return self._tables[layout]

    def drop_row_table(self) -> None:
        self._tables = dict.fromkeys(self._tables)


@contextmanager
def _errors_named(path: str, what: str) -> Iterator[None]:
    """Context manager: errors of a file name it, and say what to do."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; it was there when the table was opened") from None
    except (DamagedPageError, pa.ArrowException, CastError, OSError) as error:
        reason = str(error).replace("\n", " ").rstrip(". ")
        raise BrokenSampleError(
            f"{path}: {what} cannot be read: {reason}; if the file is damaged, copy, download or make it again"
        ) from error


class _Kept(Generic[Value]):
    """The values that were used last, as many as a limit lets; for all threads of a process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.forget()

    def forget(self) -> None:
        """Drop everything, and a lock that a thread of the parent process may hold."""
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._total = 0

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key, which is made where it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            if key not in self._values:
                self._total += value.nbytes
                self._values[key] = value
            while self._total > self._limit and len(self._values) > 1:
                self._total -= self._values.popitem(last=False)[1].nbytes
        return value

    def drop(self, key: Hashable) -> None:
        """Forget one value."""
        with self._lock:
            if key in self._values:
                self._total -= self._values.pop(key).nbytes


# Numbers of tables, by which their rows are kept.
_tokens = count()
_files: _Kept[_Opened] = _Kept(OPEN_FILES)
_kept: _Kept[Any] = _Kept(KEPT_BYTES)


def _after_fork() -> None:
    _files.forget()
    _kept.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
