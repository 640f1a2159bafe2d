# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies are whole and of the present version, take no more than their room, and are shared."""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest
from file_server import FileServer

from depth_anything_hf.data.remote.download import RemoteFile
from depth_anything_hf.data.remote.file_systems import Patience
from depth_anything_hf.data.remote.shard_cache import HeldFile, ShardCache


PATIENCE = Patience(read_timeout=0.5, tries=2, first_pause=0.01)


def fetch(cache: ShardCache, url: str) -> bytes | None:
    fetched = cache.fetch(url)
    return fetched.path.read_bytes() if isinstance(fetched, HeldFile) else None


def copies(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_copy_is_used_again_until_the_file_changes(tmp_path: Path) -> None:
    with FileServer({"f": b"first"}) as server:
        cache = ShardCache(100, PATIENCE, tmp_path)
        assert [fetch(cache, f"{server.url}/f") for _ in range(3)] == [b"first"] * 3
        assert server.count("f") == 1
        server.files["f"] = b"later"
        assert fetch(cache, f"{server.url}/f") == b"later"
        assert server.count("f") == 2


def test_the_longest_unused_go_first_and_what_is_read_stays(tmp_path: Path) -> None:
    with FileServer({name: name.encode() * 40 for name in "abcd"}) as server:
        cache = ShardCache(100, PATIENCE, tmp_path)
        fetch(cache, f"{server.url}/a")
        fetch(cache, f"{server.url}/b")
        fetch(cache, f"{server.url}/a")
        held = cache.fetch(f"{server.url}/c")
        assert copies(tmp_path) == {b"a" * 40, b"c" * 40}
        held_too = cache.fetch(f"{server.url}/d")
        assert copies(tmp_path) == {b"c" * 40, b"d" * 40}
        assert isinstance(cache.fetch(f"{server.url}/a"), RemoteFile)
        del held, held_too
        assert fetch(cache, f"{server.url}/a") == b"a" * 40


def test_a_download_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with FileServer({"f": bytes(50)}) as server:
        server.always["f"] = "short"
        cache = ShardCache(100, PATIENCE, tmp_path)
        with pytest.raises(OSError, match="expected 50 bytes from byte 0 on, got 25"):
            fetch(cache, f"{server.url}/f")
        assert copies(tmp_path) == set()


def test_a_copy_of_another_length_is_not_read(tmp_path: Path) -> None:
    """As a power cut leaves it."""
    with FileServer({"f": b"whole"}) as server:
        cache = ShardCache(100, PATIENCE, tmp_path)
        fetched = cache.fetch(f"{server.url}/f")
        assert isinstance(fetched, HeldFile)
        fetched.path.write_bytes(b"wh")
        assert fetch(cache, f"{server.url}/f") == b"whole"


def test_without_room_files_are_read_directly_which_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with FileServer({"f": bytes(50), "g": bytes(200)}) as server:
        cache = ShardCache(100, PATIENCE, tmp_path)
        usage = namedtuple("usage", "total used free")(1000, 990, 10)  # type: ignore[call-arg]
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with caplog.at_level(logging.WARNING):
            fetched = [cache.fetch(f"{server.url}/{name}") for name in "fgf"]
        assert [each.size for each in fetched if isinstance(each, RemoteFile)] == [50, 200, 50]
        (message,) = [record.getMessage() for record in caplog.records]
        assert "read without the cache" in message and "is full" in message
        assert server.count("f") == 0
        assert isinstance(ShardCache(0, PATIENCE, tmp_path).fetch(f"{server.url}/f"), RemoteFile)


def test_a_file_that_changed_while_it_was_read_may_find_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = namedtuple("usage", "total used free")
    with FileServer({"f": bytes(50)}) as server:

        def disk_usage(_: Path) -> object:
            is_first = len(server.files["f"]) == 50
            server.files["f"] = bytes(60)
            return usage(1000, 900, 100) if is_first else usage(1000, 990, 10)  # type: ignore[call-arg]

        monkeypatch.setattr(shutil, "disk_usage", disk_usage)
        with caplog.at_level(logging.WARNING):
            fetched = ShardCache(100, PATIENCE, tmp_path).fetch(f"{server.url}/f")
        assert isinstance(fetched, RemoteFile) and fetched.size == 60
        assert "read without the cache" in caplog.text and copies(tmp_path) == set()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_file_system_has_no_locks_files_are_read_directly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with FileServer({"f": b"content"}) as server, caplog.at_level(logging.WARNING):
        cache = ShardCache(100, PATIENCE, tmp_path)
        assert all(isinstance(cache.fetch(f"{server.url}/f"), RemoteFile) for _ in range(2))
    assert [record.getMessage().partition(": [")[0] for record in caplog.records] == [
        f"{tmp_path}: shards are read without the cache where they have no room in it, or it cannot be locked"
    ]


def test_several_that_want_one_file_download_it_once(tmp_path: Path) -> None:
    """Locks belong to open files, so that threads with caches of their own stand for processes."""
    with FileServer({"f": b"shared"}) as server:
        found: list[bytes | None] = []
        threads = [
            threading.Thread(
                target=lambda: found.append(
                    fetch(ShardCache(100, PATIENCE._replace(read_timeout=20), tmp_path), f"{server.url}/f")
                )
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [b"shared"] * 6
        assert server.count("f") == 1


def test_ahead_of_use(tmp_path: Path) -> None:
    with FileServer({"f": b"ahead", "g": b"bad"}) as server:
        server.always["g"] = 404
        cache = ShardCache(100, PATIENCE, tmp_path)
        cache.fetch_ahead(f"{server.url}/f")
        cache.fetch_ahead(f"{server.url}/f")
        cache.fetch_ahead(f"{server.url}/g")
        assert fetch(cache, f"{server.url}/f") == b"ahead" and server.count("f") == 1
        with pytest.raises(FileNotFoundError):
            fetch(cache, f"{server.url}/g")
