# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One process at a time works in a folder, and a process that died keeps nobody out."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from depth_anything_hf.utils import locks
from depth_anything_hf.utils.locks import FolderLock


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


HOLDING = """
import sys
from pathlib import Path
from depth_anything_hf.utils.locks import FolderLock
with FolderLock(Path(sys.argv[1])) as lock:
    lock.acquire()
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_folder_belongs_to_one_process_until_its_end_or_its_death(tmp_path):
    def take() -> None:
        with FolderLock(tmp_path, activity="training", advice="choose another output_dir") as lock:
            lock.acquire()

    for kill in (False, True):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(
            ValueError, match=f"another process is training in {tmp_path}; process {process.pid} .*output_dir"
        ):
            take()
        if kill:
            process.kill()
        process.communicate()
        take()
        assert names(tmp_path) == []


def test_a_lock_is_taken_once_and_others_of_another_name_are_free(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as lock, FolderLock(tmp_path) as second, FolderLock(tmp_path, name=".push.lock") as push:
        lock.acquire()
        lock.acquire()
        assert not second.try_acquire() and push.try_acquire()
        with pytest.raises(ValueError, match=f"this process is at work in {tmp_path}; process {os.getpid()} .*wait"):
            second.acquire()
        assert names(tmp_path) == [".lock", ".push.lock"]
    assert names(tmp_path) == []


def test_a_lock_that_its_holder_deletes_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking the file, the holder ends and another process comes: the old file counts no more."""
    first, other = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    real, calls = locks.lock_descriptor, []

    def lock_late(descriptor: int, *, blocking: bool) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            first.__exit__()
            assert other.try_acquire()
        return real(descriptor, blocking=blocking)

    second = FolderLock(tmp_path)
    monkeypatch.setattr(locks, "lock_descriptor", lock_late)
    assert not second.try_acquire()
    assert len(calls) == 3
    other.__exit__()
    assert second.try_acquire()
    second.__exit__()
    assert names(tmp_path) == []


def test_a_file_system_without_locks_keeps_nobody_out_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(descriptor: int, *, blocking: bool) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks, "lock_descriptor", refuse)
    with FolderLock(tmp_path) as lock, caplog.at_level(logging.WARNING):
        lock.acquire()
        assert "a second process is not kept out" in caplog.text
        assert names(tmp_path) == []


FORKING = """
import os, sys, time
from pathlib import Path
from depth_anything_hf.utils.locks import FolderLock
with FolderLock(Path(sys.argv[1])) as lock:
    lock.acquire()
    if os.fork() == 0:
        print("forked", flush=True)
        time.sleep(60)
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_processes_do_not_keep_the_lock_of_a_parent_that_was_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "forked\n"
        assert not FolderLock(tmp_path).try_acquire()
        process.kill()
        process.wait()
        with FolderLock(tmp_path) as lock:
            assert lock.try_acquire()
    finally:
        os.killpg(process.pid, 9)
        process.stdout.close() if process.stdout else None
