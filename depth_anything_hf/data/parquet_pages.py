# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where single values lie in a parquet file, so that one picture is read without the others of its row group.

pyarrow reads row groups as a whole: of shards of labels 32 pictures and maps, for one of each. The values of a column
of bytes that is neither compressed nor put into a dictionary, as pictures mostly are, stand in the file one after
another, each behind its length. Their places are found here from the headers of the pages, by the format's own
documents (`Encodings.md`, `README.md` and `parquet.thrift` of apache/parquet-format).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from pyarrow import parquet

from .compact_protocol import DamagedPageError, read_struct, read_varint


ReadAt: TypeAlias = Callable[[int, int], bytes]

# Of `PageType` and `Encoding` of the format.
DATA_PAGE, DATA_PAGE_V2 = 0, 3
PLAIN = 0
# Also of the levels, which are no values.
PLAIN_ENCODINGS = frozenset({"PLAIN", "RLE", "BIT_PACKED"})
HEADER_BYTES = 128
LARGEST_HEADER = 1 << 24
# A page of at most so many bytes is read at once, of a larger one only lengths.
SMALL_PAGE = 1 << 16
ABSENT = -1
_LENGTH = struct.Struct("<I")


class PageHeader(NamedTuple):
    """What the header of a page of data tells.

    Attributes:
        header_size: bytes of the header itself.
        size: bytes of the page behind it.
        kind: of `PageType`.
        values: number of values, absent ones included.
        encoding: of `Encoding`.
        levels_size: bytes of the levels of definition; None: the page begins with their number.
    """

    header_size: int
    size: int
    kind: int
    values: int
    encoding: int
    levels_size: int | None


def is_located(chunk: parquet.ColumnChunkMetaData, column: parquet.ColumnSchema) -> bool:
    """Tell whether single values of a column of bytes can be found by `ByteColumn`."""
    return (
        column.physical_type == "BYTE_ARRAY"
        and column.max_repetition_level == 0
        and chunk.compression == "UNCOMPRESSED"
        and not chunk.has_dictionary_page
        and PLAIN_ENCODINGS.issuperset(chunk.encodings)
    )


class ByteColumn:
    """The places of the values of one column in one row group; pages are looked at as far as rows are asked for.

    Args:
        chunk: of the row group, for which `is_located` is true.
        column: its entry in the file's schema.
    """

    def __init__(self, chunk: parquet.ColumnChunkMetaData, column: parquet.ColumnSchema) -> None:
        self._next = int(chunk.data_page_offset)
        self._end = self._next + int(chunk.total_compressed_size)
        self._rows = int(chunk.num_values)
        self._most_defined = int(column.max_definition_level)
        self._starts, self._sizes = array("q"), array("q")

    @property
    def nbytes(self) -> int:
        """Memory of the places, of all rows."""
        return 16 * self._rows

    def place(self, row: int, read_at: ReadAt) -> tuple[int, int] | None:
        """Return where in the file the value of a row of the row group begins, and its size; None: it is absent.

        Args:
            row: from 0.
            read_at: returns `count` bytes of the file at an offset, as `read_at(count, offset)`.

        Raises:
            DamagedPageError: the file is not as its footer says.
            OSError: it cannot be read.
        """
        while row >= len(self._starts):
            self._locate_page(read_at)
        size = self._sizes[row]
        return None if size == ABSENT else (self._starts[row], size)

    def _locate_page(self, read_at: ReadAt) -> None:
        if self._next >= self._end or len(self._starts) >= self._rows:
            raise DamagedPageError(f"pages with {len(self._starts)} values, expected {self._rows}")
        header = read_header(read_at, self._next)
        start = self._next + header.header_size
        end = start + header.size
        if header.kind not in (DATA_PAGE, DATA_PAGE_V2) or header.encoding != PLAIN or end > self._end:
            raise DamagedPageError("a page is not what the footer says")
        if header.values > self._rows - len(self._starts):
            raise DamagedPageError(f"more values than the {self._rows} of the footer")
        read = read_at
        if header.size <= SMALL_PAGE:
            page = read_at(header.size, start)

            def read(size: int, offset: int) -> bytes:
                return page[offset - start : offset - start + size]

        is_present, first = self._presence(header, read, start)
        starts, sizes = _places(is_present, read, first, end)
        # All or nothing, as the next call after an error goes on from here.
        self._starts, self._sizes, self._next = self._starts + starts, self._sizes + sizes, end

    def _presence(self, header: PageHeader, read: ReadAt, start: int) -> tuple[list[bool], int]:
        """Return which values of a page are there, and where the first one begins."""
        if self._most_defined == 0:
            return [True] * header.values, start
        size = header.levels_size
        if size is None:
            (size,) = _LENGTH.unpack(_exactly(read, _LENGTH.size, start))
            start += _LENGTH.size
        if not 0 <= size <= header.size:
            raise DamagedPageError("levels beyond the end of their page")
        levels = decode_levels(_exactly(read, size, start), self._most_defined.bit_length(), header.values)
        return (levels == self._most_defined).tolist(), start + size


