# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Converted models on disk: which are removed, and what a failure leaves behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from depth_anything_hf.inference import engine_cache
from depth_anything_hf.inference.engine_cache import CacheEntry, EngineCache, engine_version
from depth_anything_hf.utils.files import unfinished_file


def entry(cache: EngineCache, key: str) -> CacheEntry:
    return CacheEntry(cache, key, "onnxruntime", "float32")


def test_the_longest_unused_models_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_cache, "LARGEST_CACHE", 250)
    cache = EngineCache(tmp_path / "engines")
    for number, key in enumerate("abc"):
        assert entry(cache, key).save({}, lambda path: path.write_bytes(bytes(100)))
        os.utime(cache.folder / f"{key}.model", (number, number))
    assert cache.describe() == (2, 200)
    assert sorted(path.name for path in cache.folder.iterdir()) == ["b.json", "b.model", "c.json", "c.model"]
    # One that is larger than all may be is kept while it is the newest.
    assert entry(cache, "large").save({}, lambda path: path.write_bytes(bytes(900)))
    assert cache.describe() == (1, 900)


def test_what_a_killed_conversion_left_is_removed_with_the_next(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines")
    cache.folder.mkdir()
    left = unfinished_file(cache.folder / "a.model")
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert entry(cache, "b").save({}, lambda path: path.write_bytes(b"model"))
    assert sorted(path.name for path in cache.folder.iterdir()) == ["b.json", "b.model"]


def test_a_failed_conversion_is_remembered_until_one_succeeds(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines")
    assert entry(cache, "a").failure() is None and entry(cache, "a").open(1) is None
    entry(cache, "a").note_failure("it cannot be traced")
    assert entry(cache, "a").failure() == "it cannot be traced" and entry(cache, "a").open(1) is None
    assert cache.describe() == (0, 0)
    entry(cache, "a").save({}, lambda path: path.write_bytes(b"model"))
    assert entry(cache, "a").failure() is None


def test_a_folder_that_takes_no_files_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    cache = EngineCache(tmp_path / "file" / "engines")
    with entry(cache, "a").lock():
        assert not entry(cache, "a").save({}, lambda path: path.write_bytes(b"model"))
    assert "cannot be kept" in caplog.text
    entry(cache, "a").note_failure("no reason")
    assert entry(cache, "a").failure() is None and cache.describe() == (0, 0)


@pytest.mark.parametrize("metadata", [{"unit": "mm"}, {}, None])
def test_what_is_known_of_a_model_is_checked_as_the_model_is(metadata: Any, tmp_path: Path) -> None:
    place = entry(EngineCache(tmp_path / "engines"), "a")
    place.save({"unit": "m", "precision": "float32"}, lambda path: path.write_bytes(b"model"))
    record = json.loads(place._record.read_text())
    place._record.write_text(json.dumps({**record, "metadata": metadata}))
    assert place.open(1) is None and not place._model.exists()


def test_a_version_is_that_of_whichever_distribution_has_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "depth_engine_gpu-9.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: depth-engine-gpu\nVersion: 9.1\n")
    (about / "top_level.txt").write_text("depth_engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert engine_version("depth_engine") == "9.1"
    assert engine_version("no_such_engine") == ""
