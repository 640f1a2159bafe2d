# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run replaces nothing in its folder that no run has written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depth_anything_hf.training.arguments import ARGUMENTS_FILE
from depth_anything_hf.training.run_folder import check_run_folder


NAMES = (
    *("log.jsonl", "results.csv", "training.png", "config.json", "model.safetensors", "results.json"),
    *("model-00001-of-00002.safetensors", "per_image.parquet", "pictures/step-5.png", "card/predictions.jpg"),
    *("checkpoint-5/trainer_state.json", "best/notes.txt", "adapter/adapter_config.json", ".eval_results/nyu.yaml"),
)


def put(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_files_of_the_user_are_named(tmp_path: Path, name: str) -> None:
    for other in ("README.md", "notes.txt", "pictures/cat.png", "checkpoint-best/a", "runs/log.jsonl", "data/x.png"):
        put(tmp_path, other)
    check_run_folder(tmp_path, None)
    put(tmp_path, name)
    for resume in (None, "latest", "elsewhere/checkpoint-5"):
        with pytest.raises(FileExistsError, match=r"already there .*; choose another output_dir$") as error:
            check_run_folder(tmp_path, resume)
        assert name.split("/")[0] in str(error.value)
    put(tmp_path, ARGUMENTS_FILE)
    check_run_folder(tmp_path, None)


def test_a_run_that_has_lost_its_record_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    for name in ("checkpoint-5/manifest.json", "log.jsonl", "config.json"):
        put(tmp_path, name)
    check_run_folder(tmp_path, "latest")
    check_run_folder(tmp_path, str(tmp_path / "checkpoint-5"))
    for resume in (None, str(tmp_path / "other" / "checkpoint-5")):
        with pytest.raises(FileExistsError):
            check_run_folder(tmp_path, resume)


def test_training_into_the_users_files_is_refused(tmp_path: Path, train: Any, make_tiny_model: Any) -> None:
    log = put(tmp_path, "log.jsonl")
    with pytest.raises(FileExistsError, match=r"log\.jsonl: already there"):
        train(tmp_path, make_tiny_model(), max_steps=1)
    assert log.read_text() == "mine" and [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    with pytest.raises(NotADirectoryError, match="is a file; choose another one"):
        train(log, make_tiny_model(), max_steps=1)
