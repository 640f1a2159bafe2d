# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mix sources of which some are streamed, shard by shard; a run can be resumed at any sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol

import datasets
import numpy as np

from .decoding.errors import BrokenSampleError
from .depth_stream import DepthStream
from .mixture import (
    BROKEN,
    MOST_ATTEMPTS,
    Transform,
    check_aspect,
    check_labels,
    name_sources,
    note_broken,
    one_per_source,
)
from .samples import Sample, SampleDataset


# Last numbers of the seeds; see `mixture`.
SHARD_ORDER, BLOCK_ORDER, ROW_ORDER, SOURCE_CHOICE, STREAM_SAMPLE = 5, 6, 7, 8, 9


class StreamingMixture:
    """Several sources, of which at least one streams, as one endless stream of samples, drawn by weight.

    The samples are divided into parts, one per process and worker. Each source is read in epochs of its own: a stream
    that ends begins its next epoch. The order of shards in an epoch depends on (seed, epoch); part p takes the shards
    p, p + parts, p + 2 * parts, ... of that order, and reads each in blocks of `shuffle_rows` rows, permuted by
    (seed, epoch, shard, block). If a source has fewer shards than parts, also after parquet files were divided into
    row groups, several parts read the same shard and take turns in its rows, with a warning. In an epoch each row is
    read once, by one part.

    Map-style sources may take part: their rows are permuted by (seed, epoch) and dealt out to the parts.

    The source of the next sample is drawn by weight from (seed, part, number of the sample in the part). The
    randomness of a sample depends on (seed, epoch, source, shard, row). Which part reads a row, and when, depends on
    the number of parts. Broken samples are skipped; the key "broken" of the next item lists them, as in `Mixture`.

    Args:
        sources: `DepthStream`s and map-style datasets of samples.
        transform: one for all sources, or one per source.
        weights: relative shares, one per source, > 0; needed for more than one source, as sizes are unknown.
        seed: of order and augmentation, >= 0.
        names: names of the sources, for messages.
        shuffle_rows: rows of a block, which are read together and permuted; a block per source and worker is held in
            memory, still encoded. A resume reads the current block again, and nothing before it.

    Raises:
        ValueError: no sources, weights that do not fit, or sources with and without labels.
    """

    def __init__(
        self,
        sources: Sequence[DepthStream | SampleDataset],
        transform: Transform | Sequence[Transform],
        weights: Sequence[float] | None = None,
        seed: int = 0,
        shuffle_rows: int = 256,
        names: Sequence[str] | None = None,
    ) -> None:
        if not sources:
            raise ValueError("a mixture needs at least one source")
        if weights is None and len(sources) > 1:
            raise ValueError(f"the sizes of streams are unknown: give each of the {len(sources)} sources a weight")
        if shuffle_rows < 1:
            raise ValueError(f"shuffle_rows must be at least 1, got {shuffle_rows}")
        shares = np.asarray([1.0] if weights is None else weights, dtype=np.float64)
        if shares.shape != (len(sources),) or not np.isfinite(shares).all() or not (shares > 0).all():
            raise ValueError(f"weights must be {len(sources)} positive numbers, one per source, got {weights}")
        check_labels(sources)
        self.sources = list(sources)
        self.transforms = one_per_source(transform, len(sources))
        self.names = name_sources(names, len(sources))
        self.weights = shares / shares.sum()
        self.seed = seed
        self.shuffle_rows = shuffle_rows

    def __len__(self) -> int:
        raise TypeError("the length of a stream is unknown: set max_steps (--max_steps) instead of epochs")

    def part(self, part: int, part_count: int, state: dict[str, Any] | None = None) -> StreamPart:
        """Return the endless samples of one part, from the start or from a `StreamPart.state_dict`."""
        return StreamPart(self, part, part_count, state)

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Yield readers of the first samples of a source, in its order; calling one reads one sample."""
        opened = self.sources[source]
        if isinstance(opened, DepthStream):
            for index, row in enumerate(islice(opened.shard(0), MOST_ATTEMPTS)):
                yield partial(opened.read, row, 0, index)
        else:
            for index in range(min(MOST_ATTEMPTS, len(opened))):
                yield partial(opened.__getitem__, index)


class StreamPart:
    """The samples of one part of a `StreamingMixture`: an endless iterator with a state."""

    def __init__(
        self, mixture: StreamingMixture, part: int, part_count: int, state: dict[str, Any] | None = None
    ) -> None:
        if not 0 <= part < part_count:
            raise ValueError(f"part must be in 0..{part_count - 1}, got {part}")
        count = len(mixture.sources)
        if state is not None and len(state["sources"]) != count:
            raise ValueError(
                f"expected a state of {count} sources, got one of {len(state['sources'])}; resume with the "
                "same sources"
            )
        self._mixture, self._part = mixture, part
        self._samples = 0 if state is None else int(state["samples"])
        self._readers = [
            _open_rows(mixture, source, part, part_count, None if state is None else state["sources"][source])
            for source in range(count)
        ]

    def __iter__(self) -> StreamPart:
        return self

    def __next__(self) -> dict[str, Any]:
        source = self._choose_source()
        self._samples += 1
        broken: list[tuple[str, str]] = []
        while True:
            place = self._mixture.names[source]
            try:
                row = self._readers[source].next_row()
                place = row.place
                sample = check_aspect(row.read())
                random = np.random.default_rng([self._mixture.seed, *row.address(source), STREAM_SAMPLE])
                return {**self._mixture.transforms[source](sample, random), "broken": broken}
            except BROKEN as error:
                note_broken(broken, place, error)

    def state_dict(self) -> dict[str, Any]:
        """Return the position of this part, as numbers, strings, lists and dicts."""
        return {"samples": self._samples, "sources": [reader.state_dict() for reader in self._readers]}

    def _choose_source(self) -> int:
        weights = self._mixture.weights
        if len(weights) == 1:
            return 0
        random = np.random.default_rng([self._mixture.seed, self._part, self._samples, SOURCE_CHOICE])
        return int(random.choice(len(weights), p=weights))


class _Row(NamedTuple):
    epoch: int
    shard: int
    number: int
    place: str
    read: Callable[[], Sample]

    def address(self, source: int) -> tuple[int, int, int, int]:
        return self.epoch, source, self.shard, self.number


class _Rows(Protocol):
    """Endless rows of one source for one part."""

    def next_row(self) -> _Row: ...

    def state_dict(self) -> dict[str, Any]: ...


def _open_rows(
    mixture: StreamingMixture, source: int, part: int, part_count: int, state: dict[str, Any] | None
) -> _Rows:
    opened = mixture.sources[source]
    if isinstance(opened, DepthStream):
        return _StreamRows(opened, mixture.seed, source, part, part_count, mixture.shuffle_rows, state)
    return _MapRows(opened, mixture.names[source], mixture.seed, source, part, part_count, state)


class _MapRows:
    """Every n-th row of a map-style source, in an order that depends on (seed, epoch)."""

    def __init__(
        self,
        data: SampleDataset,
        name: str,
        seed: int,
        source: int,
        part: int,
        part_count: int,
        state: dict[str, Any] | None,
    ) -> None:
        if len(data) < part_count:
            raise ValueError(
                f"{name} has {len(data)} samples for {part_count} processes times workers; use fewer workers"
            )
        self._data, self._name, self._seed, self._source = data, name, seed, source
        self._part, self._part_count = part, part_count
        self._epoch: int = state["epoch"] if state else 0
        self._position: int = state["position"] if state else 0
        self._order = self._order_of_epoch()

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self._epoch, "position": self._position}

    def next_row(self) -> _Row:
        if self._position == len(self._order):
            self._epoch, self._position = self._epoch + 1, 0
            self._order = self._order_of_epoch()
        index = int(self._order[self._position])
        self._position += 1
        return _Row(self._epoch, 0, index, f"{self._name}, sample {index}", partial(self._data.__getitem__, index))

    def _order_of_epoch(self) -> np.ndarray:
        random = np.random.default_rng([self._seed, self._epoch, self._source, ROW_ORDER])
        return random.permutation(len(self._data))[self._part :: self._part_count]


class _StreamRows:
    """The shards of one part, block by block.

    The state names the block (epoch, index in the list of shards of the part, first row, and the state of `datasets`
    there), and how many of its permuted rows have been handed out.
    """

    def __init__(
        self,
        stream: DepthStream,
        seed: int,
        source: int,
        part: int,
        part_count: int,
        shuffle_rows: int,
        state: dict[str, Any] | None,
    ) -> None:
        self._stream = stream.for_parts(part_count)
        self._seed, self._source, self._shuffle_rows = seed, source, shuffle_rows
        self._part, self._part_count = part, part_count
        shards = self._stream.shard_count
        # Parts that share a shard take turns: this one takes the rows r, r + n, r + 2 * n, ... of it.
        self._rank, self._sharers = part // shards, len(range(part % shards, part_count, shards))
        if shards < part_count and part == 0:
            warnings.warn(
                f"{stream.name} has {shards} shards for {part_count} processes times workers: several read the same "
                "shard and take turns in its rows; use fewer workers, or write more and smaller shards",
                stacklevel=2,
            )
        self._epoch, self._turn, self._first_row, self._used = 0, 0, 0, 0
        self._shard_state: dict[str, Any] | None = None
        self._row_in_epoch = False
        if state is not None:
            self._epoch, self._turn = state["epoch"], state["turn"]
            self._first_row, self._used = state["first_row"], state["used"]
            self._shard_state, self._row_in_epoch = state["shard"], state["row_in_epoch"]
        self._shards = self._shards_of_epoch()
        self._rows: datasets.IterableDataset | None = None
        self._blocks: Iterator[dict[str, list[Any]]] = iter(())
        self._block: list[tuple[int, dict[str, Any]]] | None = None
        self._next_state: dict[str, Any] | None = None
        self._next_first_row = 0

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self._epoch,
            "turn": self._turn,
            "first_row": self._first_row,
            "used": self._used,
            "shard": self._shard_state,
            "row_in_epoch": self._row_in_epoch,
        }

    def next_row(self) -> _Row:
        """Return the next row.

        Raises:
            BrokenSampleError: the rest of the shard cannot be read; the next call continues with the next shard.
            ValueError: a whole epoch without a row for this part.
        """
        while self._block is None or self._used == len(self._block):
            self._next_block()
        shard = self._shards[self._turn]
        index, row = self._block[self._used]
        self._used += 1
        self._row_in_epoch = True
        place = f"{self._stream.name}, row {index} of shard {shard}"
        return _Row(self._epoch, shard, index, place, partial(self._stream.read, row, shard, index))

    def _shards_of_epoch(self) -> list[int]:
        count = self._stream.shard_count
        random = np.random.default_rng([self._seed, self._epoch, self._source, SHARD_ORDER])
        order = [int(shard) for shard in random.permutation(count)]
        return order[self._part :: self._part_count] if self._sharers == 1 else [order[self._part % count]]

    def _next_block(self) -> None:
        if self._block is not None:
            self._first_row, self._shard_state, self._used = self._next_first_row, self._next_state, 0
        shard = self._shards[self._turn]
        try:
            if self._rows is None:
                self._rows = self._stream.shard(shard)
                if self._shard_state is not None:
                    self._rows.load_state_dict(self._shard_state)
                self._blocks = self._rows.iter(batch_size=self._shuffle_rows)
            columns = next(self._blocks, None)
        except Exception as error:
            # A damaged or unreachable shard raises one of many exceptions of pyarrow, tarfile, zlib or the network.
            reason = f"{self._stream.name}: the rest of shard {shard} cannot be read: {type(error).__name__}: {error}"
            self._next_shard(reason)
            raise BrokenSampleError(reason) from error
        if columns is None:
            self._next_shard()
            return
        names = list(columns)
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        self._next_first_row = self._first_row + len(rows)
        self._next_state = self._rows.state_dict()
        numbered = [
            (index, row) for index, row in enumerate(rows, self._first_row) if index % self._sharers == self._rank
        ]
        seed = [self._seed, self._epoch, self._source, shard, self._first_row, BLOCK_ORDER]
        self._block = [numbered[place] for place in np.random.default_rng(seed).permutation(len(numbered))]

    def _next_shard(self, reason: str = "the stream is empty, or has fewer rows than processes times workers") -> None:
        self._turn += 1
        self._first_row, self._used = 0, 0
        self._shard_state, self._block, self._rows = None, None, None
        if self._turn < len(self._shards):
            return
        if not self._row_in_epoch:
            raise ValueError(
                f"{self._stream.name}: no row in a whole epoch for part {self._part} of {self._part_count}: {reason}"
            )
        self._epoch, self._turn, self._row_in_epoch = self._epoch + 1, 0, False
        self._shards = self._shards_of_epoch()
