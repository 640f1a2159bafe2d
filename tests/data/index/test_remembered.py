# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Indexes of sources: kept, found again, made anew where something changed, and never in the way."""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import pickle
import shlex
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_files import write_pairs

from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.index import looks, records, remembered, settings
from depth_anything_hf.data.index.blocks import BlockWriter
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of indexes, which are kept of small sources too, and of folders that have just been written."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(settings.MODE_VARIABLE, "always")
    monkeypatch.setattr(looks, "GRANULARITY_NS", 0)
    return tmp_path / "cache" / "indexes"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    found, of_folder = list[str](), looks._list
    monkeypatch.setattr(looks, "_list", lambda path, *rest: found.append(path) or of_folder(path, *rest))
    return found


@pytest.fixture
def pairs(tmp_path: Path, rgb: np.ndarray, depth: np.ndarray) -> Path:
    root = tmp_path / "set"
    write_pairs(root, rgb, depth, ["a", "b", "c"])
    (root / "depth" / "c.npy").unlink()
    return root


def outcome(open_it: Callable[[], Any]) -> tuple[list[str], list[str], str]:
    """Return the names, the warnings and the error of an opening."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            opened, error = open_it(), ""
        except Exception as raised:
            opened, error = [], f"{type(raised).__name__}: {raised}"
    names = [str(opened._pairs.pair(i)) for i in range(len(opened))] if isinstance(opened, DepthFolder) else opened
    names = list(opened.names) if isinstance(opened, PhotoFolder) else names
    return list(names), [str(each.message) for each in told], error


def test_a_second_opening_lists_nothing_and_tells_the_same(pairs: Path, indexes: Path, listed: list[str]) -> None:
    first = outcome(lambda: open_source(pairs))
    assert len(first[0]) == 2 and "1 of 3 images" in first[1][0] and listed
    listed.clear()
    assert outcome(lambda: open_source(pairs)) == first and listed == []
    assert outcome(lambda: open_source({"path": str(pairs), "kind": "photos"})) == (
        [str(pairs / "images" / f"{name}.png") for name in "abc"],
        [],
        "",
    )
    # Each folder was listed once, however many questions were asked.
    assert len(listed) == len(set(listed))


def make_layout(root: Path, names: str) -> Path:
    picture, grey = np.arange(192, dtype=np.uint8).reshape(8, 8, 3), np.full((8, 8), 7, np.uint8)
    for name in names.split():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg"):
            Image.fromarray(grey if "grey" in path.name else picture).save(path)
        elif path.suffix == ".npy":
            np.save(path, np.ones((8, 8), np.float32))
        elif path.name.startswith("metadata"):
            rows = ({"file_name": f"x/{stem}.png", "depth_file_name": f"y/{stem}.npy"} for stem in "ab")
            path.write_text("\n".join(map(json.dumps, rows)))
        elif path.suffix == ".txt":
            path.write_text("x/a.png y/depth_a.npy\nx/b.png None\n")
        else:
            path.write_bytes(b"?")
    return root


LAYOUTS = [
    "images/a.png images/b.png depth/a.npy images/notes.xyz",
    "rgb/rgb_1.png rgb/rgb_2.png depth/depth_1.npy depth/depth_2.npy",
    "train/images/a.png train/depth/a.npy val/images/b.png val/depth/b.npy",
    "k/rgb/a.png k/depth/a.npy l/rgb/a.png l/depth/a.npy",
    "images/a.png images/a.jpg depth/a.npy",
    "images/a.png depth/b.npy",
    "images/a.png rgb/a.png depth/a.npy",
    "metadata.jsonl x/a.png x/b.png y/a.npy y/b.npy",
    "train.txt x/a.png x/b.png y/depth_a.npy",
    "photos/a.png photos/b.jpg photos/c.cr2 a/0.png photos.txt",
    "photos/a.png photos/a_depth_grey.png other/grey_b.png",
    "train/a.png val/b.png",
    "a.parquet b.png",
    "docs/readme.md",
    "depth/a.npy depth/b.npy",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_index_changes_nothing_of_what_an_opening_finds_tells_and_refuses(
    tmp_path: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    root = make_layout(tmp_path / "set", layout)
    specs: list[Any] = [
        {"path": str(root)},
        {"path": str(root), "kind": "photos"},
        {"path": str(root), "split": "val"},
    ]
    specs += [{"path": str(root), "label": "depth", "limit": 1}, {"path": str(root), "label": "disparity"}]
    for spec in specs:
        monkeypatch.setenv(settings.MODE_VARIABLE, "0")
        plain = outcome(partial(open_source, spec))
        monkeypatch.setenv(settings.MODE_VARIABLE, "always")
        assert [outcome(partial(open_source, spec)) for _ in range(2)] == [plain, plain]


def changes(root: Path, rgb: np.ndarray) -> Iterator[Callable[[], object]]:
    yield lambda: np.save(root / "depth" / "c.npy", np.ones((6, 8), np.float32))
    yield lambda: (root / "images" / "a.png").unlink()
    yield lambda: (root / "images" / "deep").mkdir()
    yield lambda: Image.fromarray(rgb).save(root / "images" / "deep" / "z.png")
    yield lambda: (root / "images" / "c.png").rename(root.parent / "c.png")
    yield lambda: (root / "images" / "c.png").symlink_to(root.parent / "annex" / "c.png")
    # The link leads to a file now, which no folder of the source tells.
    yield lambda: ((root.parent / "annex").mkdir(), (root.parent / "c.png").rename(root.parent / "annex" / "c.png"))
    yield lambda: (root / "train.txt").write_text("images/b.png depth/b.npy\n")
    yield lambda: (root / "train.txt").write_text("images/b.png depth/b.npy 518.9\n")
    yield lambda: write_with_its_old_time(root / "train.txt", "images/a.png depth/a.npy 518.9\n")
    yield lambda: (root / "metadata.jsonl").write_text('{"file_name": "images/b.png"}\n')
    yield lambda: shutil.rmtree(root / "depth")


def write_with_its_old_time(path: Path, text: str) -> None:
    """Write as many bytes, and set the time back as copying programs do."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_changed_is_found(pairs: Path, rgb: np.ndarray, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def both() -> list[Any]:
        asked: list[Any] = [pairs, {"path": str(pairs), "kind": "photos"}]
        return [outcome(partial(open_source, source)) for source in asked]

    both()
    for change in changes(pairs, rgb):
        # The clock of a file system may be as coarse as a hundredth of a second.
        time.sleep(0.02)
        change()
        found = both()
        assert both() == found
        monkeypatch.setenv(settings.MODE_VARIABLE, "off")
        assert both() == found
        monkeypatch.setenv(settings.MODE_VARIABLE, "always")


