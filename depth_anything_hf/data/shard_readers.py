# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read a shard of a stream from a row on: parquet files directly, all else by `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import datasets
import fsspec
import pyarrow as pa
from datasets.table import table_cast
from pyarrow import parquet


END_OF_TAR = bytes(1024)


class ShardReader(Protocol):
    """An open shard."""

    def next_rows(self) -> Sequence[dict[str, Any]]:
        """Return the next rows, their cells encoded; none at the end of the shard."""

    def state_dict(self) -> dict[str, Any] | None:
        """Return what a reader needs, beside the number of rows read, to continue here."""

    @property
    def row_count(self) -> int | None:
        """The number of rows of the shard; None if it is known at its end only."""


class IterableShard:
    """A shard that `datasets` reads.

    Args:
        rows: the shard.
        count: rows to return at once.
        state: an earlier `state_dict`; None starts at the first row.
        tar: the archive that is read, if it is one without compression and has to be whole.
    """

    row_count: int | None = None

    def __init__(
        self, rows: datasets.IterableDataset, count: int, state: dict[str, Any] | None, tar: str | None = None
    ) -> None:
        self._tar = tar
        if state is not None:
            rows.load_state_dict(state)
        self._rows = rows
        self._batches: Iterator[dict[str, list[Any]]] = rows.iter(batch_size=count)

    def next_rows(self) -> Sequence[dict[str, Any]]:
        """Return the next rows; none at the end.

        Raises:
            EOFError: the archive was cut off between two of its files, which `datasets` takes for its end.
        """
        columns = next(self._batches, {})
        if not columns and self._tar is not None:
            check_end_of_tar(self._tar)
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    def state_dict(self) -> dict[str, Any] | None:
        """Return the state of `datasets`."""
        return dict(self._rows.state_dict())


def check_end_of_tar(path: str) -> None:
    """Check that an archive ends as archives do, with two blocks of zeros.

    Raises:
        EOFError: it does not.
    """
    with fsspec.open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(END_OF_TAR)))
        if file.read() != END_OF_TAR:
            raise EOFError(
                "the archive has no end (two blocks of zeros): it was cut off, and files behind this one may be "
                "missing; copy it again, or pack it anew"
            )


class ParquetShard:
    """A parquet file or one of its row groups, of which one row group at a time is held in memory.

    `datasets` would hold each row group twice, encoded and decoded, and copy also rows that are not asked for.

    Args:
        file: its path, or the open file.
        features: of the stream; other files may have other types, or lack columns.
        count: rows to return at once.
        first_row: row to start at.
        group: row group; None reads the whole file.
    """

    def __init__(
        self,
        file: str | Path | BinaryIO,
        features: datasets.Features,
        count: int,
        first_row: int,
        group: int | None = None,
    ) -> None:
        self._file, self._features, self._count, self._position = file, features, count, first_row
        self._metadata = parquet.read_metadata(file)
        groups = range(self._metadata.num_row_groups) if group is None else [group]
        self._groups = [(index, self._metadata.row_group(index).num_rows) for index in groups]
        self.row_count = sum(rows for _, rows in self._groups)
        self._table: pa.Table | None = None
        self._first_of_table = 0

    def next_rows(self) -> Sequence[dict[str, Any]]:
        """Return the next rows; none at the end."""
        parts: list[pa.Table] = []
        missing = self._count
        while missing and (table := self._current_table()) is not None:
            part = table.slice(self._position - self._first_of_table, missing)
            parts.append(part)
            self._position += len(part)
            missing -= len(part)
        return _TableRows(pa.concat_tables(parts)) if parts else []

    def state_dict(self) -> dict[str, Any] | None:
        """Return None: the number of rows read says all."""
        return None

    def _current_table(self) -> pa.Table | None:
        """Return the row group of the position, or None at the end."""
        if self._table is not None and self._position < self._first_of_table + len(self._table):
            return self._table
        # Freed before the next one is read.
        self._table = None
        first = 0
        for index, rows in self._groups:
            if self._position < first + rows:
                with parquet.ParquetFile(self._file, metadata=self._metadata) as file:
                    table = file.read_row_group(index, use_threads=False)
                if len(table) != rows:
                    raise EOFError(f"row group {index} has {len(table)} rows, and {rows} by the end of the file")
                self._table = self._cast(table)
                self._first_of_table = first
                return self._table
            first += rows
        return None

    def _cast(self, table: pa.Table) -> pa.Table:
        for column in self._features:
            if column not in table.column_names:
                table = table.append_column(column, pa.nulls(len(table)))
        return table_cast(table, self._features.arrow_schema)


class _TableRows(Sequence[dict[str, Any]]):
    """Rows of a table, of which only those asked for become Python objects."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: Any) -> Any:
        return self._table.slice(index, 1).to_pylist()[0]
