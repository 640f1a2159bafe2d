# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables of rows in parquet files: the same rows, found faster, and other readers see nothing of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from label_shards import row, write_shard
from odd_rows import odd_table

from depth_anything_hf.data import parquet_rows
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.row_tables import MAGIC, add_row_table
from depth_anything_hf.data.table_counts import open_in_place


PLAIN: dict[str, Any] = {"compression": "NONE", "use_dictionary": False}


def write(path: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, path, **{**PLAIN, **options})
    return path


def read_rows(*files: Path) -> list[Any]:
    rows = open_in_place([str(path) for path in files])
    assert rows is not None
    return [rows[index] for index in range(len(rows))]


@pytest.fixture
def only_tables(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Refuse row groups, and footers, from now on."""

    def refuse(*arguments: Any) -> Any:
        raise AssertionError("a row group was read")

    return lambda: monkeypatch.setattr(parquet_rows, "RowGroup", refuse)


@pytest.mark.parametrize(
    "pages",
    [
        {"row_group_size": 7},
        {"row_group_size": 16, "data_page_size": 100, "write_page_index": True},
        {"data_page_version": "2.0", "data_page_size": 3000, "write_page_checksum": True},
    ],
    ids=["groups", "pages", "pages-2"],
)
def test_rows_by_a_table_are_those_of_the_file_to_the_bit(
    tmp_path: Path, pages: dict[str, Any], only_tables: Callable[[], None]
) -> None:
    path, arrow = write(tmp_path / "0.parquet", odd_table(), **pages), odd_table()
    expected, before = read_rows(path), pq.read_metadata(path)
    assert add_row_table(path)
    # For other readers nothing has changed. By the text, as NaN does not equal itself.
    assert pq.read_metadata(path).equals(before)
    assert repr(pq.read_table(path).to_pylist()) == repr(arrow.to_pylist())
    only_tables()
    assert repr(read_rows(path)) == repr(expected) == repr(arrow.to_pylist())
    for one, other in zip(read_rows(path), arrow.to_pylist(), strict=True):
        assert [type(cell) for cell in one.values()] == [type(cell) for cell in other.values()]


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {"compression": "snappy"}),
        ({}, {"use_dictionary": ["raw"]}),
        ({"when": pa.array([0] * 40, pa.timestamp("s"))}, {}),
        ({"parts": pa.array([[b"a"]] * 40)}, {}),
    ],
    ids=["compressed", "dictionary", "times", "bytes-in-lists"],
)
def test_files_that_can_have_no_table_are_read_as_ever(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    arrow = odd_table()
    for name, column in changes.items():
        arrow = arrow.append_column(name, column).replace_schema_metadata(None)
    path = write(tmp_path / "0.parquet", arrow, **options)
    content = path.read_bytes()
    assert not add_row_table(path) and path.read_bytes() == content
    assert repr(read_rows(path)) == repr(arrow.to_pylist())


def test_small_columns_may_be_compressed(tmp_path: Path, only_tables: Callable[[], None]) -> None:
    located = ["image.bytes", "raw", "mask"]
    compression = {name: "NONE" if name in located else "zstd" for name in leaves_of(odd_table())}
    path = write(tmp_path / "0.parquet", odd_table(), compression=compression)
    assert add_row_table(path)
    only_tables()
    assert repr(read_rows(path)) == repr(odd_table().to_pylist())


def leaves_of(table: pa.Table) -> list[str]:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    metadata = pq.read_metadata(pa.BufferReader(sink.getvalue()))
    return [metadata.schema.column(index).path for index in range(metadata.num_columns)]


def test_files_with_other_columns_are_read_without_their_tables(tmp_path: Path) -> None:
    arrow = odd_table()
    names = [name for name in arrow.column_names if name != "large"]
    files = [write(tmp_path / "0.parquet", arrow), write(tmp_path / "1.parquet", arrow.select(names[::-1]))]
    assert all(map(add_row_table, files))
    expected = arrow.to_pylist()
    found = read_rows(*files)
    assert repr(found[:40]) == repr(expected)
    assert repr(found[40:]) == repr([{**each, "large": None} for each in expected])


def test_a_shard_that_another_program_writes_anew_has_no_table(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "0.parquet", [row("a", source_row=1), row("b", source_row=2)])
    assert MAGIC in shard.read_bytes()
    rows = read_rows(shard)
    table = pq.read_table(shard)
    assert table.to_pylist() == rows
    # With all that is in the footer, in another order.
    write(tmp_path / "1.parquet", table.take([1, 0]), write_statistics=False)
    assert MAGIC not in (tmp_path / "1.parquet").read_bytes()
    assert read_rows(tmp_path / "1.parquet") == rows[::-1]


def test_a_shard_that_is_replaced_is_not_read_by_the_old_table(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "0.parquet", [row("a"), row("b")])
    rows = open_in_place([str(shard)])
    assert rows is not None and rows[1]["name"] == "b"
    # Of the same size, and with the old time: only what is open tells.
    before = shard.stat()
    other = write_shard(tmp_path / "other" / "0.parquet", [row("c"), row("d")])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert other.stat().st_size == before.st_size
    other.replace(shard)
    parquet_rows._files.forget()
    with pytest.raises(BrokenSampleError, match=r"0\.parquet has changed since the table was opened"):
        rows[0]
    assert [each["name"] for each in read_rows(shard)] == ["c", "d"]


def test_a_damaged_table_is_told_and_never_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shard = write_shard(tmp_path / "0.parquet", [row("a"), row("b")])
    content, rows = shard.read_bytes(), read_rows(shard)
    end = content.rindex(MAGIC) + len(MAGIC)
    start = content.index(b'[["a.png"]')
    told = 0
    for place in range(start, end, 29):
        parquet_rows._files.forget()
        shard.write_bytes(content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert read_rows(shard) == rows
        told += "the table of its rows is damaged, and not used" in caplog.text
        assert caplog.text.count("is damaged") <= 1
    assert told > 5


def test_a_table_without_rows_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "0.parquet", odd_table().slice(0, 0))
    assert not add_row_table(path)
    assert not add_row_table(write_shard(tmp_path / "1.parquet", []))
