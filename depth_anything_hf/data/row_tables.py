# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the cells of each row of a parquet file are, in a table in front of its footer: for rows at random.

Of a file that was not opened yet, pyarrow reads the whole footer and the small columns of a row group for one row: 2.5
milliseconds for 32 row groups of 11 columns. The table has the small cells of each row, and the places of its pictures
in the file. No footer refers to it, so that other readers pass it by, and whoever writes the rows anew leaves it
out. From its start, numbers being little-endian:

- cells: for each row a JSON list
- entries: for each row a checksum, place and size of its cells, place and size of each of its values of bytes
- description: JSON, the names, kinds and types of the columns
- end: place of the entries, number of rows, checksum of description and numbers, `MAGIC`
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import datasets
import pyarrow as pa

from .parquet_groups import PICTURE_FIELDS, Columns, OpenParquet, RowGroup
from .parquet_pages import ABSENT, ReadAt


MAGIC = b"DAHFROW1"
# Kinds of columns: a cell in the table; values of bytes at their places; these with a path, which is a cell.
CELL, BYTES, PICTURE = "cell", "bytes", "picture"
_NUMBERS = "<IQI"
_END = struct.Struct("<QQI8s")
_CHECKSUM_BYTES = 4
# Of a parquet file: the size of the footer, and its own mark.
_LAST, _MARK = 8, b"PAR1"


class DamagedRowTableError(ValueError):
    """A row's entry or cells are not as they were written."""


@dataclass(frozen=True)
class RowLayout:
    """How a table has the columns of rows.

    Attributes:
        columns: name and kind of each.
        description: the same with their types, as it stands in the table.
        entry: format of the entry of a row, for `struct`.
    """

    columns: tuple[tuple[str, str], ...]
    description: bytes
    entry: str

    @classmethod
    def of(cls, columns: Columns) -> RowLayout | None:
        """Return the layout of columns; None where a cell cannot be kept as JSON."""
        found = [(name, _kind_of(feature, columns.types[name])) for name, feature in columns.features.items()]
        if any(kind is None for _, kind in found):
            return None
        kinds = tuple((name, str(kind)) for name, kind in found)
        listed = [[name, kind, str(columns.types[name])] for name, kind in kinds]
        located = sum(kind != CELL for _, kind in kinds)
        return cls(kinds, json.dumps(listed).encode(), _NUMBERS + "qq" * located)

    @property
    def located(self) -> list[str]:
        """Names of the columns whose values are at their places in the file."""
        return [name for name, kind in self.columns if kind != CELL]


class RowTable:
    """The rows of an open file by its table.

    Args:
        read_at: returns bytes of the file, as `read_at(count, offset)`.
        layout: of its columns.
        entries: where the entries begin.
        rows: how many there are.
    """

    def __init__(self, read_at: ReadAt, layout: RowLayout, entries: int, rows: int) -> None:
        self._read_at, self._layout, self._entries, self._rows = read_at, layout, entries, rows
        self._entry_size = struct.calcsize(layout.entry)

    def __len__(self) -> int:
        return self._rows

    def row(self, row: int) -> dict[str, Any]:
        """Return a row as a dict, as `RowGroup.row` has it.

        Raises:
            DamagedRowTableError: the table is damaged there, or the file is cut off.
            OSError: the file cannot be read.
        """
        read_at = self._read_at
        entry = read_at(self._entry_size, self._entries + row * self._entry_size)
        if len(entry) != self._entry_size:
            raise DamagedRowTableError("the file is cut off")
        checksum, start, size, *places = struct.unpack(self._layout.entry, entry)
        if start + size > self._entries:
            raise DamagedRowTableError("cells beyond the end of their part")
        content = read_at(size, start)
        if crc32(content, crc32(entry[_CHECKSUM_BYTES:])) != checksum:
            raise DamagedRowTableError("a checksum does not fit")
        found: dict[str, Any] = {}
        place = 0
        for (name, kind), cell in zip(self._layout.columns, json.loads(content), strict=True):
            if kind == CELL:
                found[name] = cell
                continue
            value = None
            if places[place + 1] != ABSENT:
                value = read_at(places[place + 1], places[place])
                if len(value) != places[place + 1]:
                    raise DamagedRowTableError("the file is cut off")
            place += 2
            if kind == PICTURE:
                found[name] = None if cell is None else {"bytes": value, "path": cell[0]}
            else:
                found[name] = value
        return found


