# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of parquet files read in place are those that `datasets` gives by a copy, in every form that files have."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from label_shards import row, write_shard
from odd_rows import odd_table

from depth_anything_hf.data import parquet_rows
from depth_anything_hf.data.datasets import DepthTable
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.parquet_rows import ParquetRows, _Kept
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.table_counts import open_in_place
from depth_anything_hf.pseudo_labels import shards


PAGES: tuple[dict[str, Any], ...] = (
    {"compression": "NONE", "use_dictionary": False},
    {"compression": "NONE", "use_dictionary": False, "write_statistics": False, "data_page_size": 100},
    {"compression": "NONE", "use_dictionary": False, "data_page_version": "2.0", "data_page_size": 3000},
    {"compression": {"image.bytes": "NONE", "image.path": "snappy", "raw": "NONE", "name": "zstd"}},
    {"compression": "snappy"},
    {"compression": "NONE", "use_dictionary": ["name"], "write_page_index": True, "write_page_checksum": True},
)


def copied(files: list[Path]) -> Any:
    """The rows as `datasets` gives them."""
    table = datasets.load_dataset("parquet", data_files=[str(path) for path in files], split="train")
    return DepthTable(table)._rows


def in_place(files: list[Path]) -> ParquetRows:
    rows = open_in_place([str(path) for path in files])
    assert rows is not None
    return rows


def assert_same(one: Any, other: Any) -> None:
    # The text tells 0 from -0, 1 from True, and orders of keys, and NaN is as NaN.
    assert repr(one) == repr(other) and type(one) is type(other)


@pytest.mark.parametrize("pages", PAGES, ids=range(len(PAGES)))
def test_rows_are_those_of_datasets(tmp_path: Path, table_cache: None, pages: dict[str, Any]) -> None:
    files = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    arrow = odd_table(50)
    pq.write_table(arrow.slice(0, 33), files[0], row_group_size=8, **pages)
    # A column less, and the others in another order.
    pq.write_table(arrow.slice(33).select(["raw", "near", *arrow.column_names[4:], "image"][2:]), files[1], **pages)
    rows, expected = in_place(files), copied(files)
    assert len(rows) == len(expected) == 50 and rows.column_names == expected.column_names
    for index in [*np.random.default_rng(0).permutation(50).tolist(), -1, -50]:
        assert_same(rows[index], expected[index])
    names = ["name", "near", "image"]
    found = list(rows.head(40).read_columns(names, 15))
    assert max(len(block["near"]) for block in found) == 15
    for name in names:
        assert_same([cell for block in found for cell in block[name]], list(expected[name])[:40])
    for index in (50, -51):
        with pytest.raises(IndexError, match=f"row {index} of a table with 50 rows"):
            rows[index]


@pytest.mark.parametrize("stored_images", ["bytes", "reference"])
def test_shards_of_labels_are_read_in_place_without_a_copy(
    tmp_path: Path, table_cache: None, stored_images: str
) -> None:
    folder = tmp_path / "labels"
    changes = {} if stored_images == "bytes" else {"image": "photos/a.png"}
    files = [
        write_shard(
            folder / f"labels-{shard:05d}-of-00003.parquet",
            [row(f"{shard}-{number}", source_row=number, **changes) for number in range(count)],
            stored_images=stored_images,
        )
        for shard, count in enumerate((3, 0, 2))
    ]
    opened = open_source({"path": str(folder), "limit": 4})
    assert isinstance(opened, DepthTable) and isinstance(opened._rows, ParquetRows) and len(opened) == 4
    assert [opened.name_of(index) for index in range(4)] == ["0-0", "0-1", "0-2", "2-0"]
    assert not (tmp_path / "cache").exists()
    expected = copied(files)
    for index in range(5):
        assert_same(in_place(files)[index], expected[index])


def test_features_of_the_file_decide_the_types(tmp_path: Path, table_cache: None) -> None:
    """Without notes of `datasets`, and with Arrow types that it stores otherwise."""
    arrow = pa.table(
        {
            "image": pa.array([b"x", None], pa.large_binary()),
            "name": pa.array(["a", "b"], pa.string_view()),
            "kind": pa.array(["a", "a"]).dictionary_encode(),
            "map": pa.array([[[1.0, 2.0]], None], pa.large_list(pa.list_(pa.float32()))),
        }
    )
    for number, columns in enumerate((["image", "map"], ["name", "kind"])):
        file = tmp_path / f"{number}.parquet"
        pq.write_table(arrow.select(columns), file)
        expected = datasets.load_dataset("parquet", data_files=str(file), split="train")
        rows = open_in_place([str(file)])
        if rows is not None:
            for index in range(2):
                assert_same(rows[index], expected[index])
        assert rows is not None or number


