# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders of a run: damage is found, a kill at any instant loses nothing, rotation keeps what is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from depth_anything_hf.training.checkpoint_finder import (
    find_checkpoint,
    list_checkpoints,
    rotate_checkpoints,
    set_aside_later_checkpoints,
)
from depth_anything_hf.training.tracking import drop_log_after, read_log
from depth_anything_hf.utils.manifest import find_damage, write_manifest


def make_folder(path: Path, content: str = "content") -> Path:
    (path / "state").mkdir(parents=True)
    (path / "model").write_text(content)
    (path / "state" / "optimizer").write_text(content * 1000)
    write_manifest(path)
    return path


def make_run(folder: Path, *steps: int) -> list[Path]:
    return [make_folder(folder / f"checkpoint-{step}") for step in steps]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    assert find_checkpoint(tmp_path, None) is None
    assert find_checkpoint(tmp_path, "latest") is None
    two, ten, nine = make_run(tmp_path, 2, 10, 9)
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / ".checkpoint-11.unfinished").mkdir()
    assert list_checkpoints(tmp_path) == [two, nine, ten]
    assert find_checkpoint(tmp_path, "latest") == ten
    (ten / "model").unlink()
    (nine / "model").write_text("changed")
    with pytest.warns(UserWarning, match="checkpoint-(10|9) is damaged and left out: ") as warned:
        assert find_checkpoint(tmp_path, "latest") == two
    assert len(warned) == 2
    (two / "manifest.json").unlink()
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no whole checkpoint is left.*remove these"):
        find_checkpoint(tmp_path, "latest")
    with pytest.raises(ValueError, match="checkpoint-10 is damaged: model is missing"):
        find_checkpoint(tmp_path, str(ten))
    with pytest.raises(FileNotFoundError, match="checkpoint-7 is no checkpoint of a run"):
        find_checkpoint(tmp_path, str(tmp_path / "checkpoint-7"))


def test_rotation_keeps_the_newest_whole_ones(tmp_path):
    for checkpoint in make_run(tmp_path, 1, 2, 3, 4, 5, 6, 9):
        if checkpoint.name in ("checkpoint-2", "checkpoint-5"):
            (checkpoint / "model").unlink()
    rotate_checkpoints(tmp_path, newest=6, keep=2)
    # 5 is damaged and does not count; 9 belongs to a future that step 6 has not reached.
    assert names(tmp_path) == ["checkpoint-4", "checkpoint-5", "checkpoint-6", "checkpoint-9"]


@pytest.mark.parametrize("keep", [1, 0, -1])
def test_rotation_never_deletes_the_newest_one(tmp_path, keep):
    make_run(tmp_path, 1, 2)
    rotate_checkpoints(tmp_path, newest=2, keep=keep)
    assert names(tmp_path) == ["checkpoint-2"]


def test_checkpoints_of_a_future_that_was_given_up_are_kept_but_not_found(tmp_path):
    fifty, _, _ = make_run(tmp_path / "run", 50, 60, 100)
    (elsewhere,) = make_run(tmp_path / "other", 50)
    assert set_aside_later_checkpoints(elsewhere, tmp_path / "run") == []
    renamed = set_aside_later_checkpoints(fifty, tmp_path / "run")
    assert [path.name for path in renamed] == ["abandoned-checkpoint-60", "abandoned-checkpoint-100"]
    assert all(find_damage(path) is None for path in renamed)
    make_run(tmp_path / "run", 60)
    assert find_checkpoint(tmp_path / "run", "latest") == tmp_path / "run" / "checkpoint-60"
    # A second time the first one stays.
    (again,) = set_aside_later_checkpoints(fifty, tmp_path / "run")
    assert again.name == "abandoned-checkpoint-60-2" and renamed[0].is_dir()


def test_lines_that_a_power_cut_spoiled_are_left_out_of_a_log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "l\n\0\0\0\n\xff\n7\n{"step": 3}\n')
    assert [entry["step"] for entry in read_log(path)] == [1, 3]
    drop_log_after(path, 1)
    assert path.read_text() == '{"step": 1}\n'


def test_a_log_whose_last_line_was_cut_off_can_be_read_and_shortened(tmp_path):
    path = tmp_path / "log.jsonl"
    assert read_log(path) == []
    path.write_text('{"step": 1, "loss": 0.1}\n{"step": 2, "loss": null}\n{"step": 3}\n{"step": 4, "lo')
    assert [entry["step"] for entry in read_log(path)] == [1, 2, 3]
    drop_log_after(path, 2)
    assert path.read_text() == '{"step": 1, "loss": 0.1}\n{"step": 2, "loss": null}\n'


WAITING = """
import sys, time
from depth_anything_hf.training.signals import StopSignals
with StopSignals() as signals:
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
        if signals.received:
            print(signals.received.name, flush=True)
            time.sleep(60)
"""


def test_a_second_signal_ends_the_process_at_once_but_not_an_echo_of_the_first():
    process = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "SIGINT\n"
        # As from a launcher that ends its processes when the group has got the signal already.
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert process.poll() is None
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == -signal.SIGTERM
    finally:
        process.kill()
        process.stdout.close()
