# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A parquet file that is read directly gives the rows that `datasets` gives."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from depth_anything_hf.data.shard_readers import IterableShard, ParquetShard, ShardReader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Eleven rows in row groups of four, with pictures, nested numbers and a missing cell."""
    random = np.random.default_rng(0)
    rows = {
        "image": [{"bytes": random.bytes(9), "path": f"{row}.jpg"} for row in range(11)],
        "depth": [random.random((2, 3)).tolist() for _ in range(11)],
        "name": [None if row == 5 else f"row{row}" for row in range(11)],
    }
    features = datasets.Features(
        {
            "image": datasets.Image(decode=False),
            "depth": datasets.Array2D((2, 3), "float32"),
            "name": datasets.Value("string"),
        }
    )
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "rows.parquet", batch_size=4)
    return tmp_path / "rows.parquet"


def opened(file: Path) -> datasets.IterableDataset:
    return datasets.load_dataset("parquet", data_files=[str(file)], split="train", streaming=True).decode(False)


def blocks(reader: ShardReader) -> list[list[dict]]:
    found = []
    while rows := list(reader.next_rows()):
        found.append(rows)
    return found


@pytest.mark.parametrize("count", [1, 3, 4, 7, 20])
def test_rows_are_those_of_datasets_from_any_row_on(file: Path, count: int) -> None:
    expected = blocks(IterableShard(opened(file), count, None))
    assert sum(map(len, expected)) == 11
    features = opened(file).features
    assert blocks(ParquetShard(file, features, count, 0)) == expected
    for done in range(1, len(expected)):
        assert blocks(ParquetShard(file, features, count, done * count)) == expected[done:]
    reader = IterableShard(opened(file), count, None)
    reader.next_rows()
    assert blocks(IterableShard(opened(file), count, reader.state_dict())) == expected[1:]


def test_a_row_group_is_read_alone(file: Path) -> None:
    features = opened(file).features
    (rows,) = blocks(ParquetShard(file, features, 100, 0, group=2))
    assert [row["name"] for row in rows] == ["row8", "row9", "row10"]
    assert blocks(ParquetShard(file, features, 2, 2, group=2)) == [rows[2:]]
    assert blocks(ParquetShard(file, features, 2, 3, group=2)) == []


def test_another_files_types_and_missing_columns_become_those_of_the_stream(file: Path, tmp_path: Path) -> None:
    features = opened(file).features
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"image": pa.array([b"picture"])}), other)
    with pytest.raises(Exception, match=r"name|column"):
        ParquetShard(other, datasets.Features({"name": features["name"]}), 1, 0).next_rows()
    (row,) = ParquetShard(
        other, datasets.Features({"image": features["image"], "name": features["name"]}), 1, 0
    ).next_rows()
    assert row == {"image": {"bytes": b"picture", "path": None}, "name": None}


def test_a_file_without_rows_is_at_its_end(file: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    pq.write_table(pq.read_table(file).slice(0, 0), empty)
    assert list(ParquetShard(empty, opened(file).features, 4, 0).next_rows()) == []


def test_a_file_that_was_replaced_while_it_is_read_is_told(file: Path, tmp_path: Path) -> None:
    """Its rows are counted by the end of the file that was opened."""
    reader = ParquetShard(file, opened(file).features, 4, 0)
    assert reader.row_count == 11
    table = pq.read_table(file)
    writer = pq.ParquetWriter(tmp_path / "other.parquet", table.schema)
    for start in (0, 3, 6):
        writer.write_table(table.slice(start, 3))
    writer.close()
    (tmp_path / "other.parquet").replace(file)
    with pytest.raises((EOFError, OSError)):
        blocks(reader)
