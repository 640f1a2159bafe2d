# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about single shards of pseudo-labels: complete or absent, known to the manifest, and checked when re-read."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from sample_files import png_bytes

from depth_anything_hf.data.decoding.disparity_codec import encode_disparity
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE
from depth_anything_hf.pseudo_labels.shards import (
    MANIFEST_FOLDER,
    ManifestEntry,
    ShardWriter,
    entry_path,
    read_completed,
    read_entry,
    read_summary,
    remove_unfinished,
    shard_name,
)
from depth_anything_hf.pseudo_labels.verify import verify_labels
from depth_anything_hf.utils.files import sha256_of_file


SIZE = (6, 8)


def row(name: str, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(len(name))
    image = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    png, minimum, maximum = encode_disparity(random.random(SIZE, dtype=np.float32))
    return {
        "image": {"bytes": png_bytes(image), "path": f"{name}.png"},
        "disparity": {"bytes": png, "path": f"{name}_disparity.png"},
        "disparity_minimum": minimum,
        "disparity_maximum": maximum,
        "disparity_encoding": "linear",
        "name": name,
        "source_row": 0,
        "width": SIZE[1],
        "height": SIZE[0],
        **changes,
    }


def write_shard(
    path: Path, rows: list[dict[str, Any]], skipped: list[tuple[str, str]] | None = None, is_last: bool = True
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = ShardWriter(path)
    writer.write(rows)
    writer.finish(skipped or [], {"teacher": "tiny"}, is_last)
    return path


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return write_shard(tmp_path / shard_name(0, 1), [row("a"), row("bb")], [("c", "broken")])


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


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


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_failed_write_says_what_to_do_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "labels-00000-of-00001.parquet"
    with largest_file(1000), pytest.raises(OSError, match="labels-00000.*finished shards stay; make room") as error:
        writer = ShardWriter(path)
        try:
            writer.write([row("a"), row("bb")])
            writer.finish([], {})
        finally:
            writer.abandon()
    assert error.value.errno == errno.EFBIG
    assert files_in(tmp_path) == []


# Checks


def test_sound_labels_are_counted(shard: Path) -> None:
    report = verify_labels(shard.parent)
    assert report.is_sound
    assert (report.shards, report.labelled, report.skipped) == (1, 2, [("c", "broken")])


def test_a_flipped_bit_anywhere_is_found(shard: Path) -> None:
    content = shard.read_bytes()
    for position in np.linspace(0, len(content) - 1, 12).astype(int):
        flipped = bytearray(content)
        flipped[position] ^= 1
        shard.write_bytes(flipped)
        ((name, reason),) = verify_labels(shard.parent, check_pixels=False).damaged
        assert name == shard.name and "checksum" in reason
    shard.write_bytes(content)
    assert verify_labels(shard.parent).is_sound


def test_damaged_shards_are_named_and_removed_on_request(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path / shard_name(index, 3), [row("a" * (index + 1))]) for index in range(3)]
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    paths[2].write_bytes(b"")
    entry_path(paths[2]).unlink()
    report = verify_labels(tmp_path, remove_damaged=True)
    assert [name for name, _ in report.damaged] == [paths[0].name, paths[2].name]
    assert "the manifest says" in report.damaged[0][1] and "truncated" in report.damaged[1][1]
    assert files_in(tmp_path) == sorted([f"manifest/{paths[1].stem}.entry", paths[1].name])
    assert report.labelled == 1 and not report.is_sound


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 9}, r"its label is \(6, 8\) and its image \(6, 9\)"),
        ({"image": {"bytes": png_bytes(np.zeros((6, 9, 3), np.uint8)), "path": "x.png"}}, r"its image is \(6, 9\)"),
        ({"image": {"bytes": b"no picture", "path": "x.png"}}, "not an image"),
        ({"image": {"bytes": None, "path": None}}, "expected a cell with bytes or a path"),
        ({"disparity": {"bytes": b"no label", "path": "x.png"}}, "not a readable label"),
        ({"disparity": {"bytes": png_bytes(np.zeros(SIZE, np.uint8)), "path": "x.png"}}, "16-bit"),
        ({"disparity": {"bytes": cv2.imencode(".png", np.full(SIZE, 9, np.uint16))[1].tobytes()}}, "its range says"),
        ({"disparity_maximum": float("nan")}, "its range says"),
        ({"disparity_encoding": "square"}, "encoding of disparity must be one of"),
    ],
)
def test_rows_that_no_training_could_use_are_found(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_shard(tmp_path / shard_name(0, 1), [row("a"), row("bb", **changes)])
    ((_, reason),) = verify_labels(tmp_path).damaged
    assert reason.startswith("bb: ") and re.search(message, reason)
    assert verify_labels(tmp_path, check_pixels=False).is_sound


def test_names_that_occur_twice_are_told(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(0, 2), [row("a"), row("bb")])
    write_shard(tmp_path / shard_name(1, 2), [row("bb"), row("ccc")])
    report = verify_labels(tmp_path)
    assert report.duplicates == ["bb"] and not report.damaged and not report.is_sound


def test_missing_shards_are_named_by_what_the_run_set_out_to_do(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(1, 3), [row("a")])
    provenance = {"images": 5, "shard_size": 2, "input_shards": None}
    (tmp_path / PROVENANCE_FILE).write_text(json.dumps(provenance))
    assert verify_labels(tmp_path).missing == [shard_name(0, 3), shard_name(2, 3)]


def test_missing_parts_of_input_shards_are_named(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(0, 3, 0), [row("a")], is_last=False)
    write_shard(tmp_path / shard_name(0, 3, 1), [row("bb")])
    write_shard(tmp_path / shard_name(1, 3, 0), [row("ccc")], is_last=False)
    (tmp_path / PROVENANCE_FILE).write_text(json.dumps({"images": None, "shard_size": 1, "input_shards": 3}))
    assert verify_labels(tmp_path).missing == [shard_name(1, 3, 1), shard_name(2, 3, 0)]


def test_a_sound_shard_without_an_entry_gets_one(shard: Path) -> None:
    entry = read_entry(shard)
    entry_path(shard).unlink()
    assert verify_labels(shard.parent).is_sound
    assert read_entry(shard) == entry


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is it the folder"):
        verify_labels(tmp_path)
