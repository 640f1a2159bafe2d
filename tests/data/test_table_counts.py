# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of files are counted once, and which tables are read in place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from depth_anything_hf.data import table_counts
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.table_counts import open_in_place
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


OLD = 10**9


def write(path: Path, columns: dict[str, Any], **options: Any) -> str:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    os.utime(path, (OLD, OLD))
    return str(path)


@pytest.fixture
def footers_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose footers are read."""
    usual, found = table_counts._Footers.read, []

    def read(footers: Any, path: str) -> Any:
        found.append(Path(path).name)
        return usual(footers, path)

    monkeypatch.setattr(table_counts._Footers, "read", read)
    monkeypatch.setattr(table_counts, "FEWEST_KEPT", 2)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    return found


def test_footers_are_read_once(tmp_path: Path, footers_read: list[str]) -> None:
    files = [
        write(tmp_path / "t" / f"{number}.parquet", {"a": pa.array(range(number), pa.int64())}) for number in range(4)
    ]

    def count() -> int:
        footers_read.clear()
        rows = open_in_place(files)
        assert rows is not None and [row["a"] for row in map(rows.__getitem__, range(len(rows)))] == expected
        return len(footers_read)

    expected = [0, 0, 1, 0, 1, 2]
    assert count() == 4 and count() == 0
    kept = next((tmp_path / "kept" / "tables").iterdir())
    assert kept.stat().st_size < 2000
    write(tmp_path / "t" / "2.parquet", {"a": [7, 8, 9]})
    expected = [0, 7, 8, 9, 0, 1, 2]
    assert count() == 1 and footers_read == ["2.parquet"] and count() == 0
    # Changed a moment ago: it may change again without a sign.
    os.utime(files[3])
    assert count() == 1 and count() == 1
    os.utime(files[3], (OLD, OLD))
    count()
    for damaged in (b"", b"[1]", b'{"format": 1}', kept.read_bytes().replace(b'"format": 1', b'"format": 0')):
        kept.write_bytes(damaged)
        assert count() == 4 and count() == 0
    # Other files of the folder stay known.
    assert len(open_in_place(files[:3]) or []) == 4 and count() == 0
    files.append(write(tmp_path / "t" / "4.parquet", {"a": [1]}))
    expected = [*expected, 1]
    assert count() == 1


def test_a_cache_that_cannot_be_written_stops_nobody(
    tmp_path: Path, footers_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(tmp_path / "t" / f"{number}.parquet", {"a": [number]}) for number in range(3)]
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    for _ in range(2):
        assert len(open_in_place(files) or []) == 3
    assert len(footers_read) == 6


def test_files_that_differ_are_read_refused_or_left_to_datasets(tmp_path: Path, table_cache: None) -> None:
    first = write(tmp_path / "0.parquet", {"image": [b"a"], "near": [1.5]})
    fewer = write(tmp_path / "1.parquet", {"image": [b"b"]})
    rows = open_in_place([first, fewer])
    assert rows is not None and rows[1] == {"image": b"b", "near": None}
    with pytest.raises(ValueError, match=r"3\.parquet has the columns \['near'\], which .*1\.parquet lacks"):
        open_in_place([fewer, write(tmp_path / "3.parquet", {"image": [b"c"], "near": [1.5]})])
    other = write(tmp_path / "2.parquet", {"image": [b"a"], "near": [3]})
    assert open_in_place([first, other]) is None
    (tmp_path / "3.parquet").unlink()
    # `datasets` casts them.
    opened = open_source({"path": str(tmp_path), "kind": "table"})
    assert [opened._rows[index]["near"] for index in range(3)] == [1.5, None, 3.0]  # type: ignore[attr-defined]


def test_tables_of_which_one_row_costs_much_are_left_to_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_counts, "LARGEST_DECODED", 5000)
    columns = {"image": [bytes([number]) * 1000 for number in range(9)], "name": ["x"] * 9}
    plain = {"compression": "NONE", "use_dictionary": False}
    assert open_in_place([write(tmp_path / "0.parquet", columns)]) is None
    assert open_in_place([write(tmp_path / "1.parquet", columns, row_group_size=1)]) is not None
    assert open_in_place([write(tmp_path / "2.parquet", columns, **plain)]) is not None


def test_tables_without_rows_are_refused_and_empty_files_are_passed_by(tmp_path: Path) -> None:
    empty = write(tmp_path / "0.parquet", {"image": pa.array([], pa.binary())})
    with pytest.raises(ValueError, match="expected a table with rows, got one with no rows"):
        open_in_place([empty])
    rows = open_in_place([empty, write(tmp_path / "1.parquet", {"image": [b"a"]}), empty])
    assert rows is not None and len(rows) == 1 and rows[0] == {"image": b"a"}
