# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples of a streaming table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import fsspec

from .decoding.depth_maps import label_rules
from .rows import RowReader
from .samples import Sample


class DepthStream:
    """Samples from a streaming `datasets.IterableDataset`; cells are decoded as in `DepthTable`.

    Args:
        dataset: from `datasets.load_dataset(..., split=..., streaming=True)`.
        name: of the source, for messages.
        image_column: column of pictures.
        label_column: column of maps; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for pictures only.
        scale, invalid_values, sky_value, max_depth: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to.

    Raises:
        TypeError: not a streaming dataset.
        ValueError: no rows, or a missing column.
    """

    def __init__(
        self,
        dataset: datasets.IterableDataset,
        name: str,
        image_column: str = "image",
        label_column: str | None = None,
        label: str | None = None,
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(dataset, datasets.IterableDataset):
            raise TypeError(f"expected a streaming datasets.IterableDataset (one split), got {type(dataset)}")
        self.name = name
        self.label = label
        # Encoded cells: `datasets` would decode pictures without EXIF orientation and error names.
        self._rows = dataset.decode(False) if dataset.features else dataset
        rules = label_rules(label, scale, invalid_values, sky_value, max_depth)
        self._reader = RowReader(columns_of(dataset, name), image_column, label_column, label, rules, root)

    def __len__(self) -> int:
        raise TypeError(
            f"{self.name}: a stream has no length and no index; leave streaming out where either is needed"
        )

    @property
    def shard_count(self) -> int:
        """Files, or whatever else the dataset can be divided by."""
        return int(self._rows.num_shards)

    def for_parts(self, part_count: int) -> DepthStream:
        """The same rows in smaller shards (parquet row groups), where there are fewer shards than parts."""
        # Early versions of `datasets` cannot divide a file.
        if self.shard_count >= part_count or not hasattr(self._rows, "reshard"):
            return self
        divided = object.__new__(DepthStream)
        divided.__dict__.update(self.__dict__, _rows=self._rows.reshard())
        return divided

    def shard(self, index: int) -> datasets.IterableDataset:
        """One shard, its cells encoded."""
        return self._rows.shard(self.shard_count, index)

    def encoded(self, row: Mapping[str, Any], shard: int, index: int) -> tuple[str, Any]:
        """Name and picture of a row of `shard`, undecoded and not yet fetched from elsewhere."""
        return self._reader.encoded(row, f"row {index} of shard {shard}")

    def read(self, row: Mapping[str, Any], shard: int, index: int) -> Sample:
        """Decodes a row of `shard`; the numbers are for messages."""
        place = f"{self.name}, row {index} of shard {shard}"
        name = row.get("name") or row.get("__key__")
        row = {column: fetched(cell) for column, cell in row.items()}
        return self._reader.read({**row, "name": name} if name else row, place)


def columns_of(dataset: datasets.IterableDataset, name: str) -> list[str]:
    """Columns of a stream; those of JSON are known from its first row only.

    Raises:
        ValueError: there is no row.
    """
    if dataset.column_names:
        return list(dataset.column_names)
    first_row = next(iter(dataset), None)
    if first_row is None:
        raise ValueError(f"{name}: the stream has no rows")
    return list(first_row)


def fetched(cell: Any) -> Any:
    """Loads a cell that only refers to a file elsewhere."""
    if isinstance(cell, Mapping) and cell.get("bytes") is None and "://" in str(cell.get("path")):
        with fsspec.open(cell["path"], "rb") as file:
            return {"path": cell["path"], "bytes": file.read()}
    return cell
