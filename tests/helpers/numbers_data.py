# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny samples named by number, in memory or in shards, and a loader of their batches."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sample_files import colour_ramp, pseudo_label_table

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.loader import BatchLoader
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


class Numbers:
    """A source of tiny samples, named after the source and the index; keeps what is read, and has broken ones."""

    label: str | None = "disparity"

    def __init__(self, name: str = "", length: int = 23, labelled: bool = True, broken: Sequence[int] = ()) -> None:
        self.name, self.length, self.labelled, self.broken = name, length, labelled, broken
        self.read: list[int] = []

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        self.read.append(index)
        if index in self.broken:
            raise BrokenSampleError(f"number {index} is broken")
        random = np.random.default_rng(index)
        sample: dict[str, Any] = {
            "image": random.integers(0, 255, (20, 28, 3), dtype=np.uint8),
            "name": f"{self.name}{index}",
        }
        if self.labelled:
            sample["disparity"] = random.random((20, 28), dtype=np.float32)
        return sample


def load(data: Mixture | StreamingMixture, first: int = 0, last: int = 20, **options: Any) -> BatchLoader:
    """The loader of one process with batches of eight, where the options do not say otherwise."""
    layout: dict[str, Any] = {"batch_size": 8, "accumulation": 1, "process_index": 0, "process_count": 1}
    return BatchLoader(data, first_step=first, last_step=last, **{**layout, **options})


# Rows at which the files of `write_numbered_shards` begin and end.
SHARD_ENDS = (0, 7, 15, 23)


def write_numbered_shards(root: Path) -> None:
    """Writes 23 pseudo-labelled rows, row0 to row22, in three parquet files with row groups of three."""
    random = np.random.default_rng(0)
    table = pseudo_label_table(colour_ramp(), [random.random((6, 8), np.float32) for _ in range(23)])
    table = table.add_column("name", [f"row{index}" for index in range(23)])
    for shard in range(3):
        rows = table.select(range(SHARD_ENDS[shard], SHARD_ENDS[shard + 1]))
        rows.to_parquet(root / f"{shard}.parquet", batch_size=3)


def numbered_stream(root: Path) -> StreamingMixture:
    """Writes 60 rows in six files below the root, and opens them as a stream."""
    table = pseudo_label_table(colour_ramp(), [np.ones((6, 8), np.float32)] * 60)
    table = table.add_column("name", [f"row{index}" for index in range(60)])
    for shard in range(6):
        table.select(range(10 * shard, 10 * shard + 10)).to_parquet(root / f"{shard}.parquet")
    opened = open_source({"path": str(root), "streaming": True})
    return StreamingMixture([opened], TrainingTransform.strong(14), seed=1, shuffle_rows=4)


def saved_and_loaded(state: dict[str, Any]) -> dict[str, Any]:
    """The state after it was written to a file as weights are, and read again."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
