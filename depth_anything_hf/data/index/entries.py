# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files or pairs of a source by their number, in an index that all processes map: it is never copied or pickled."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, overload

import pyarrow as pa

from .blocks import SEVERAL, BlockWriter
from .file_runs import FileRuns, join
from .pair_runs import PairRun, PairRuns


ENTRIES_FILE, FOLDERS_FILE = "entries.arrow", "folders.arrow"


class Entries:
    """Files, or pairs of an image and its label, by their number.

    Pickled, those in a file are its path, and those in memory their bytes.

    Args:
        place: the folder of the index; or the content of its two files.
        rows: how many are used; the index may have more.
    """

    def __init__(self, place: Path | tuple[bytes, bytes], rows: int) -> None:
        self._place, self._rows = place, rows
        try:
            entries, folders = (pa.ipc.open_file(source) for source in _sources(place))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{place}: the index of the data was removed while it was in use; open the data again"
            ) from error
        self._reader, self._folders = entries, _Texts(folders.get_batch(0).column(0))
        self._batches: list[_Batch] = []
        self._starts: list[int] = []

    def __len__(self) -> int:
        return self._rows

    def __reduce__(self) -> tuple[Any, ...]:
        return Entries, (self._place, self._rows)

    def limit(self, rows: int | None) -> Entries:
        """Return the first ones, at most so many; None: all."""
        return self if rows is None or rows >= self._rows else Entries(self._place, rows)

    def image(self, index: int) -> str:
        """Return the path of an image.

        Raises:
            IndexError: there are fewer.
        """
        batch, row = self._locate(index)
        return batch.image(row)

    def pair(self, index: int) -> tuple[str, str]:
        """Return the paths of an image and its label; raises as `image`."""
        batch, row = self._locate(index)
        return batch.image(row), batch.label(row)

    def images(self) -> Iterator[str]:
        """Yield the paths of all images."""
        self._open_batches()
        for start, batch in zip(self._starts, self._batches, strict=True):
            if start >= self._rows:
                return
            yield from islice(batch.images(), self._rows - start)

    def _locate(self, index: int) -> tuple[_Batch, int]:
        row = int(index)
        if not -self._rows <= row < self._rows:
            raise IndexError(f"index {row} is out of range: there are {self._rows}")
        row %= self._rows
        self._open_batches()
        number = bisect_right(self._starts, row) - 1
        return self._batches[number], row - self._starts[number]

    def _open_batches(self) -> None:
        if not self._batches:
            batches = [
                _Batch(self._reader.get_batch(i), self._folders) for i in range(self._reader.num_record_batches)
            ]
            self._starts = list(accumulate((batch.rows for batch in batches[:-1]), initial=0))
            self._batches = batches


class Names(Sequence[str]):
    """The paths of all images of entries, read as they are asked for."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._entries.image(row) for row in range(*index.indices(len(self)))]
        return self._entries.image(index)

    def __iter__(self) -> Iterator[str]:
        return self._entries.images()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} names>"


def entries_in_memory(files: FileRuns | PairRuns) -> Entries:
    """Return entries that are kept in memory, at a few bytes more than their names have."""
    targets = pa.BufferOutputStream(), pa.BufferOutputStream()
    BlockWriter(*targets).write(pair_runs(files))
    entries, folders = (target.getvalue().to_pybytes() for target in targets)
    return Entries((entries, folders), len(files))


def pair_runs(files: FileRuns | PairRuns) -> list[PairRun]:
    """Return the runs of files as those of pairs without labels."""
    return files.runs if isinstance(files, PairRuns) else [PairRun(run, None) for run in files.runs]


def _sources(place: Path | tuple[bytes, bytes]) -> tuple[Any, Any]:
    if isinstance(place, Path):
        return pa.memory_map(str(place / ENTRIES_FILE)), pa.memory_map(str(place / FOLDERS_FILE))
    return pa.py_buffer(place[0]), pa.py_buffer(place[1])


def _whole_numbers(buffer: Any) -> memoryview:
    """Return a buffer of 32-bit numbers, of which one costs a tenth of what one of a NumPy array costs."""
    return memoryview(buffer if buffer is not None else b"").cast("B").cast("i")


class _Texts:
    """An Arrow array of bytes, read without a copy."""

    def __init__(self, array: Any) -> None:
        _, offsets, data = array.buffers()
        self._offsets = _whole_numbers(offsets)
        self._data = memoryview(data if data is not None else b"")

    def __getitem__(self, row: int) -> bytes:
        return self._data[self._offsets[row] : self._offsets[row + 1]].tobytes()


class _Numbers:
    """An Arrow array of lists, read without a copy."""

    def __init__(self, array: Any) -> None:
        self.offsets = _whole_numbers(array.buffers()[1])[: len(array) + 1]
        self.values = array.values


class _Batch:
    """A record batch of blocks: rows are numbered through all of them."""

    def __init__(self, batch: Any, folders: _Texts) -> None:
        images = _Numbers(batch.column("images"))
        self._starts = images.offsets
        self.rows = self._starts[-1]
        self._image = _Side(batch, "image", images, folders)
        self._label = _Side(batch, "label", _Numbers(batch.column("labels")), folders)

    def image(self, row: int) -> str:
        block = bisect_right(self._starts, row) - 1
        place = row - self._starts[block]
        return self._image.path(block, place, self._image.core(block, place))

    def images(self) -> Iterator[str]:
        for block in range(len(self._starts) - 1):
            for place in range(self._starts[block + 1] - self._starts[block]):
                yield self._image.path(block, place, self._image.core(block, place))

    def label(self, row: int) -> str:
        block = bisect_right(self._starts, row) - 1
        place = row - self._starts[block]
        core = self._label.core(block, place)
        return self._label.path(block, place, self._image.core(block, place) if core is None else core)


class _Side:
    """Names and folders of the images, or of the labels, of a batch."""

    def __init__(self, batch: Any, kind: str, names: _Numbers, texts: _Texts) -> None:
        self._starts, self._names, self._texts = names.offsets, _Texts(names.values), texts
        self._prefix, self._suffix = _Texts(batch.column(f"{kind}_prefix")), _Texts(batch.column(f"{kind}_suffix"))
        self._folder = _whole_numbers(batch.column(f"{kind}_folder").buffers()[1])
        self._ends = lru_cache(maxsize=256)(self._find_ends)
        folders = _Numbers(batch.column(f"{kind}_folders"))
        self._folder_starts, self._folders = folders.offsets, _whole_numbers(folders.values.buffers()[1])

    def path(self, block: int, place: int, core: bytes | None) -> str:
        number: int = self._folder[block]
        if number == SEVERAL:
            number = self._folders[self._folder_starts[block] + place]
        start, end = self._ends(block, number)
        return os.fsdecode(b"".join((start, core or b"", end)))

    def _find_ends(self, block: int, folder: int) -> tuple[bytes, bytes]:
        """Return what the paths of a block and folder begin and end with."""
        return os.fsencode(join(os.fsdecode(self._texts[folder]), "")) + self._prefix[block], self._suffix[block]

    def core(self, block: int, place: int) -> bytes | None:
        """Return the name without prefix and suffix; None where the block has none of its own."""
        start, end = self._starts[block], self._starts[block + 1]
        return None if start == end else self._names[start + place]
