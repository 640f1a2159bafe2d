# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read the samples of a source that are looked at, by index or from a stream, with what could not be read named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...utils.printable_names import one_line
from ..data_source import DataSource
from ..datasets import DepthFolder, DepthTable, PhotoFolder
from ..decoding.errors import BrokenSampleError
from ..depth_stream import DepthStream
from ..public.catalog import PUBLIC_DATASETS
from ..rows_left_out import KeptRows
from ..samples import Sample
from .advice import HowRead, suffix_of
from .file_copies import MOST_FILES
from .sample_facts import StoredLabel, measure_turned, read_stored
from .sampling import spread_indices


# Shards of a stream that are looked into.
MOST_SHARDS = 16


@dataclass(frozen=True)
class ReadSample:
    """A sample, or why there is none.

    Attributes:
        index: of the sample.
        name: of it.
        sample: as it was read; None where it could not be.
        stored: its label as it is in the file, where that is known.
        error: why it could not be read; None where it could.
    """

    index: int
    name: str
    sample: Sample | None = None
    stored: StoredLabel | None = None
    error: str | None = None


class Reader:
    """Reads samples of a source.

    Args:
        source: opened.
        spec: what it was opened from.
    """

    def __init__(self, source: Any, spec: DataSource) -> None:
        self.source = source
        self.spec = spec
        # Shard and row of each sample of a stream that was read.
        self._places: dict[int, tuple[int, int]] = {}

    @property
    def count(self) -> int | None:
        """How many samples there are; None of a stream."""
        return None if isinstance(self.source, DepthStream) else len(self.source)

    @property
    def files(self) -> list[str]:
        """Paths of all pictures, where each is a file of its own and they are not too many to look at all."""
        if (self.count or 0) > MOST_FILES:
            return []
        if isinstance(self.source, PhotoFolder):
            return list(self.source.names)
        if self.how.kind == "folder":
            return [self.source.name_of(index) for index in range(len(self.source))]
        return []

    def indices(self, wanted: int | None, seed: int) -> Sequence[int]:
        """Return which samples are looked at: `wanted` of them, None all."""
        return spread_indices(self.count or 0, wanted, seed)

    def read(self, wanted: int | None, seed: int) -> Iterator[ReadSample]:
        """Yield the samples that are looked at, in their order."""
        if isinstance(self.source, DepthStream):
            yield from self._read_stream(wanted)
            return
        for index in self.indices(wanted, seed):
            yield self._read_one(index)

    def sample(self, index: int) -> Sample:
        """Return a sample that was read before again; of a stream its shard is read up to it.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        if not isinstance(self.source, DepthStream):
            found: Sample = self.source[index]
            return found
        shard, place = self._places[index]
        row = next(itertools.islice(self.source.shard(shard), place, None), None)
        if row is None:
            raise BrokenSampleError(f"{self.source.place(shard, place)}: it was there before, and is not any more")
        return self.source.read(row, shard, place)

    def _read_one(self, index: int) -> ReadSample:
        name = f"sample {index}"
        try:
            if hasattr(self.source, "name_of"):
                name = self.source.name_of(index)
            sample = self.source[index]
        except (OSError, ValueError) as error:
            return ReadSample(index, name, error=_reason(error))
        return ReadSample(index, sample["name"], sample, read_stored(self.source, index))

    def _read_stream(self, wanted: int | None) -> Iterator[ReadSample]:
        shards = range(self.source.shard_count)
        if wanted is not None:
            shards_read = spread_indices(len(shards), min(wanted, MOST_SHARDS))
            each = -(-wanted // len(shards_read))
        else:
            shards_read, each = list(shards), None
        number = 0
        for shard in shards_read:
            for place, row in itertools.islice(self._rows_of(shard), each):
                if number == wanted:
                    return
                self._places[number] = shard, place
                yield self._read_row(number, row, shard, place)
                number += 1

    def _rows_of(self, shard: int) -> Iterator[tuple[int, Mapping[str, Any] | Exception]]:
        """Yield the rows of a shard that are used, with their numbers; at the end an error, if it cannot be read."""
        place = 0
        try:
            for place, row in enumerate(self.source.shard(shard)):
                if self.source.keeps(row, shard, place):
                    yield place, row
        except ImportError:
            raise
        except Exception as error:
            # A damaged or unreachable shard raises one of many exceptions of pyarrow, tarfile, zlib or the network.
            yield place, error

    def _read_row(self, number: int, row: Mapping[str, Any] | Exception, shard: int, place: int) -> ReadSample:
        if isinstance(row, Exception):
            name = f"{self.source.name}, {self.source.describe_shard(shard)}"
            return ReadSample(number, name, error=f"{name} cannot be read to its end: {_reason(row)}")
        try:
            return ReadSample(number, self.source.place(shard, place), self.source.read(row, shard, place))
        except (OSError, ValueError) as error:
            return ReadSample(number, self.source.place(shard, place), error=_reason(error))

    def turned(self, index: int) -> Any:
        """Return the numbers of a label that has the size of the turned picture; None for any other sample."""
        return measure_turned(index, self.source)

    @property
    def how(self) -> HowRead:
        """How the source is read."""
        rules = getattr(self.source, "rules", None)
        whole = self.source.samples if isinstance(self.source, KeptRows) else self.source
        kind = "other"
        if isinstance(whole, DepthFolder):
            kind = "folder"
        elif isinstance(whole, DepthTable | DepthStream):
            kind = "table"
        elif self.spec.kind in PUBLIC_DATASETS:
            kind = "public"
        suffix = ""
        if kind == "folder" and len(self.source):
            suffix = suffix_of(self.source.encoded_pair(0)[1])
        return HowRead(
            kind,
            self.source.label,
            getattr(rules, "scale", None),
            getattr(rules, "invalid_values", None),
            getattr(rules, "encoding", None),
            suffix,
        )


def _reason(error: BaseException) -> str:
    return one_line(str(error)).strip() or type(error).__name__


__all__ = ["ReadSample", "Reader"]