def test_pickles_carry_names_and_processes_open_their_own_files(tmp_path: Path) -> None:
    files = [write_shard(tmp_path / f"{number}.parquet", [row(f"{number}")] * 40) for number in range(3)]
    rows = in_place(files)
    first = rows[0]
    content = pickle.dumps(rows)
    assert len(content) < 3000
    assert_same(pickle.loads(content)[0], first)
    if "fork" in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert_same(pool.map(rows.__getitem__, [0, 41, 119]), [rows[0], rows[41], rows[119]])


@pytest.mark.parametrize("has_tables", [False, True])
def test_few_files_are_open_at_once_and_little_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_tables: bool
) -> None:
    if not has_tables:
        monkeypatch.setattr(shards, "add_row_table", lambda path: False)
    files = [write_shard(tmp_path / f"{number}.parquet", [row(f"{number}")]) for number in range(20)]
    rows = in_place(files)
    monkeypatch.setattr(parquet_rows, "_files", _Kept(4))
    monkeypatch.setattr(parquet_rows, "_kept", kept := _Kept(30_000))
    before = psutil.Process().num_fds() if os.name == "posix" else 0
    assert [rows[index]["name"] for index in range(20)] == [str(index) for index in range(20)]
    assert [rows[index]["name"] for index in reversed(range(20))] == [str(index) for index in reversed(range(20))]
    # One descriptor each, and another one of pyarrow.
    assert os.name != "posix" or psutil.Process().num_fds() - before <= (1 if has_tables else 2) * 4
    assert (kept._total == 0) is has_tables and kept._total <= 30_000
    assert kept._total == sum(each.nbytes for each in kept._values.values())


def test_names_of_files_need_not_be_utf_8(tmp_path: Path) -> None:
    files = [tmp_path / os.fsdecode(name) for name in (b"caf\xe9.parquet", b"plain.parquet")]
    for file in files:
        pq.write_table(odd_table(5), file.with_name("plain.parquet"))
        file.with_name("plain.parquet").rename(file)
    found = in_place(files)
    for index in range(5):
        assert_same(found[index], found[index + 5])


def test_a_file_that_vanishes_or_changes_is_named_and_never_read(tmp_path: Path) -> None:
    files = [write_shard(tmp_path / f"{number}.parquet", [row(f"{number}")] * 3) for number in range(4)]
    rows = in_place(files)
    assert rows[0]["name"] == "0" and rows[9]["name"] == "3"
    other = write_shard(tmp_path / "other", [row("other")] * 3)
    # Replaced by rename, as programs do, while it is open: the rows of the file that was opened.
    write_shard(tmp_path / "new", [row("new")] * 3).replace(files[3])
    assert rows[10]["name"] == "3"
    files[1].unlink()
    other.replace(files[2])
    with open(files[0], "ab") as file:
        file.write(b"more")
    with pytest.raises(FileNotFoundError, match=r"1\.parquet: no such file; it was there when the table was opened"):
        rows[3]
    for index in (0, 1, 6):
        with pytest.raises(BrokenSampleError, match=r"[02]\.parquet has changed since the table was opened"):
            rows[index]
    parquet_rows._files.forget()
    with pytest.raises(BrokenSampleError, match=r"3\.parquet has changed"):
        rows[10]
    with pytest.raises(BrokenSampleError, match=r"0\.parquet has changed"):
        next(rows.read_columns(["name"], 5))


def test_a_damaged_file_is_named_at_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "add_row_table", lambda path: False)
    path = write_shard(tmp_path / "0.parquet", [row("a")] * 3)
    content = path.read_bytes()
    place = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    for damage in (b"\xff" * 9, b"\0" * 40):
        path.write_bytes(content[:place] + damage + content[place + len(damage) :])
        with pytest.raises(BrokenSampleError, match=r"0\.parquet: row 2 cannot be read: .*if the file is damaged"):
            in_place([path])[2]
