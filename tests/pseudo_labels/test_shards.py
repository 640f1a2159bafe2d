# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about single shards of pseudo-labels: complete or absent, known to the manifest, and checked when re-read."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from file_sizes import largest_file
from label_shards import files_in, row

from depth_anything_hf.pseudo_labels.shards import (
    MANIFEST_FOLDER,
    ManifestEntry,
    ShardWriter,
    entry_path,
    read_completed,
    read_entry,
    read_summary,
    remove_unfinished,
)
from depth_anything_hf.utils.files import sha256_of_file


def test_a_shard_shows_only_when_it_is_finished(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "labels-00000-of-00001.parquet")
    writer.write([row("a")])
    assert [name for name in files_in(tmp_path) if not name.startswith(".")] == []
    writer.finish([("b", "broken")], {"teacher": "tiny"})
    assert files_in(tmp_path) == ["labels-00000-of-00001.parquet", "manifest/labels-00000-of-00001.entry"]
    writer.abandon()
    assert len(files_in(tmp_path)) == 2


def test_an_abandoned_shard_leaves_nothing(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "labels-00000-of-00001.parquet")
    writer.write([row("a")])
    writer.abandon()
    assert files_in(tmp_path) == []


def test_a_shard_and_its_manifest_entry_agree(shard: Path) -> None:
    summary = read_summary(shard)
    assert summary is not None
    assert (summary.labelled, summary.items, summary.skipped) == (2, 3, [("c", "broken")])
    assert summary.is_last and summary.stored_images == "bytes"
    size = shard.stat().st_size
    assert read_entry(shard) == ManifestEntry(shard.name, 2, 1, size, sha256_of_file(shard))
    metadata = pq.read_metadata(shard).metadata
    assert json.loads(metadata[b"provenance"]) == {"teacher": "tiny"}


@pytest.mark.parametrize("left", [None, b"", b'{"file": '])
def test_an_entry_that_a_kill_prevented_is_made_again(shard: Path, left: bytes | None) -> None:
    entry = read_entry(shard)
    entry_path(shard).unlink()
    if left is not None:
        entry_path(shard).write_bytes(left)
    assert read_completed(shard) == read_summary(shard)
    assert read_entry(shard) == entry


def test_a_shard_of_another_length_than_recorded_is_not_complete(shard: Path) -> None:
    entry = json.loads(entry_path(shard).read_text())
    entry_path(shard).write_text(json.dumps({**entry, "bytes": entry["bytes"] + 1}))
    assert read_completed(shard) is None
    assert read_completed(shard.with_name("absent.parquet")) is None


def test_unfinished_files_of_dead_processes_are_removed(tmp_path: Path) -> None:
    dead = 2**22 + 1  # beyond the largest process number of Linux
    (tmp_path / MANIFEST_FOLDER).mkdir()
    names = {
        "dead": f".labels-0.parquet.{socket.gethostname()}.{dead}.0a.unfinished",
        "entry": f"{MANIFEST_FOLDER}/.labels-0.entry.{socket.gethostname()}.{dead}.0b.unfinished",
        "alive": f".labels-0.parquet.{socket.gethostname()}.{os.getpid()}.0c.unfinished",
        "elsewhere": ".labels-0.parquet.another.host.1.0d.unfinished",
        "old": ".labels-0.parquet.another.host.1.0e.unfinished",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(b"half a shard")
    os.utime(tmp_path / names["old"], (0, 0))
    removed = remove_unfinished(tmp_path)
    assert sorted(removed) == sorted(tmp_path / names[kind] for kind in ("dead", "entry", "old"))
    assert files_in(tmp_path) == sorted([names["alive"], names["elsewhere"]])


def test_a_failed_write_says_what_to_do_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "labels-00000-of-00001.parquet"

    def write() -> None:
        writer = ShardWriter(path)
        try:
            writer.write([row("a"), row("bb")])
            writer.finish([], {})
        finally:
            writer.abandon()

    with (
        largest_file(1000),
        pytest.raises(OSError, match=r"labels-00000.*finished shards are kept; free disk space") as error,
    ):
        write()
    assert error.value.errno == errno.EFBIG
    assert files_in(tmp_path) == []