def test_a_folder_that_changed_just_now_is_looked_at_again(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch, listed: list[str]
) -> None:
    monkeypatch.setattr(looks, "GRANULARITY_NS", 3600 * 10**9)
    monkeypatch.setattr(looks.time, "sleep", lambda seconds: None)
    for _ in range(2):
        listed.clear()
        assert len(outcome(lambda: DepthFolder(pairs))[0]) == 2 and str(pairs / "images") in listed


def test_a_time_in_the_future_that_a_program_has_set_costs_nothing_and_hides_nothing(
    pairs: Path, depth: np.ndarray, indexes: Path, listed: list[str]
) -> None:
    for folder in (pairs, pairs / "images", pairs / "depth"):
        os.utime(folder, (4e9, 4e9))
    first = outcome(lambda: DepthFolder(pairs))
    assert len(first[0]) == 2 and str(pairs / "images") in listed
    listed.clear()
    assert outcome(lambda: DepthFolder(pairs)) == first and listed == []
    np.save(pairs / "depth" / "c.npy", depth)
    for folder in (pairs / "images", pairs / "depth"):
        os.utime(folder, (4e9, 4e9))
    assert len(outcome(lambda: DepthFolder(pairs))[0]) == 3


def test_changes_that_lie_in_the_future_are_told_once(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch, listed: list[str]
) -> None:
    now = time.time_ns
    monkeypatch.setattr(looks.time, "time_ns", lambda: now() - 3600 * 10**9)
    told = outcome(lambda: DepthFolder(pairs))[1]
    assert any(f"{pairs}: it is scanned at each opening, because changes of {pairs}" in each for each in told)
    listed.clear()
    names, told, _ = outcome(lambda: DepthFolder(pairs))
    assert len(names) == 2 and str(pairs / "images") in listed and "at each opening" not in "".join(told)


