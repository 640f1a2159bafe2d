# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Opening a stream reads one file of it, whatever the others are; each is opened when its rows are asked for."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import datasets
import pytest
from numbers_data import write_numbered_shards
from sample_files import colour_ramp, png_bytes

from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.shard_lists import FileShards, RowGroup
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


def open_stream(path: Path, **options: Any) -> DepthStream:
    stream = open_source({"path": str(path), "streaming": True, **options})
    assert isinstance(stream, DepthStream)
    return stream


def write_tar(path: Path, names: list[str]) -> None:
    with tarfile.open(path, "w") as tar:
        for name in names:
            content = png_bytes(colour_ramp())
            entry = tarfile.TarInfo(f"{name}.png")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def test_opening_reads_no_file_but_the_first(tmp_path: Path) -> None:
    write_numbered_shards(tmp_path)
    for index in range(3, 60):
        (tmp_path / f"{index}.parquet").write_bytes(b"not read yet")
    stream = open_stream(tmp_path)
    assert stream.shard_count == 60
    assert [row["name"] for row in stream.shard(1)] == [f"row{row}" for row in range(7, 15)]
    with pytest.raises(Exception, match=r"[Pp]arquet"):
        list(stream.shard(37))


def test_a_damaged_first_file_is_left_out_by_name_when_it_is_read(tmp_path: Path) -> None:
    write_numbered_shards(tmp_path)
    (tmp_path / "0.parquet").write_bytes(b"")
    mixture = StreamingMixture([open_stream(tmp_path)], TrainingTransform(14), shuffle_rows=4)
    part = mixture.part(0, 1)
    items = [next(part) for _ in range(16)]
    assert {item["name"] for item in items} == {f"row{row}" for row in range(7, 23)}
    ((_, reason),) = [broken for item in items for broken in item["broken"]]
    assert "the rest of shard 0 (0.parquet) cannot be read (from row 0 on)" in reason
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"damaged: .*0.parquet.*2.parquet"):
        open_stream(tmp_path)


def test_names_are_no_patterns(tmp_path: Path) -> None:
    for name in ("a[1].tar", "a1.tar", "b*.tar"):
        write_tar(tmp_path / name, [name.replace(".", "-")])
    stream = open_stream(tmp_path, kind="photos")
    rows = [row["__key__"] for shard in range(3) for row in stream.shard(shard)]
    assert rows == ["a1-tar", "a[1]-tar", "b*-tar"]


def test_rows_and_states_are_those_of_one_dataset_of_all_files(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{index}.tar") for index in range(3)]
    for index, file in enumerate(files):
        write_tar(Path(file), [f"{index}-{row}" for row in range(5)])
    whole = datasets.load_dataset("webdataset", data_files=files, split="train", streaming=True)
    one, many = DepthStream(whole, "whole", "png"), FileShards("webdataset", files, "files")
    assert many.columns == list(whole.column_names)
    for shard in range(3):
        first, second = one.open_shard(shard, 2, 0, None), many.open(RowGroup(shard, 0, 1), 2, 0, None)
        for _ in range(2):
            assert list(first.next_rows()) == list(second.next_rows())
            assert first.state_dict() == second.state_dict()
        resumed = many.open(RowGroup(shard, 0, 1), 2, 4, first.state_dict())
        assert [row["__key__"] for row in resumed.next_rows()] == [f"{shard}-4"]
