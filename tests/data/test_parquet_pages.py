# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Single values of parquet files, found from the headers of their pages."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from depth_anything_hf.data.parquet_pages import ByteColumn, DamagedPageError, decode_levels, is_located, read_header


VALUES = [None if index % 5 == 2 else bytes([index]) * (index * index) for index in range(60)]


def written(values: list[bytes | None], nullable: bool = True, **options: Any) -> bytes:
    schema = pa.schema([pa.field("x", pa.binary(), nullable)])
    stream = io.BytesIO()
    options = {"compression": "NONE", "use_dictionary": False, **options}
    pq.write_table(pa.table({"x": values}, schema=schema), stream, **options)
    return stream.getvalue()


def reader(content: bytes) -> Any:
    return lambda size, offset: content[offset : offset + size]


def opened(content: bytes, metadata: pq.FileMetaData | None = None) -> ByteColumn:
    metadata = metadata or pq.read_metadata(io.BytesIO(content))
    chunk, column = metadata.row_group(0).column(0), metadata.schema.column(0)
    assert is_located(chunk, column)
    return ByteColumn(chunk, column)


def values_of(content: bytes, column: ByteColumn, count: int) -> list[bytes | None]:
    places = [column.place(row, reader(content)) for row in range(count)]
    return [None if place is None else content[place[0] : place[0] + place[1]] for place in places]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("page_bytes", [1, 500, 10**6])
@pytest.mark.parametrize("has_absent", [True, False])
def test_every_value_is_found(version: str, page_bytes: int, has_absent: bool) -> None:
    values = VALUES if has_absent else [value or b"" for value in VALUES]
    content = written(values, has_absent, data_page_version=version, data_page_size=page_bytes, write_batch_size=3)
    assert values_of(content, opened(content), 60) == values
    last = opened(content)
    assert values_of(content, last, 60)[59] == values[59]
    with pytest.raises(DamagedPageError, match="60 values, expected 60"):
        last.place(60, reader(content))


def test_headers_of_any_size_are_read() -> None:
    """The statistics in a header hold the smallest and the largest value, here of three kilobytes."""
    values: list[bytes | None] = [b"a" * 3000, b"b"]
    content = written(values, data_page_size=1, write_batch_size=1)
    assert values_of(content, opened(content), 2) == values


def test_what_is_compressed_or_in_a_dictionary_is_not_located() -> None:
    for options in ({"compression": "snappy"}, {"use_dictionary": True}):
        metadata = pq.read_metadata(io.BytesIO(written([b"a", b"a"], **options)))
        assert not is_located(metadata.row_group(0).column(0), metadata.schema.column(0))
    stream = io.BytesIO()
    pq.write_table(pa.table({"x": [[b"a"]], "y": [1]}), stream, compression="NONE", use_dictionary=False)
    metadata = pq.read_metadata(stream)
    for index in range(2):
        assert not is_located(metadata.row_group(0).column(index), metadata.schema.column(index))


def test_levels_of_runs_and_of_packed_bits() -> None:
    # A run of three ones; then one group of eight values of two bits, 0 to 3 twice; by hand from the format's text.
    assert decode_levels(b"\x06\x01\x03\xe4\xe4", 2, 11).tolist() == [1, 1, 1, 0, 1, 2, 3, 0, 1, 2, 3]
    assert decode_levels(b"\x06\x01", 1, 2).tolist() == [1, 1] and decode_levels(b"", 1, 0).tolist() == []
    for damaged in (b"", b"\x03", b"\x00\x01", b"\x06\x01", b"\xff\xff"):
        with pytest.raises(DamagedPageError):
            decode_levels(damaged, 1, 9)


def test_damage_is_told_or_gives_bytes_of_the_page() -> None:
    content = written(VALUES, data_page_size=500)
    metadata = pq.read_metadata(io.BytesIO(content))
    end = metadata.row_group(0).column(0).total_compressed_size + 4
    random = np.random.default_rng(0)
    told = 0
    for _ in range(400):
        damaged = bytearray(content)
        for place in random.integers(4, end if _ % 2 else 120, 3):
            damaged[place] = random.integers(256)
        column = opened(bytes(damaged), metadata)
        try:
            for row in range(60):
                place = column.place(row, reader(bytes(damaged)))
                assert place is None or 4 <= place[0] <= place[0] + place[1] <= end
        except DamagedPageError:
            told += 1
    assert told > 50
    with pytest.raises(DamagedPageError, match="cut off"):
        opened(content, metadata).place(59, reader(content[: end // 2]))
    with pytest.raises(DamagedPageError, match="no header of a page"):
        read_header(reader(b"\0" * 200), 0)
