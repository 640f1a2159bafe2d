# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of a source that are left out: those in a list to drop, and labels whose fit of two teachers is bad.

Which rows these are depends on the source and the list alone, never on processes, workers or a resume.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import ArrowException, parquet

from ..utils.image_names import Naming
from ..utils.messages import counted
from .data_source import DataSource
from .datasets import DepthTable
from .depth_stream import DepthStream
from .drop_list import DropList
from .row_filter import FIT_OK, NAME, SOURCE_ROW, LeftOut, RowFilter, spellings
from .samples import Sample, SampleDataset


logger = logging.getLogger(__name__)

IDENTITY = (NAME, SOURCE_ROW, FIT_OK)
ROWS_AT_ONCE = 65_536
# Methods of some datasets that take a position.
BY_POSITION = ("read_encoded", "encoded_pair")


class KeptRows:
    """The rows of a map-style dataset that are not left out, in their order.

    Args:
        samples: the whole dataset.
        kept: int (n,), their positions, rising.
        left_out: what is not among them.
    """

    def __init__(self, samples: SampleDataset, kept: np.ndarray, left_out: LeftOut) -> None:
        self.samples, self.kept, self.left_out = samples, kept, left_out
        self.label: str | None = samples.label

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[self._place(index)]

    def _place(self, index: int) -> int:
        return int(self.kept[index])

    @property
    def root(self) -> Any:
        """Folder that the names of samples begin with, where the dataset has one."""
        return getattr(self.samples, "root", None)

    def name_of(self, index: int) -> str:
        """Return the name of a sample, which need not be readable."""
        return name_in(self.samples, self._place(index))

    def __getattr__(self, name: str) -> Any:
        # What only some datasets have, as far as it does not depend on positions. Nothing before `__init__`, as when
        # a worker unpickles it.
        if name not in ("rules", "with_rules", *BY_POSITION) or "samples" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = getattr(self.samples, name)
        if name == "with_rules":
            return lambda rules: KeptRows(found(rules), self.kept, self.left_out)
        if name in BY_POSITION:
            return lambda index: found(self._place(index))
        return found


def leave_out_rows(samples: SampleDataset, source: DataSource) -> SampleDataset:
    """Return a map-style dataset without the rows that its source says are left out; the count is told.

    Raises:
        FileNotFoundError: there is no such list.
        ValueError: no row is in the list, or none is left.
    """
    drop = None if source.drop is None else DropList(source.drop)
    has_fits = isinstance(samples, DepthTable) and samples.label is not None and FIT_OK in samples.columns
    check_fits = has_fits and not source.keep_bad_fits
    if drop is None and not check_fits:
        return samples
    naming = Naming.of_source(samples)
    total = len(samples)
    is_listed, is_bad = np.zeros(total, dtype=bool), np.zeros(total, dtype=bool)
    is_used = np.zeros(0 if drop is None else len(drop), dtype=bool)
    for first, block in _identities(samples, names=drop is not None):
        last = first + len(block[FIT_OK])
        if check_fits:
            is_bad[first:last] = [fits is False for fits in block[FIT_OK]]
        if drop is not None:
            names = [spellings(name, naming) for name in block[NAME]]
            is_listed[first:last], used = drop.find(names, block[SOURCE_ROW])
            is_used |= used
    _check_list(source, drop, is_used)
    left_out = LeftOut(
        int(is_listed.sum()), int((is_bad & ~is_listed).sum()), total, None if drop is None else drop.sha256
    )
    kept = np.flatnonzero(~(is_listed | is_bad))
    if not len(kept):
        raise ValueError(
            f"{source.path}: no row is left: of {counted(total, 'row')}, {left_out} are left out; set keep_bad_fits, "
            "or take another list"
        )
    _tell(source, left_out)
    return samples if len(kept) == total else KeptRows(samples, kept, left_out)


