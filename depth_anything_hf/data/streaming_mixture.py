# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mix sources of which some are streamed; a run can be resumed at any sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..utils.typed_fields import convert_argument
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
from .samples import Sample, SampleDataset, errors_named
from .stream_rows import open_rows


# Last numbers of the seeds; see `mixture`.
SOURCE_CHOICE, STREAM_SAMPLE = 8, 9


class StreamingMixture:
    """Several sources, of which at least one streams, as one endless stream of samples, drawn by weight.

    The samples are divided into parts, one per process and worker. Each source is read in epochs of its own: a stream
    that ends begins its next epoch. The order of shards in an epoch depends on (seed, epoch); part p takes the shards
    p, p + parts, p + 2 * parts, ... of that order. It has up to `DepthStream.open_shards` of them open at once, and
    reads in blocks of `shuffle_rows` rows: equally many rows of each open shard, permuted together by (seed, epoch,
    shard, row), in parts that share shards also by their turn. In an epoch each row is read once, by one part. A
    shard that cannot be read is passed by and named; the next epoch tries it again, and `max_lost_share` of the
    source stops the run.

    Where a local source has fewer than 16 shards per part, parquet files are divided into row groups, and if these
    are too few, up to eight parts read the same shards and take turns in their rows; a warning tells if there are
    fewer shards than parts. A source elsewhere, as on the Hub, is divided only if it has fewer shards than parts.

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
        shuffle_rows: rows of a block, which are read together and permuted. A block per source and worker is held in
            memory, still encoded, beside a row group of each open parquet file. A resume reads the current block
            again, and nothing before it but the row groups that the block begins in.

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
        weights = convert_argument("weights", weights, Sequence[float] | None)
        seed, shuffle_rows = convert_argument("seed", seed, int), convert_argument("shuffle_rows", shuffle_rows, int)
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
        raise TypeError("the length of a stream is unknown: set max_steps instead of epochs")

    def part(self, part: int, part_count: int, state: dict[str, Any] | None = None) -> StreamPart:
        """Return the endless samples of one part, from the start or from a `StreamPart.state_dict`."""
        return StreamPart(self, part, part_count, state)

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Yield readers of the first samples of a source, in its order; calling one reads one sample."""
        opened = self.sources[source]
        if isinstance(opened, DepthStream):
            for shard in range(min(MOST_ATTEMPTS, opened.shard_count)):
                try:
                    rows = list(islice(opened.shard(shard), MOST_ATTEMPTS))
                except Exception as error:
                    # One of many exceptions; the run will leave the shard out by its name.
                    yield partial(_raise_broken, opened.describe_shard(shard), error)
                    continue
                for index, row in enumerate(rows):
                    yield partial(opened.read, row, shard, index)
                if rows:
                    return
        else:
            for index in range(min(MOST_ATTEMPTS, len(opened))):
                yield partial(opened.__getitem__, index)


def _raise_broken(shard: str, error: Exception) -> Sample:
    raise BrokenSampleError(f"{shard} cannot be read: {type(error).__name__}: {error}")


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
            open_rows(
                opened,
                mixture.names[source],
                mixture.seed,
                source,
                part,
                part_count,
                mixture.shuffle_rows,
                None if state is None else state["sources"][source],
            )
            for source, opened in enumerate(mixture.sources)
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
                with errors_named(place):
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
