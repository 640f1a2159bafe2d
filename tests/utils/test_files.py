# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files are complete or absent whenever the process is killed, and an error says what to do."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from depth_anything_hf.utils import files
from depth_anything_hf.utils.files import (
    ABANDONED_AFTER_SECONDS,
    atomic_write,
    create_file,
    mark_used,
    remove_abandoned,
    sha256_of_file,
    unfinished_file,
    write_error,
)
from depth_anything_hf.utils.locks import hold_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Killed(BaseException):
    """Stands for a kill: nothing after it is executed."""


def test_files_used_right_after_each_other_have_times_in_that_order(tmp_path: Path) -> None:
    paths = [tmp_path / str(index) for index in range(20)]
    for path in paths:
        path.touch()
    used = [paths[index] for index in (3, 19, 0, 7, 1, 12)] * 5
    for path in used:
        mark_used(path)
    by_time = sorted(paths, key=lambda path: path.stat().st_mtime_ns)
    assert by_time[-6:] == used[-6:]
    mark_used(tmp_path / "missing")


def test_a_file_of_another_user_that_may_be_written_is_marked_as_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a cache that a group shares: of another user's file the system sets the time to now, and to no other."""
    path, set_time = tmp_path / "file", os.utime
    path.touch()
    os.utime(path, (1, 1))

    def as_of_another_user(path: Path, times: object = None, *, ns: object = None) -> None:
        if times is not None or ns is not None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        set_time(path)

    monkeypatch.setattr(os, "utime", as_of_another_user)
    before = time.time()
    mark_used(path)
    assert path.stat().st_mtime > before - 1


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    atomic_write(path, "é\r\n\n")
    assert path.read_bytes() == "é\r\n\n".encode()
    atomic_write(path, b"\0\n")
    assert path.read_bytes() == b"\0\n" and names(path.parent) == ["file"]
    assert sha256_of_file(path) == hashlib.sha256(b"\0\n").hexdigest()


@pytest.mark.parametrize("instant", range(4))
def test_a_kill_at_any_instant_leaves_the_old_or_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instant: int
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    left = instant

    def count_down(function):
        def call(*arguments, **options):
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", count_down(os.replace))
        patch.setattr(os, "fsync", count_down(os.fsync))
        patch.setattr(Path, "unlink", count_down(Path.unlink))
        with pytest.raises(Killed):
            atomic_write(path, "new")
    assert path.read_text() == ("old" if instant < 2 else "new")
    # As if its process were gone.
    for leftover in tmp_path.glob(".*.unfinished"):
        assert leftover.name.startswith(f".file.{socket.gethostname()}.{os.getpid()}.")
        leftover.rename(tmp_path / leftover.name.replace(f".{os.getpid()}.", f".{2**22 + 1}."))
    remove_abandoned(tmp_path)
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no containers that share a host name")
def test_a_file_that_is_being_written_stays_whatever_its_process_number_says(tmp_path: Path) -> None:
    # As if written in another container of this host name, where processes are numbered from 1.
    path = tmp_path / f".file.{socket.gethostname()}.{2**22 + 1}.0a.unfinished"
    with hold_file(path):
        path.write_text("half")
        assert remove_abandoned(tmp_path) == [] and path.read_text() == "half"
        os.utime(path, (0, 0))
        assert remove_abandoned(tmp_path) == []
    assert remove_abandoned(tmp_path) == [path] and names(tmp_path) == []


def test_a_number_that_another_process_has_by_now_keeps_a_file_for_a_day_only(tmp_path: Path) -> None:
    path = unfinished_file(tmp_path / "file")
    path.touch()
    assert remove_abandoned(tmp_path) == []
    os.utime(path, (0, 0))
    assert remove_abandoned(tmp_path) == [path]


def test_of_many_at_once_one_creates_a_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: create_file(path, str(number)), range(32)))
    assert made.count(True) == 1 and path.read_text() == str(made.index(True))
    assert names(path.parent) == ["file"]


def test_where_there_are_no_links_a_file_is_created_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    assert create_file(tmp_path / "file", "first") and not create_file(tmp_path / "file", "second")
    assert (tmp_path / "file").read_text() == "first" and names(tmp_path) == ["file"]


@pytest.mark.parametrize("write", [atomic_write, create_file])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "file cannot be written: the disk is full; free disk space and run the same command again"),
        (errno.EACCES, "file cannot be written: Permission denied; check that .* is a folder that you may write to"),
    ],
)
def test_a_failed_write_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write, code: int, message: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=message) as caught:
        write(tmp_path / "file", "content")
    assert caught.value.errno == code and type(caught.value) is type(OSError(code, ""))
    assert names(tmp_path) == []


def test_an_error_without_a_number_keeps_its_words() -> None:
    assert str(write_error(Path("a"), OSError("odd"), "try again")) == "a cannot be written: odd; try again"


def test_windows_synchronizes_no_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(files, "fsync_file", refuse)
    monkeypatch.setattr(files.os, "name", "nt")
    files.fsync_folder(tmp_path)


def test_names_of_unfinished_files_are_hidden_and_never_the_same(tmp_path: Path) -> None:
    first, second = unfinished_file(tmp_path / "a"), unfinished_file(tmp_path / "a")
    assert first != second and first.name.startswith(".a.") and first.suffix == ".unfinished"


@pytest.mark.parametrize("name", ["a" * 255, "\u6df1" * 85])
def test_a_file_may_have_the_longest_name_there_is(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system takes no such name")
    (tmp_path / name).unlink()
    atomic_write(tmp_path / name, "content")
    assert names(tmp_path) == [name] and (tmp_path / name).read_text() == "content"
    unfinished_file(tmp_path / name).touch()
    assert len(names(tmp_path)) == 2 and remove_abandoned(tmp_path) == []


def test_files_of_other_programs_are_not_taken_for_abandoned(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * ABANDONED_AFTER_SECONDS
    for name in (".notes.unfinished", ".my.draft.v2.unfinished", f".a.{socket.gethostname()}.7.0a.unfinished"):
        (tmp_path / name).write_text("text")
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert [path.name for path in remove_abandoned(tmp_path)] == [f".a.{socket.gethostname()}.7.0a.unfinished"]
    assert names(tmp_path) == [".my.draft.v2.unfinished", ".notes.unfinished"]


def test_a_file_is_complete_or_absent_without_a_sync_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "fsync_file", synced.append)
    path = tmp_path / "file"
    path.write_text("old")
    inode = path.stat().st_ino
    atomic_write(path, "new", sync=False)
    assert path.read_text() == "new" and path.stat().st_ino != inode and names(tmp_path) == ["file"]
    assert not synced
    atomic_write(path, "newer")
    assert synced