def test_the_command_that_sets_times_right_names_the_folder_alone(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, folder = time.time_ns, pairs.rename(pairs.with_name("my pairs; rm"))
    monkeypatch.setattr(looks.time, "time_ns", lambda: now() - 3600 * 10**9)
    told = "".join(outcome(lambda: DepthFolder(folder))[1])
    command = told[told.index("find ") :]
    assert shlex.split(command)[:6] == ["find", str(folder), "-exec", "touch", "{}", "+"]


def test_few_files_need_no_index_and_none_is_kept_where_it_is_not_wanted(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("auto", "", "0", "off", "rebuild"):
        monkeypatch.setenv(settings.MODE_VARIABLE, mode)
        assert len(outcome(lambda: DepthFolder(pairs))[0]) == 2
        assert not indexes.exists()
    monkeypatch.setenv(settings.MODE_VARIABLE, "sometimes")
    with pytest.raises(ValueError, match=r"DEPTH_ANYTHING_HF_INDEX is 'sometimes', expected 0 .*rebuild"):
        DepthFolder(pairs)


def damage_entries(indexes: Path) -> None:
    path = next(indexes.glob("*/entries.arrow"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def shorten_entries(indexes: Path) -> None:
    path = next(indexes.glob("*/entries.arrow"))
    path.write_bytes(path.read_bytes()[:100])


def remove_entries(indexes: Path) -> None:
    shutil.rmtree(next(indexes.glob("*/")))


def empty_record(indexes: Path) -> None:
    next(indexes.glob("*.json")).write_text("")


def change_version(indexes: Path) -> None:
    path = next(indexes.glob("*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "0.0.1"}))


@pytest.mark.parametrize("harm", [damage_entries, shorten_entries, remove_entries, empty_record, change_version])
def test_an_index_that_is_damaged_or_of_another_version_is_made_anew(
    pairs: Path, indexes: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture, listed: list[str]
) -> None:
    expected = outcome(lambda: DepthFolder(pairs))
    harm(indexes)
    listed.clear()
    with caplog.at_level(logging.INFO):
        assert outcome(lambda: DepthFolder(pairs)) == expected
    assert listed and "is made anew" in caplog.text
    assert [each.levelname for each in caplog.records] == ["INFO" if harm is change_version else "WARNING"]
    listed.clear()
    assert outcome(lambda: DepthFolder(pairs)) == expected and not listed


def test_the_index_of_another_machine_stays_beside_that_of_this_one(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch, listed: list[str]
) -> None:
    with monkeypatch.context() as other:
        other.setattr(records.socket, "gethostname", lambda: "other")
        expected = outcome(lambda: DepthFolder(pairs))
    theirs = next(indexes.glob("*.json"))
    record = {**json.loads(theirs.read_text()), "folders": {str(pairs): [1, 1]}}
    theirs.write_text(json.dumps(record))
    for is_kept in (False, True):
        listed.clear()
        assert outcome(lambda: DepthFolder(pairs)) == expected and bool(listed) is not is_kept
    assert json.loads(theirs.read_text()) == record and len(list(indexes.glob("*.json"))) == 2


def test_a_full_disk_is_told_once_and_leaves_nothing(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = BlockWriter.write

    def fail_on_disk(writer: BlockWriter, runs: Any) -> None:
        if isinstance(writer._folders_file, str):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(writer, runs)

    monkeypatch.setattr(BlockWriter, "write", fail_on_disk)
    monkeypatch.setattr(remembered, "_told_unwritable", set())
    names, told, error = outcome(lambda: DepthFolder(pairs))
    assert len(names) == 2 and not error and "1 of 3 images" in told[0]
    assert "cannot be kept there (No space left on device): it is in memory" in told[1]
    assert "DEPTH_ANYTHING_HF_CACHE" in told[1] and list(indexes.iterdir()) == []
    assert len(outcome(lambda: DepthFolder(pairs))[1]) == 1


def test_a_cache_that_cannot_be_written_stops_nobody(
    pairs: Path, tmp_path: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_told_unwritable", set())
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    (tmp_path / "file").touch()
    names, told, error = outcome(lambda: open_source(pairs))
    assert len(names) == 2 and not error and len([each for each in told if "in memory" in each]) == 1


def test_of_two_at_once_one_scans_and_the_other_waits(
    pairs: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, scans = [], []
    list_all = remembered._list_all

    def slowly(*arguments: Any) -> None:
        scans.append(arguments[0])
        time.sleep(0.3)
        list_all(*arguments)

    monkeypatch.setattr(remembered, "_list_all", slowly)
    threads = [threading.Thread(target=lambda: found.append(len(PhotoFolder(pairs)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3, 3, 3] and len(scans) == 1 and not list(indexes.glob(".*.lock"))


def test_a_file_that_vanished_is_a_broken_sample_with_its_name(
    pairs: Path, indexes: Path, recwarn: pytest.WarningsRecorder
) -> None:
    opened = DepthFolder(pairs)
    (pairs / "images" / "a.png").unlink()
    with pytest.raises((BrokenSampleError, FileNotFoundError), match=r"images/a\.png"):
        opened[0]
    assert opened[1]["name"].endswith("b.png")


def test_unused_and_replaced_indexes_are_removed(pairs: Path, indexes: Path) -> None:
    outcome(lambda: DepthFolder(pairs))
    old = [*indexes.iterdir()]
    for path in old:
        os.utime(path, (1, 1))
    (indexes / "killed.scan").touch()
    PhotoFolder(pairs)
    assert not any(path.exists() for path in old) and (indexes / "killed.scan").exists()
    assert len(PhotoFolder(pairs)) == 3


def names_in_worker(dataset: PhotoFolder) -> list[str]:
    return list(dataset.names)


@pytest.mark.slow
def test_spawned_processes_map_the_same_file(pairs: Path, indexes: Path) -> None:
    opened = PhotoFolder(pairs)
    assert str(pairs).encode() not in pickle.dumps(opened._images)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(names_in_worker, (opened,)) == list(opened.names)
    shutil.rmtree(indexes)
    with pytest.raises(FileNotFoundError, match="was removed while it was in use; open the data again"):
        pickle.loads(pickle.dumps(opened))