def _places(is_present: list[bool], read: ReadAt, position: int, end: int) -> tuple[array[int], array[int]]:
    starts, sizes = array("q"), array("q")
    for present in is_present:
        size = ABSENT
        if present:
            (size,) = _LENGTH.unpack(_exactly(read, _LENGTH.size, position))
            position += _LENGTH.size
        starts.append(position)
        sizes.append(size)
        position += max(size, 0)
        if position > end:
            raise DamagedPageError("a value beyond the end of its page")
    return starts, sizes


def _exactly(read: ReadAt, size: int, offset: int) -> bytes:
    found = read(size, offset)
    if len(found) != size:
        raise DamagedPageError("the file is cut off")
    return found


def decode_levels(content: bytes, width: int, count: int) -> np.ndarray:
    """Return the first `count` numbers of `width` bits in the hybrid of run lengths and packed bits."""
    runs: list[np.ndarray] = []
    position, value_size, found = 0, (width + 7) // 8, 0
    while found < count:
        try:
            head, position = read_varint(content, position)
        except IndexError:
            raise DamagedPageError("levels that are cut off") from None
        if head & 1:
            packed = np.frombuffer(content[position : position + (head >> 1) * width], dtype=np.uint8)
            if len(packed) < (head >> 1) * width:
                raise DamagedPageError("levels that are cut off")
            bits = np.unpackbits(packed, bitorder="little").reshape(-1, width)
            runs.append(bits @ (1 << np.arange(width)))
            position += len(packed)
        else:
            value = int.from_bytes(content[position : position + value_size], "little")
            runs.append(np.full(min(head >> 1, count - found), value))
            position += value_size
        if len(runs[-1]) == 0:
            raise DamagedPageError("a run without levels")
        found += len(runs[-1])
    return np.concatenate(runs)[:count] if runs else np.empty(0, dtype=np.int64)


def read_header(read_at: ReadAt, offset: int) -> PageHeader:
    """Read the header of a page, of a size that only its end tells: it may hold the column's largest value."""
    size = HEADER_BYTES
    while True:
        content = read_at(size, offset)
        try:
            return _parse_header(content)
        except IndexError:
            if len(content) < size or size >= LARGEST_HEADER:
                raise DamagedPageError("the header of a page is cut off") from None
            size *= 16


def _parse_header(content: bytes) -> PageHeader:
    fields, size = read_struct(content, 0)
    try:
        kind, page_size = fields[1], fields[3]
        details = fields[5] if kind == DATA_PAGE else fields.get(8, {})
        values, encoding = details[1], details[2 if kind == DATA_PAGE else 4]
        levels = None if kind == DATA_PAGE else details[5]
        found = PageHeader(size, page_size, kind, values, encoding, levels)
    except (KeyError, TypeError):
        raise DamagedPageError("no header of a page of data where one should be") from None
    if any(not isinstance(each, int) or each < 0 for each in found if each is not None):
        raise DamagedPageError("no header of a page of data where one should be")
    return found
