# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The hidden folder of a run on a cluster stays as long as its driver lives, and goes with the next run."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from depth_anything_hf.pseudo_labels.ray_folder import TOKEN, RunFolder, remove_abandoned_runs, run_folder
from depth_anything_hf.pseudo_labels.shards import remove_unfinished


def as_of_another_process(own: RunFolder) -> Path:
    """Name the driver as a process that there is not, as one of another container seems to be."""
    return own.marker.rename(own.path / f".driver.{socket.gethostname()}.{2**22 + 1}.0a.unfinished")


def test_a_run_has_a_folder_of_its_own_until_its_end(tmp_path: Path) -> None:
    with run_folder(tmp_path) as first, run_folder(tmp_path) as second:
        assert first.path != second.path
        assert (first.path / TOKEN).read_text() == first.content != second.content
        (first.path / "0.tries").write_text(".")
        assert remove_unfinished(tmp_path) == [] and (first.path / TOKEN).exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no kill that a process sends itself")
def test_the_folder_of_a_killed_driver_goes_with_the_next_run(tmp_path: Path) -> None:
    driver = os.fork()
    if driver == 0:
        with run_folder(tmp_path) as own:
            (own.path / "0.tries").write_text(".")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(driver, 0)
    left = list(tmp_path.glob(".ray-*"))
    assert len(left) == 1
    with run_folder(tmp_path) as living:
        assert remove_unfinished(tmp_path)[-1:] == left
        assert list(tmp_path.iterdir()) == [living.path]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no containers that share a host name")
def test_a_driver_that_holds_its_file_lives_whatever_its_number_says(tmp_path: Path) -> None:
    with run_folder(tmp_path) as own:
        os.utime(as_of_another_process(own), (0, 0))
        assert remove_abandoned_runs(tmp_path) == [] and (own.path / TOKEN).exists()


def test_where_neither_lock_nor_number_tells_a_driver_lives_as_long_as_results_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_folder(tmp_path) as own:
        marker = own.marker.rename(own.path / ".driver.another-machine.7.0a.unfinished")
        # As where the file system knows no locks.
        monkeypatch.setattr("depth_anything_hf.utils.files.unlink_unless_held", lambda path: path.unlink() is None)
        os.utime(marker, (0, 0))
        RunFolder(own.path, own.content, marker).keep()
        assert remove_abandoned_runs(tmp_path) == []
        os.utime(marker, (0, 0))
        assert remove_abandoned_runs(tmp_path) == [own.path]


def test_a_folder_without_a_driver_s_file_stays_for_a_day(tmp_path: Path) -> None:
    """One that is being made at this moment, or of a version that had no such file."""
    own = tmp_path / f".ray-{'0a' * 16}"
    own.mkdir()
    (own / TOKEN).write_text("0a")
    assert remove_abandoned_runs(tmp_path) == []
    os.utime(own, (0, 0))
    assert remove_abandoned_runs(tmp_path) == [own] and not own.exists()


def test_folders_of_the_user_stay_whatever_their_names_begin_with(tmp_path: Path) -> None:
    for name in (".ray-cluster", ".ray-0a", f".ray-{'0a' * 16}-notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cluster.yaml").write_text("of the user")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / f".ray-{'0b' * 16}").write_text("of the user")
    assert remove_unfinished(tmp_path) == [] and len(list(tmp_path.rglob("cluster.yaml"))) == 3
