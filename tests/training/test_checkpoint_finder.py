# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a run: the newest whole one is found, rotation keeps what is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.training.checkpoint_finder import (
    find_checkpoint,
    list_checkpoints,
    rotate_checkpoints,
    set_aside_best,
    set_aside_later_checkpoints,
)
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
    with pytest.warns(UserWarning, match=r"checkpoint-(10|9) is damaged, skipping it: ") as warned:
        assert find_checkpoint(tmp_path, "latest") == two
    assert len(warned) == 2
    (two / "manifest.json").unlink()
    with (
        pytest.warns(UserWarning, match="is damaged, skipping it"),
        pytest.raises(ValueError, match=r"all checkpoints in .* are damaged.*remove these"),
    ):
        find_checkpoint(tmp_path, "latest")
    with pytest.raises(ValueError, match="checkpoint-10 is damaged: model is missing"):
        find_checkpoint(tmp_path, str(ten))
    with pytest.raises(FileNotFoundError, match="checkpoint-7 is not a checkpoint"):
        find_checkpoint(tmp_path, str(tmp_path / "checkpoint-7"))


def test_rotation_keeps_the_newest_whole_ones(tmp_path):
    for checkpoint in make_run(tmp_path, 1, 2, 3, 4, 5, 6, 9):
        if checkpoint.name in ("checkpoint-2", "checkpoint-5"):
            (checkpoint / "model").unlink()
    (tmp_path / "checkpoint-0").mkdir()
    (tmp_path / "checkpoint-0" / "trainer_state.json").write_text("of another trainer")
    rotate_checkpoints(tmp_path, newest=6, keep=2)
    # 5 is damaged and does not count; 9 belongs to a future that step 6 has not reached.
    assert names(tmp_path) == ["checkpoint-0", "checkpoint-4", "checkpoint-5", "checkpoint-6", "checkpoint-9"]


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


def test_the_best_model_of_another_measure_is_kept_apart_once(tmp_path):
    assert set_aside_best(tmp_path, 4) is None
    make_folder(tmp_path / "best", "before")
    assert set_aside_best(tmp_path, 4) == tmp_path / "best-until-step-4"
    # Killed after that, and started once more: the new best one is none of the old measure.
    make_folder(tmp_path / "best", "after")
    assert set_aside_best(tmp_path, 4) is None
    assert (tmp_path / "best" / "model").read_text() == "after"
    assert (tmp_path / "best-until-step-4" / "model").read_text() == "before"
