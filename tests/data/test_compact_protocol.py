# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The compact protocol of Thrift, by bytes that were put together by hand, and by footers of pyarrow."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from depth_anything_hf.data.compact_protocol import (
    DamagedPageError,
    find_field,
    read_number,
    read_struct,
    read_varint,
)


def test_fields_of_every_type() -> None:
    content = (
        b"\x15\x03"  # 1: a number, -2
        b"\x11"  # 2: true
        b"\x12"  # 3: false
        b"\x13\x07"  # 4: a byte
        b"\x17" + bytes(8) + b"\x18\x02ab"  # 5: a double; 6: a text
        b"\x19\x25\x02\x04"  # 7: a list of two numbers
        b"\x1a\x11\x01"  # 8: a set of a truth value, of one byte
        b"\x1c\x15\x08\x00"  # 9: a structure with 1: 4
        b"\x05\xc8\x01\x06"  # 100: a number, 3
        b"\x00rest"
    )
    fields, end = read_struct(content, 0)
    assert fields == {1: -2, 2: True, 3: False, 4: 7, 5: None, 6: None, 7: None, 8: None, 9: {1: 4}, 100: 3}
    assert content[end:] == b"rest"
    assert read_number(content, find_field(content, 100))[0] == 3
    assert read_varint(b"\xac\x02", 0) == (300, 2)


def test_what_is_cut_off_or_no_structure_is_told() -> None:
    whole = b"\x15\x04\x18\x03abc\x1c\x15\x08\x00\x00"
    assert read_struct(whole, 0)[0] == {1: 2, 2: None, 3: {1: 4}}
    for size in range(len(whole)):
        with pytest.raises(IndexError):
            read_struct(whole[:size], 0)
    for damaged in (b"\x1f", b"\x1c" * 40, b"\x15" + b"\xff" * 20):
        with pytest.raises(DamagedPageError):
            read_struct(damaged, 0)
    with pytest.raises(DamagedPageError, match="no field 4"):
        find_field(whole, 4)


def test_the_rows_of_a_footer_are_found() -> None:
    for rows in (1, 63, 64, 20_000):
        stream = io.BytesIO()
        columns = {f"column {index}": pa.array([[index]] * rows) for index in range(20)}
        pq.write_table(pa.table(columns), stream, row_group_size=5000)
        content = stream.getvalue()
        footer = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
        assert read_number(footer, find_field(footer, 3))[0] == rows
