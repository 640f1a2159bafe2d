# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Streams from elsewhere give the rows of local ones; a shard that stalls or is gone is named and passed by."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from file_server import FileServer
from numbers_data import write_numbered_shards
from sample_files import colour_ramp, png_bytes

from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.loader import BatchLoader
from depth_anything_hf.data.lost_shards import CHANGED_SINCE, describe_lost, lost_in
from depth_anything_hf.data.mixture import check_first_samples
from depth_anything_hf.data.remote.file_systems import Patience
from depth_anything_hf.data.remote.remote_shards import RemoteShards
from depth_anything_hf.data.remote.shard_cache import ShardCache
from depth_anything_hf.data.shard_lists import FileShards
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture, StreamPart
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


ROWS = [f"row{row}" for row in range(23)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("shards")
    write_numbered_shards(root)
    return {path.name: path.read_bytes() for path in sorted(root.iterdir())}


@pytest.fixture
def server(files: dict[str, bytes]) -> Iterator[FileServer]:
    with FileServer(files) as opened:
        yield opened


@pytest.fixture(autouse=True)
def cache_of_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def make_mixture(server: FileServer, size: int = 10**9, timeout: float = 5, **options: Any) -> StreamingMixture:
    patience = Patience(timeout, tries=2, stalls=1, first_pause=0.01)
    urls = [f"{server.url}/{index}.parquet" for index in range(3)]
    shards = RemoteShards("parquet", urls, "remote", ShardCache(size, patience))
    stream = DepthStream(shards, "remote", label="disparity", **options)
    return StreamingMixture([stream], TrainingTransform.strong(14), shuffle_rows=4, names=["remote"])


def take(part: StreamPart, count: int) -> list[dict[str, Any]]:
    return [next(part) for _ in range(count)]


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def broken(items: list[dict[str, Any]]) -> list[str]:
    return [reason for item in items for _, reason in item["broken"]]


@pytest.mark.parametrize("size", [10**9, 0])
@pytest.mark.parametrize("parts", [1, 3, 8])
@pytest.mark.filterwarnings("ignore:.*take turns")
def test_every_row_is_read_once_with_and_without_the_cache(server: FileServer, size: int, parts: int) -> None:
    mixture = make_mixture(server, size)
    found: list[str] = []
    for index in range(parts):
        part = mixture.part(index, parts)
        while True:
            item = next(part)
            if part.state_dict()["sources"][0]["epoch"]:
                break
            found.append(item["name"])
    assert sorted(found) == sorted(ROWS)
    # Eight parts want row groups, which the ends of the files tell.
    if size and parts < 8:
        assert [server.count(name) for name in server.files] == [1, 1, 1]


def test_the_order_is_that_of_local_files_of_as_many_shards(
    server: FileServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    local = FileShards("parquet", [str(tmp_path / name) for name in files], "local")
    sources = [
        DepthStream(local, "local", label="disparity", open_shards=2),
        open_source({"path": f"{server.url}/{{0..2}}.parquet", "streaming": True, "open_shards": 2}),
    ]
    first, second = (
        take(StreamingMixture([source], TrainingTransform.strong(14), shuffle_rows=4).part(0, 1), 30)
        for source in sources
    )
    assert names(first) == names(second)
    assert all(torch.equal(one["pixel_values"], two["pixel_values"]) for one, two in zip(first, second, strict=True))


def test_a_stalled_shard_is_named_passed_by_and_tried_again_in_the_next_epoch(server: FileServer) -> None:
    mixture = make_mixture(server, timeout=0.5)
    check_first_samples(mixture)
    server.always["1.parquet"] = "stall"
    part = mixture.part(0, 1)
    items = take(part, 15)
    assert sorted(names(items)) == sorted(set(ROWS) - {f"row{row}" for row in range(7, 15)})
    (reason,) = broken(items)
    assert f"the rest of shard 1 ({server.url}/1.parquet) cannot be read (from row 0 on)" in reason
    assert "stalled: nothing came for 0.5 s" in reason
    state = json.loads(json.dumps(part.state_dict()))
    del server.always["1.parquet"]
    following = take(part, 23)
    assert sorted(names(following)) == sorted(ROWS) and not broken(following)
    # A resume repeats the decision: nothing of the shard before the next epoch.
    resumed = mixture.part(0, 1, state)
    assert names(take(resumed, 23)) == names(following)
    (entry,) = resumed.state_dict()["sources"][0]["lost"]
    assert entry["epoch"] == 0 and "shard 1" in entry["what"] and "stalled" in entry["reason"]
    assert describe_lost(lost_in({"parts": [None, resumed.state_dict(), part.state_dict()]})).startswith(
        "1 shard not read to the end, whose rows were not seen: remote: the rest of shard 1"
    )


def test_a_shard_that_is_gone_or_cut_short_costs_its_rows_only(server: FileServer) -> None:
    for fault in (404, "short", "reset"):
        server.always = {"2.parquet": fault}
        items = take(make_mixture(server).part(0, 1), 15)
        assert sorted(names(items)) == sorted(ROWS[:15])
        assert len(broken(items)) == 1 and "2.parquet" in broken(items)[0]


def test_too_many_lost_shards_stop_the_run(server: FileServer) -> None:
    server.always = {"0.parquet": 404, "2.parquet": 404}
    part = make_mixture(server, max_lost_share=0.5).part(0, 1)
    with pytest.raises(ValueError, match=r"2 of the 3 files that part 0 of 1 has in an epoch cannot be read, more"):
        take(part, 12)
    assert len(take(make_mixture(server, max_lost_share=0.7).part(0, 1), 8)) == 8


def test_what_could_be_read_before_the_checkpoint_and_cannot_now_is_told(server: FileServer) -> None:
    mixture = make_mixture(server, size=0, open_shards=3)
    part = mixture.part(0, 1)
    take(part, 2)
    state = part.state_dict()
    del server.files["1.parquet"]
    (reason,) = broken(take(make_mixture(server, size=0, open_shards=3).part(0, 1, state), 8))
    assert reason.endswith(CHANGED_SINCE)


def test_workers_of_several_processes_share_the_shards(server: FileServer) -> None:
    found: list[str] = []
    for process in range(2):
        options = {"batch_size": 2, "accumulation": 1, "process_count": 2, "first_step": 0, "last_step": 3}
        loader = BatchLoader(make_mixture(server, timeout=30), process_index=process, workers=2, **options)
        batches = list(loader)
        found += [name for batch in batches for name in batch["name"]]
        assert lost_in(loader.state_dict()) == []
    assert len(set(found)) == len(found) == 12


def tar_bytes(rows: int = 3) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for row in range(rows):
            entry = tarfile.TarInfo(f"{row}.png")
            entry.size = len(content := png_bytes(colour_ramp()))
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def test_archives_from_elsewhere_keep_their_address(tmp_path: Path) -> None:
    content, size = tar_bytes(), len(png_bytes(colour_ramp()))
    system = fsspec.filesystem("memory")
    system.pipe_file("/archives/a.tar", content)
    # Cut between two files, which readers of archives take for the end.
    system.pipe_file("/archives/b.tar", content[: 2 * (512 + -(-size // 512) * 512)])
    for cache_size in ("1GB", "0"):
        opened = open_source({"path": "memory://archives/*.tar", "streaming": True, "cache_size": cache_size})
        assert isinstance(opened, DepthStream)
        rows = list(opened.shard(0))
        assert [row["__key__"] for row in rows] == ["0", "1", "2"]
        assert {row["__url__"] for row in rows} == {"memory:///archives/a.tar"}
        name, cell = opened.read_encoded(rows[1], 0, 1)
        assert (name, cell["archive"], cell["path"]) == ("1.png", "memory:///archives/a.tar", "1.png")
        part = StreamingMixture([opened], TrainingTransform(14, keep_clean=True), shuffle_rows=2).part(0, 1)
        items = take(part, 5)
        (reason,) = broken([*items, next(part)])
        assert "shard 1 (memory:///archives/b.tar)" in reason and "it was cut off" in reason


def test_what_is_secret_in_an_address_is_no_part_of_rows(server: FileServer) -> None:
    server.files["a.tar"] = tar_bytes()
    opened = open_source({"path": f"{server.url}/a.tar?token=abc/def", "streaming": True, "cache_size": "0"})
    assert isinstance(opened, DepthStream)
    rows = list(opened.shard(0))
    assert [row["__url__"] for row in rows] == [f"{server.url}/a.tar"] * 3
    assert "abc" not in str(opened.read_encoded(rows[0], 0, 0)) + opened.place(0, 0)
