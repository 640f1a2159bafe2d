# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders are whole whenever the process is killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from depth_anything_hf.training.run_folder import WRITTEN_NAMES
from depth_anything_hf.utils.files import unfinished_file
from depth_anything_hf.utils.folders import (
    move_files,
    put_in_place,
    repair_folder,
    replace_folder,
    share_weights,
    unfinished_folder,
)
from depth_anything_hf.utils.manifest import find_damage, write_manifest


def make_folder(path: Path, content: str = "content") -> Path:
    (path / "state").mkdir(parents=True)
    (path / "model").write_text(content)
    (path / "state" / "optimizer").write_text(content * 1000)
    write_manifest(path)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Killed(Exception):
    """Stands for a kill: nothing after it is executed."""


def test_a_kill_at_any_instant_of_a_replacement_leaves_a_whole_folder(tmp_path, monkeypatch):
    """The process is stopped before each call that changes the file system, one after the other."""
    instant = finished = 0
    seen = set()
    while not finished:
        run = tmp_path / str(instant)
        run.mkdir()
        make_folder(run / "best", "old")
        calls_left = instant

        def counted(function):
            def call(*arguments, **options):
                nonlocal calls_left
                if calls_left == 0:
                    raise Killed
                calls_left -= 1
                return function(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", counted(os.replace))
            patch.setattr(os, "fsync", counted(os.fsync))
            patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
            try:
                unfinished = make_folder(unfinished_folder(run / "best"), "new")
                put_in_place(unfinished, run / "best")
                finished = True
            except Killed:
                pass
        repair_folder(run, ["best"])
        assert names(run) == ["best"]
        assert find_damage(run / "best") is None
        seen.add((run / "best" / "model").read_text())
        instant += 1
    assert seen == {"old", "new"} and instant > 8


def test_repair_removes_what_is_half_deleted(tmp_path):
    make_folder(tmp_path / "checkpoint-3")
    (tmp_path / ".checkpoint-1.deleted" / "state").mkdir(parents=True)
    (tmp_path / ".checkpoint-4.unfinished").mkdir()
    (tmp_path / ".training_arguments.json.unfinished").write_text("{")
    unfinished_file(tmp_path / "card.png").write_text("half")
    # The user's, and those of other programs.
    others = [".notes.deleted", ".notes.replaced", ".notes.unfinished"]
    for name in others:
        (tmp_path / name).mkdir()
    repair_folder(tmp_path, WRITTEN_NAMES)
    assert names(tmp_path) == [*others, "checkpoint-3"]


def test_a_folder_that_failed_does_not_arrive(tmp_path):
    make_folder(tmp_path / "best", "old")

    def fail() -> None:
        with replace_folder(tmp_path / "best") as folder:
            (folder / "model").write_text("half")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        fail()
    assert (tmp_path / "best" / "model").read_text() == "old"
    with replace_folder(tmp_path / "best") as folder:
        (folder / "model").write_text("new")
    assert names(tmp_path / "best") == ["model"]


def test_files_move_into_a_folder_that_has_others(tmp_path):
    make_folder(tmp_path / "run", "old")
    (tmp_path / "run" / "log").write_text("kept")
    unfinished = make_folder(tmp_path / "run" / ".final.unfinished", "new")
    move_files(unfinished, tmp_path / "run")
    assert names(tmp_path / "run") == ["log", "manifest.json", "model", "state"]
    assert (tmp_path / "run" / "model").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_weights_get_the_mode_of_other_files(umask: int, mode: int, tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    files = [tmp_path / "model.safetensors", tmp_path / "adapter" / "adapter_model.safetensors"]
    for path in files:
        path.touch(mode=0o600)
    before = os.umask(umask)
    try:
        share_weights(tmp_path)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in files] == [mode, mode]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(files)
