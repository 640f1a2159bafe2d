# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples of a table that is read in order, shard by shard."""

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
    """Samples from a streaming `datasets.IterableDataset`, whose cells are decoded as those of `DepthTable`.

    Args:
        dataset: from `datasets.load_dataset(..., split=..., streaming=True)`.
        name: name of the source, for messages.
        image_column: column of images.
        label_column: column of labels; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for images only.
        scale, invalid_values, sky_value, max_depth: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to.

    Raises:
        TypeError: not a streaming dataset.
        ValueError: no rows, a missing column, or an unknown label.
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
            raise TypeError(f"expected a streaming datasets.IterableDataset (one split), got {type(dataset).__name__}")
        self.name = name
        self.label = label
        # Cells stay encoded: `datasets` would decode images without EXIF orientation, and without names in its errors.
        self._rows = dataset.decode(False) if dataset.features else dataset
        rules = label_rules(label, scale, invalid_values, sky_value, max_depth)
        self._reader = RowReader(columns_of(dataset, name), image_column, label_column, label, rules, root)

    def __len__(self) -> int:
        raise TypeError(
            f"{self.name}: a stream has no length and no index; set streaming: false where either is needed"
        )

    @property
    def shard_count(self) -> int:
        """Number of shards: files, or other parts that `datasets` can read apart."""
        return int(self._rows.num_shards)

    def for_parts(self, part_count: int) -> DepthStream:
        """Return the same rows in smaller shards (parquet row groups) if there are fewer shards than parts."""
        # `datasets` before 4.7 cannot divide a file.
        if self.shard_count >= part_count or not hasattr(self._rows, "reshard"):
            return self
        divided = object.__new__(DepthStream)
        divided.__dict__.update(self.__dict__, _rows=self._rows.reshard())
        return divided

    def shard(self, index: int) -> datasets.IterableDataset:
        """Return one shard, its cells encoded."""
        return self._rows.shard(self.shard_count, index)

    def read_encoded(self, row: Mapping[str, Any], shard: int, index: int) -> tuple[str, Any]:
        """Return the name and the image of a row of `shard`, still encoded, and as a path if the row has only that."""
        return self._reader.read_encoded(row, f"row {index} of shard {shard}")

    def read(self, row: Mapping[str, Any], shard: int, index: int) -> Sample:
        """Decode a row of `shard`; the numbers are for messages.

        Raises:
            BrokenSampleError: see `RowReader.read`.
        """
        place = f"{self.name}, row {index} of shard {shard}"
        name = row.get("name") or row.get("__key__")
        row = {column: fetch_cell(cell) for column, cell in row.items()}
        return self._reader.read({**row, "name": name} if name else row, place)


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


def fetch_cell(cell: Any) -> Any:
    """Load a cell that only refers to a file elsewhere, such as a URL; return any other cell as it is."""
    if isinstance(cell, Mapping) and cell.get("bytes") is None and "://" in str(cell.get("path")):
        with fsspec.open(cell["path"], "rb") as file:
            return {"path": cell["path"], "bytes": file.read()}
    return cell
