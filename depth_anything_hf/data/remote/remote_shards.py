# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The shards of a stream that are elsewhere: from the cache, or directly where there is no room in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import datasets
from pyarrow import parquet

from ..shard_lists import FileShards, RowGroup
from ..shard_readers import ShardReader
from .download import RemoteFile, WholeFile, look_up
from .file_systems import within, without_query
from .shard_cache import HeldFile, ShardCache


class RemoteShards(FileShards):
    """Files elsewhere, of one format.

    Args:
        table_format: its name in `datasets`.
        files: URLs, one per shard.
        name: of the source, for messages.
        cache: of copies.

    Raises:
        ValueError: none of the first files has rows.
    """

    def __init__(self, table_format: str, files: Sequence[str], name: str, cache: ShardCache) -> None:
        self._cache = cache
        super().__init__(table_format, files, name)

    def row_group_count(self, file: int) -> int:
        """Return how many row groups a file has, of parquet by its end alone."""
        if self._format != "parquet":
            return int(self._first_dataset(file).reshard().num_shards)
        remote = look_up(self._files[file], self._cache.patience)
        return int(parquet.read_metadata(self._directly(remote)).num_row_groups)

    def prepare(self, files: Sequence[int]) -> None:
        """Begin to download files."""
        for file in files:
            self._cache.fetch_ahead(self._files[file])

    def name_of(self, file: int) -> str:
        """Return the URL of a file, without what may be secret behind it."""
        return without_query(self._files[file])

    def open(self, place: RowGroup, count: int, first_row: int, state: dict[str, Any] | None) -> ShardReader:
        """Open a file or one of its row groups."""
        url = self._files[place.file]
        fetched = self._cache.fetch(url)
        if isinstance(fetched, HeldFile):
            return _RemoteShard(self._open_at(str(fetched.path), place, count, first_row, state), url, fetched)
        if self._format == "parquet":
            return self._open_at(self._directly(fetched), place, count, first_row, state)
        # `datasets` has no time limit of its own.
        reader = self._open_at(url, place, count, first_row, state)
        return _RemoteShard(reader, url, seconds=self._cache.patience.read_timeout)

    def _directly(self, remote: RemoteFile) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(WholeFile(remote, self._cache.patience), 2**16))

    def _first_dataset(self, file: int) -> datasets.IterableDataset:
        fetched = self._cache.fetch(self._files[file])
        # `datasets` reads the columns now; the rows are read from another copy, if need be.
        return self._dataset(str(fetched.path) if isinstance(fetched, HeldFile) else fetched.url)


class _RemoteShard:
    """A shard whose copy is kept while it is read, or that has a time limit; rows of archives have its URL."""

    def __init__(
        self, reader: ShardReader, url: str, held: HeldFile | None = None, seconds: float | None = None
    ) -> None:
        self._reader, self._url, self._held, self._seconds = reader, url, held, seconds

    @property
    def row_count(self) -> int | None:
        return self._reader.row_count

    def next_rows(self) -> Sequence[dict[str, Any]]:
        next_rows = self._reader.next_rows
        rows = next_rows() if self._seconds is None else within(self._seconds, next_rows)
        if isinstance(rows, list) and rows and "__url__" in rows[0]:
            return [{**row, "__url__": without_query(self._url)} for row in rows]
        return rows

    def state_dict(self) -> dict[str, Any] | None:
        return self._reader.state_dict()