def find_row_table(read_at: ReadAt, size: int, layout: RowLayout) -> RowTable | None:
    """Return the table of a parquet file; None where it has none, or one of other columns, or a damaged one.

    Args:
        read_at: returns bytes of the file, as `read_at(count, offset)`.
        size: of the file in bytes.
        layout: of the columns that rows are to have.
    """
    place = _footer_of(read_at, size) - _END.size - len(layout.description)
    if place < len(_MARK):
        return None
    content = read_at(len(layout.description) + _END.size, place)
    if not content.endswith(MAGIC) or not content.startswith(layout.description):
        return None
    entries, rows, checksum, _ = _END.unpack(content[-_END.size :])
    if _checksum_of(layout, entries, rows) != checksum or entries + rows * struct.calcsize(layout.entry) != place:
        return None
    return RowTable(read_at, layout, entries, rows)


def add_row_table(path: Path) -> bool:
    """Write the table of a parquet file into it, and return whether it can have one.

    That is so where all pictures and values of bytes lie uncompressed in the file, and all else can be JSON. The file
    must not have its name yet: a process that is killed meanwhile leaves it without a footer.

    Raises:
        ArrowInvalid, DamagedPageError: the file is damaged.
        OSError: it cannot be read or written.
    """
    file = OpenParquet(str(path))
    columns = Columns.of(datasets.Features.from_arrow_schema(file.file.schema_arrow))
    layout = RowLayout.of(columns)
    if layout is None:
        return False
    rows = _parts_of_rows(file, columns, layout)
    if not rows:
        return False
    with path.open("r+b") as target:
        size = file.status()[0]
        place = _footer_of(file.read_at, size)
        footer = file.read_at(size - place, place)
        target.seek(place)
        entries = []
        for cells, places in rows:
            numbers = struct.pack(layout.entry, 0, place, len(cells), *places)[_CHECKSUM_BYTES:]
            entries.append(struct.pack("<I", crc32(cells, crc32(numbers))) + numbers)
            place += target.write(cells)
        target.write(b"".join((*entries, layout.description)))
        target.write(_END.pack(place, len(rows), _checksum_of(layout, place, len(rows)), MAGIC))
        target.write(footer)
    return True


def _parts_of_rows(file: OpenParquet, columns: Columns, layout: RowLayout) -> list[tuple[bytes, list[int]]]:
    """Return the cells of each row as JSON, and places and sizes of its values; nothing if these have no places."""
    found = []
    first = 0
    for number, end in enumerate(file.group_ends.tolist()):
        group = RowGroup(file, number, columns)
        if group.located != layout.located:
            return []
        for row in range(end - first):
            cells, places = group.parts(row, file)
            content = json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()
            found.append((content, [number for place in places for number in place or (0, ABSENT)]))
        first = end
    return found


def _kind_of(feature: Any, stored: pa.DataType) -> str | None:
    if isinstance(feature, datasets.Image):
        is_picture = pa.types.is_struct(stored) and {field.name for field in stored} == PICTURE_FIELDS
        return PICTURE if is_picture else None
    if isinstance(feature, datasets.Value) and feature.dtype in ("binary", "large_binary"):
        return BYTES
    return CELL if _is_json(stored) else None


def _is_json(stored: pa.DataType) -> bool:
    """Tell whether cells of a type are the same after they were JSON."""
    if pa.types.is_list(stored) or pa.types.is_large_list(stored):
        return _is_json(stored.value_type)
    if pa.types.is_struct(stored):
        return all(_is_json(field.type) for field in stored)
    tests: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_float32,
        pa.types.is_float64,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    return any(test(stored) for test in tests)


def _checksum_of(layout: RowLayout, entries: int, rows: int) -> int:
    return crc32(struct.pack("<QQ", entries, rows), crc32(layout.description))


def _footer_of(read_at: ReadAt, size: int) -> int:
    """Return where the footer of a parquet file begins; a number below 4 where there is none."""
    end = read_at(_LAST, max(0, size - _LAST))
    return size - _LAST - int.from_bytes(end[:4], "little") if end[4:] == _MARK else 0
