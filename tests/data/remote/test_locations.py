# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a URL names, and what is said where it names nothing that can be read."""

from __future__ import annotations

import importlib.util

import fsspec
import pytest
from file_server import FileServer

from depth_anything_hf.data.remote.file_systems import Patience
from depth_anything_hf.data.remote.locations import expand_braces, remote_files
from depth_anything_hf.data.sources import DataSource, open_source


PATIENCE = Patience(read_timeout=5, tries=2, first_pause=0.01)


@pytest.fixture
def bucket() -> str:
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("train-1.parquet", "train-0.parquet", "test-0.parquet", ".cache/train-9.parquet", "card.md"):
        system.pipe_file(f"/bucket/{name}", b"table")
    for name in ("0.tar", "1.tgz"):
        system.pipe_file(f"/packed/{name}", b"table")
    return "memory://bucket"


def names(url: str, split: str = "train") -> list[str]:
    return [file.rpartition("/")[2] for file in remote_files(url, split, PATIENCE)[1]]


def test_folders_patterns_and_files(bucket: str) -> None:
    assert names(bucket) == names(f"{bucket}/") == ["train-0.parquet", "train-1.parquet"]
    assert names(bucket, "test") == ["test-0.parquet"]
    assert names(f"{bucket}/*-0.parquet") == ["test-0.parquet", "train-0.parquet"]
    assert remote_files("memory://packed", "train", PATIENCE) == (
        "webdataset",
        ["memory:///packed/0.tar", "memory:///packed/1.tgz"],
    )
    # Neither asked for nor touched before it is read.
    assert names("memory://nowhere/{08..11}.tar") == ["08.tar", "09.tar", "10.tar", "11.tar"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        remote_files("memory://nowhere", "train", PATIENCE)
    with pytest.raises(ValueError, match=r"several formats \['.parquet', '.tar'\]"):
        remote_files("memory://a/{x.tar,y.parquet}", "train", PATIENCE)


def test_braces() -> None:
    assert list(expand_braces("a{0..2}-{x,y}")) == ["a0-x", "a0-y", "a1-x", "a1-y", "a2-x", "a2-y"]
    assert list(expand_braces("{098..100}")) == ["098", "099", "100"]
    for wrong in ("{3}", "{5..1}", "{a..c}", "{0..99999999}"):
        with pytest.raises(ValueError, match=r"braces|more than"):
            list(expand_braces(wrong))


def test_a_list_names_files_beside_it_and_elsewhere() -> None:
    with FileServer({"shards/list.txt": b"# two\n0.tar?key=1\nmemory://packed/{1..2}.tar\n\n"}) as server:
        assert remote_files(f"{server.url}/shards/list.txt", "train", PATIENCE)[1] == [
            f"{server.url}/shards/0.tar?key=1",
            "memory://packed/1.tar",
            "memory://packed/2.tar",
        ]
        with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
            remote_files(f"{server.url}/nothing.txt", "train", PATIENCE)


def test_what_cannot_be_opened_is_told() -> None:
    with pytest.raises(ValueError, match="unknown protocol nonsense://"):
        open_source({"path": "nonsense://a/b.parquet", "streaming": True})
    if importlib.util.find_spec("s3fs") is None:
        with pytest.raises(ImportError, match=r"s3:// needs the package s3fs; install it by `pip install s3fs`"):
            open_source({"path": "s3://bucket/shards/", "streaming": True})
    with pytest.raises(ValueError, match="set streaming: true"):
        open_source("https://example.org/0.parquet")
    with pytest.raises(ValueError, match="no kind 'folder'"):
        open_source({"path": "memory://a/0.parquet", "streaming": True, "kind": "folder"})


def test_options_are_checked() -> None:
    assert DataSource("a", streaming=True, cache_size="1.5 TB").cache_bytes == 1_500_000_000_000
    for wrong, message in (
        ({"cache_size": "much"}, "cache_size: expected a number of bytes such as 20GB"),
        ({"read_timeout": 0}, "read_timeout must be > 0 seconds"),
        ({"max_lost_share": 2}, "max_lost_share must be in 0..1"),
    ):
        with pytest.raises(ValueError, match=message):
            DataSource("a", streaming=True, **wrong)
    with pytest.raises(ValueError, match="cache_size is for streams; set streaming: true"):
        DataSource("a", cache_size="1GB")