def filter_stream(stream: DepthStream, source: DataSource, files: Iterable[Path]) -> DepthStream:
    """Return a stream that leaves out rows as `leave_out_rows` does, when they come.

    With a list the names in local parquet files are read at once, so that a wrong list is told before training; of
    other streams nobody knows the names before they are read, and this is told. Rows with a bad fit are not counted
    beforehand.

    Raises:
        FileNotFoundError: there is no such list.
        ValueError: no row is in the list.
    """
    has_fits = stream.label is not None and FIT_OK in stream.columns
    drop = None if source.drop is None else DropList(source.drop)
    if drop is None and (source.keep_bad_fits or not has_fits):
        return stream
    naming = Naming.of_source(stream)
    left_out = LeftOut(None if drop else 0, None, None, None if drop is None else drop.sha256)
    files = list(files)
    if drop is not None and files and NAME in stream.columns:
        is_used = np.zeros(len(drop), dtype=bool)
        dropped = total = 0
        for file in files:
            try:
                block = _columns_of_file(file)
            except (OSError, ArrowException):
                # Whoever reads its rows will tell.
                continue
            listed, used = drop.find([spellings(name, naming) for name in block[NAME]], block[SOURCE_ROW])
            is_used |= used
            dropped, total = dropped + int(listed.sum()), total + len(listed)
        _check_list(source, drop, is_used)
        left_out = replace(left_out, dropped=dropped, total=total)
        _tell(source, left_out)
    elif drop is not None:
        _say(
            f"{source.path}: {counted(len(drop), 'row')} in {drop.path}; which of them are in this stream is "
            "known only when it has been read"
        )
    return stream.with_filter(RowFilter(drop, source.keep_bad_fits or not has_fits, naming), left_out)


def name_in(samples: Any, index: int) -> str:
    """Return the name of a sample of any map-style dataset, from the image only where nothing else tells it."""
    name_of, names, frames = (getattr(samples, each, None) for each in ("name_of", "names", "frames"))
    if name_of is not None:
        return str(name_of(index))
    if names is not None:
        return str(names[index])
    return str(samples[index]["name"] if frames is None else frames[index].name)


def _identities(samples: Any, *, names: bool) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Yield (first row, columns of `IDENTITY`) of a dataset, block by block; a column that is not there is None."""
    columns = samples.columns if isinstance(samples, DepthTable) else ()
    if columns and (NAME in columns or not names):
        first = 0
        for block in samples.read_columns([each for each in IDENTITY if each in columns], ROWS_AT_ONCE):
            rows = len(next(iter(block.values())))
            yield first, {each: block.get(each, [None] * rows) for each in IDENTITY}
            first += rows
        return
    for first in range(0, len(samples), ROWS_AT_ONCE):
        found = [name_in(samples, index) for index in range(first, min(first + ROWS_AT_ONCE, len(samples)))]
        nothing = [None] * len(found)
        yield first, {NAME: found, SOURCE_ROW: nothing, FIT_OK: nothing}


def _columns_of_file(file: Path) -> dict[str, list[Any]]:
    known = set(parquet.read_schema(file).names)
    table = parquet.read_table(file, columns=[each for each in (NAME, SOURCE_ROW) if each in known])
    return {each: table[each].to_pylist() if each in known else [None] * len(table) for each in (NAME, SOURCE_ROW)}


def _check_list(source: DataSource, drop: DropList | None, is_used: np.ndarray) -> None:
    if drop is None:
        return
    if not len(drop):
        _say(f"{source.path}: {drop.path} lists no row, so none is dropped")
        return
    missing = drop.unused(is_used)
    if missing and not is_used.any():
        raise ValueError(
            f"{source.path}: none of its rows is in the list to drop; not found: {missing}. The list is of other "
            "labels: make one of these by `depth-anything-hf review`, or name paths relative to the source"
        )
    if missing:
        _say(f"{source.path}: its rows do not have {missing}; the other entries are dropped")


def _tell(source: DataSource, left_out: LeftOut) -> None:
    if str(left_out):
        of = "" if left_out.total is None else f" of {left_out.total}"
        keep = "; keep_bad_fits: true keeps those with a bad fit" if left_out.bad_fits else ""
        _say(f"{source.path}: left out{of}: {left_out}{keep}")


def _say(text: str) -> None:
    from ..utils.processes import is_first_process

    if is_first_process():
        logger.warning("%s", text)


__all__ = ["KeptRows", "filter_stream", "leave_out_rows", "name_in"]
