# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The shards of a stream: the files of a table, each opened when it is read, or the parts that `datasets` knows."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import datasets
from pyarrow import parquet

from .shard_readers import IterableShard, ParquetShard, ShardReader


# Damaged files may come first; the columns are those of the first one that can be opened.
MOST_TRIED_FOR_COLUMNS = 16


class RowGroup(NamedTuple):
    """A shard that is a part of a file."""

    file: int
    group: int
    of: int


class ShardList(Protocol):
    """The files, or other parts, of a stream."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""

    def __len__(self) -> int: ...

    def can_divide(self) -> bool:
        """Tell whether a file can be divided into row groups."""

    def row_group_count(self, file: int) -> int:
        """Return how many row groups a file has; raises what a damaged file raises."""

    def open(self, place: RowGroup, count: int, first_row: int, state: dict[str, Any] | None) -> ShardReader:
        """Open a file or one of its row groups at a row, to read `count` rows at once."""

    def name_of(self, file: int) -> str:
        """Return the name of a file, for messages; "" if it has none."""

    def prepare(self, files: Sequence[int]) -> None:
        """Take notice of files that are to be opened soon."""


class DatasetShards:
    """The shards of a streaming dataset.

    Args:
        dataset: of one split.
        name: of the source, for messages.
    """

    def __init__(self, dataset: datasets.IterableDataset, name: str) -> None:
        self.columns = columns_of(dataset, name)
        self._rows = encoded_rows(dataset)

    def __len__(self) -> int:
        return int(self._rows.num_shards)

    def can_divide(self) -> bool:
        """Tell whether a file can be divided, which `datasets` before 4.7 cannot."""
        return hasattr(self._rows, "reshard")

    def row_group_count(self, file: int) -> int:
        """Return into how many shards `datasets` divides a file."""
        return int(self._file(file).reshard().num_shards)

    def open(self, place: RowGroup, count: int, first_row: int, state: dict[str, Any] | None) -> ShardReader:
        """Open a shard or a part of it."""
        return IterableShard(part_of(self._file(place.file), place), count, state)

    def name_of(self, file: int) -> str:
        """Return nothing: `datasets` does not tell the names of files."""
        return ""

    def prepare(self, files: Sequence[int]) -> None:
        """Do nothing: `datasets` reads a file when its rows are asked for."""

    def _file(self, index: int) -> datasets.IterableDataset:
        # `datasets` lists all shards to find one; of blocks of shards it lists far fewer.
        count = len(self)
        blocks = math.isqrt(count)
        size, larger = divmod(count, blocks)
        block = index // (size + 1) if index < larger * (size + 1) else larger + (index - larger * (size + 1)) // size
        first = block * size + min(block, larger)
        rows = self._rows.shard(blocks, block)
        return rows.shard(rows.num_shards, index - first)


class FileShards:
    """Files of one format, of which none but the first is touched before it is read.

    Args:
        table_format: its name in `datasets`.
        files: paths, one per shard.
        name: of the source, for messages.

    Raises:
        ValueError: none of the first files has rows.
    """

    def __init__(self, table_format: str, files: Sequence[str], name: str) -> None:
        self._format, self._files = table_format, list(files)
        self._features: datasets.Features | None = None
        self.columns = self._find_columns(name)

    def __len__(self) -> int:
        return len(self._files)

    def can_divide(self) -> bool:
        """Tell whether a file can be divided; `datasets` before 4.7 divides none."""
        return self._format == "parquet" or hasattr(datasets.IterableDataset, "reshard")

    def row_group_count(self, file: int) -> int:
        """Return how many row groups a parquet file has, and into how many shards `datasets` divides another."""
        if self._format == "parquet":
            return int(parquet.read_metadata(self._files[file]).num_row_groups)
        return int(self._dataset(self._files[file]).reshard().num_shards)

    def open(self, place: RowGroup, count: int, first_row: int, state: dict[str, Any] | None) -> ShardReader:
        """Open a file or one of its row groups: parquet directly, all else by `datasets`."""
        return self._open_at(self._files[place.file], place, count, first_row, state)

    def name_of(self, file: int) -> str:
        """Return the name of a file without its folder."""
        return Path(self._files[file]).name

    def prepare(self, files: Sequence[int]) -> None:
        """Do nothing: the files are here."""

    def _open_at(
        self, file: str | BinaryIO, place: RowGroup, count: int, first_row: int, state: dict[str, Any] | None
    ) -> ShardReader:
        """Open a shard whose content is in a local file, at a URL, or, if it is parquet, in an open file."""
        if self._format == "parquet" and self._features is not None:
            group = place.group if place.of > 1 else None
            return ParquetShard(file, self._features, count, first_row, group)
        rows = part_of(self._dataset(str(file)), place)
        return IterableShard(rows, count, state, tar=str(file) if str(file).lower().endswith(".tar") else None)

    def _dataset(self, file: str) -> datasets.IterableDataset:
        # `datasets` takes names for patterns.
        files = [file if "://" in file else glob.escape(file)]
        rows = datasets.load_dataset(
            self._format, data_files=files, split="train", streaming=True, features=self._features
        )
        return encoded_rows(rows)

    def _first_dataset(self, file: int) -> datasets.IterableDataset:
        return self._dataset(self._files[file])

    def _find_columns(self, name: str) -> list[str]:
        first_error: Exception | None = None
        for file in range(min(len(self), MOST_TRIED_FOR_COLUMNS)):
            try:
                dataset = self._first_dataset(file)
                columns = columns_of(dataset, name)
            except ImportError:
                raise
            except Exception as error:
                # A damaged file raises one of many exceptions; when it is read, it is left out by name.
                first_error = first_error or error
                continue
            self._features = dataset.features
            return columns
        raise first_error or ValueError(f"{name}: expected a stream with rows, got one without files")


def encoded_rows(dataset: datasets.IterableDataset) -> datasets.IterableDataset:
    """Return the same rows with their cells encoded.

    `datasets` would decode images without EXIF orientation, and without names in its errors.
    """
    return dataset.decode(False) if dataset.features else dataset


def part_of(file: datasets.IterableDataset, place: RowGroup) -> datasets.IterableDataset:
    """Return a file, or the part of it that a place names."""
    return file if place.of == 1 else file.reshard().shard(place.of, place.group)


def columns_of(dataset: datasets.IterableDataset, name: str) -> list[str]:
    """List the columns of a stream; JSON tells them in its first row only.

    Raises:
        ValueError: the stream has no row.
    """
    if dataset.column_names:
        return list(dataset.column_names)
    first_row = next(iter(dataset), None)
    if first_row is None:
        raise ValueError(f"{name}: expected a stream with rows, got one with no rows")
    return list(first_row)


def rows_of(reader: ShardReader) -> Iterator[dict[str, Any]]:
    """Yield the rows of an open shard to its end."""
    while rows := reader.next_rows():
        yield from rows
