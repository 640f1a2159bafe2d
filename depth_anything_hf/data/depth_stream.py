# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples of a table that is read in order, shard by shard."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import fsspec

from .data_source import LARGEST_LOST_SHARE
from .decoding.depth_maps import LabelRules, label_rules
from .masked_pixels import masked_pixels_of
from .row_filter import LeftOut, RowFilter
from .rows import RowReader
from .samples import Sample
from .shard_lists import DatasetShards, RowGroup, ShardList, rows_of
from .shard_readers import ShardReader


logger = logging.getLogger(__name__)

OPEN_SHARDS, OPEN_SHARDS_ELSEWHERE = 16, 4
# Where the rows of one shard are read in order.
ROWS_AT_ONCE = 16


class DepthStream:
    """Samples of a table in shards, whose cells are decoded as those of `DepthTable`.

    Args:
        dataset: from `datasets.load_dataset(..., split=..., streaming=True)`, or a list of shards, as `FileShards`,
            of which none is opened before it is read.
        name: name of the source, for messages.
        image_column: column of images.
        label_column: column of labels; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for images only.
        scale, invalid_values, sky_value, max_depth, exif, max_pixels, encoding: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to; None counts as a stream from elsewhere.
        open_shards: shards that each process and worker reads at once, so that batches mix shards of one class each;
            None: 16, or 4 if the stream is from elsewhere. A row group of each open parquet file is held in memory.
        ignore_masks, mask_weight: as in `DepthTable`.
        max_lost_share: of the files that a process or worker has in an epoch; if it cannot read more of them, and
            more than one, it stops.

    Raises:
        MissingMaskError: the table has no such masks.
        TypeError: not a streaming dataset.
        ValueError: no rows, a missing column, an unknown label, or no open shard.
    """

    def __init__(
        self,
        dataset: datasets.IterableDataset | ShardList,
        name: str,
        image_column: str = "image",
        label_column: str | None = None,
        label: str | None = None,
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        root: str | os.PathLike[str] | None = None,
        open_shards: int | None = None,
        max_lost_share: float = LARGEST_LOST_SHARE,
        exif: str = "auto",
        max_pixels: int | None = None,
        encoding: str | None = None,
        ignore_masks: Sequence[str] | None = None,
        mask_weight: float = 0.0,
    ) -> None:
        if open_shards is not None and open_shards < 1:
            raise ValueError(f"{name}: open_shards must be at least 1, got {open_shards}")
        if isinstance(dataset, datasets.IterableDataset):
            dataset = DatasetShards(dataset, name)
        elif isinstance(dataset, datasets.Dataset | datasets.DatasetDict | datasets.IterableDatasetDict):
            raise TypeError(f"expected a streaming datasets.IterableDataset (one split), got {type(dataset).__name__}")
        self.name = name
        self.label = label
        self.root = None if root is None else Path(root)
        self.is_local = root is not None
        # Not under the name of the argument, by which it would be taken for what tells data from other data.
        self.largest_lost_share = max_lost_share
        self.open_shards = open_shards or (OPEN_SHARDS if self.is_local else OPEN_SHARDS_ELSEWHERE)
        self._shards: ShardList = dataset
        self._row_groups: list[RowGroup] = []
        rules = label_rules(label, scale, invalid_values, sky_value, max_depth, encoding)
        self.columns = dataset.columns
        masks = masked_pixels_of(ignore_masks, mask_weight)
        self._ignore_masks, self._mask_weight = ignore_masks, mask_weight
        self._reader = RowReader(self.columns, image_column, label_column, label, rules, root, exif, max_pixels, masks)
        self._filter: RowFilter | None = None
        # What rows are left out, see `rows_left_out`.
        self.left_out: LeftOut | None = None

    def __len__(self) -> int:
        raise TypeError(
            f"{self.name}: a stream has no length and no index; set streaming: false where either is needed"
        )

    @property
    def shard_count(self) -> int:
        """Number of shards: files, or other parts that `datasets` can read apart."""
        return len(self._row_groups) or len(self._shards)

    @property
    def row_groups(self) -> list[int] | None:
        """Into how many shards each file is divided; None if none is."""
        counts = {place.file: place.of for place in self._row_groups}
        return list(counts.values()) or None

    def for_parts(self, part_count: int, row_groups: Sequence[int] | None = None) -> DepthStream:
        """Return the same rows in smaller shards (parquet row groups) if there are fewer shards than parts.

        Args:
            part_count: how many shards are wanted.
            row_groups: what they were divided into before, which is kept even if a file was damaged since.
        """
        if self.shard_count >= part_count or not self._shards.can_divide():
            return self
        counts = row_groups or [self._row_groups_of(file) for file in range(self.shard_count)]
        divided = object.__new__(DepthStream)
        groups = [RowGroup(file, group, count) for file, count in enumerate(counts) for group in range(count)]
        divided.__dict__.update(self.__dict__, _row_groups=groups)
        return divided

    def _row_groups_of(self, file: int) -> int:
        try:
            # A parquet file without rows has no row group.
            return max(1, self._shards.row_group_count(file))
        except Exception as error:
            # A damaged or unreachable file raises one of many exceptions. Whoever reads it will tell.
            logger.debug("%s: shard %d cannot be divided: %s", self.name, file, error)
            return 1

    @property
    def rules(self) -> LabelRules:
        """How stored values become a label."""
        return self._reader.rules

    def with_rules(self, rules: LabelRules) -> DepthStream:
        """Return the same rows with other rules of their labels."""
        other = copy.copy(self)
        other._reader = copy.copy(self._reader)
        other._reader.rules = rules
        return other

    def with_filter(self, row_filter: RowFilter, left_out: LeftOut) -> DepthStream:
        """Return the same rows without those that a filter leaves out."""
        other = copy.copy(self)
        other._filter, other.left_out = row_filter, left_out
        return other

    def keeps(self, row: Mapping[str, Any], shard: int, index: int) -> bool:
        """Return whether a row of `shard` is used, and not left out."""
        if self._filter is None:
            return True
        return self._filter.keeps(row, self._reader.name_of(row, f"row {index} of {self.name_of_shard(shard)}"))

    def shard(self, index: int) -> Iterator[dict[str, Any]]:
        """Yield the rows of one shard in order, their cells encoded."""
        return rows_of(self.open_shard(index, ROWS_AT_ONCE, 0, None))

    def open_shard(self, index: int, count: int, first_row: int, state: dict[str, Any] | None) -> ShardReader:
        """Open a shard at a row, to read `count` rows at once; the state is that of the reader there."""
        return self._shards.open(self._place(index), count, first_row, state)

    def name_of_shard(self, index: int) -> str:
        """Return the number of a shard, and of its row group where it was divided, for messages."""
        place = self._place(index)
        return f"shard {place.file}" + (f", row group {place.group}" if place.of > 1 else "")

    def prepare(self, shards: Sequence[int]) -> None:
        """Take notice of shards that are to be opened soon: those elsewhere begin to be downloaded."""
        self._shards.prepare(list(dict.fromkeys(map(self.file_of, shards))))

    def file_of(self, index: int) -> int:
        """Return the number of the file that a shard is, or is a part of."""
        return self._place(index).file

    def describe_shard(self, index: int) -> str:
        """Return the number of a shard and the name of its file, if it has one."""
        file = self._shards.name_of(self.file_of(index))
        return self.name_of_shard(index) + (f" ({file})" if file else "")

    def _place(self, index: int) -> RowGroup:
        return self._row_groups[index] if self._row_groups else RowGroup(index, 0, 1)

    def read_encoded(self, row: Mapping[str, Any], shard: int, index: int) -> tuple[str, Any]:
        """Return the name and the image of a row of `shard`, still encoded, and as a path if the row has only that."""
        return self._reader.read_encoded(row, f"row {index} of {self.name_of_shard(shard)}")

    def place(self, shard: int, index: int) -> str:
        """Return where a row of `shard` stands, for messages."""
        return f"{self.name}, row {index} of {self.name_of_shard(shard)}"

    def read(self, row: Mapping[str, Any], shard: int, index: int) -> Sample:
        """Decode a row of `shard`; the numbers are for messages.

        Raises:
            BrokenSampleError: see `RowReader.read`.
        """
        place = self.place(shard, index)
        return self._reader.read({column: fetch_cell(cell) for column, cell in row.items()}, place)


def fetch_cell(cell: Any) -> Any:
    """Load a cell that only refers to a file elsewhere, such as a URL; return any other cell as it is."""
    if isinstance(cell, Mapping) and cell.get("bytes") is None and "://" in str(cell.get("path")):
        with fsspec.open(cell["path"], "rb") as file:
            return {"path": cell["path"], "bytes": file.read()}
    return cell
