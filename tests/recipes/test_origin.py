# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a model card is told of a command line."""

from __future__ import annotations

import sys

from depth_anything_hf.recipes.origin import command_and_recipe


def test_the_card_tells_how_a_run_was_launched(monkeypatch, tmp_path):
    for name in ("WORLD_SIZE", "TORCHELASTIC_RUN_ID", "ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "r.yaml").write_text("max_steps: 3\n")
    monkeypatch.setattr(sys, "argv", ["train.py", f"--recipe={tmp_path / 'r.yaml'}"])
    told = command_and_recipe()
    assert told["command"].startswith("python train.py --recipe=") and told["recipe"] == "# r.yaml\nmax_steps: 3\n"
    monkeypatch.setattr(sys, "argv", ["train.py", "--haze"])
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert command_and_recipe() == {"command": "# 8 processes\npython train.py --haze"}
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert command_and_recipe()["command"].endswith("\ntorchrun train.py --haze")
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "NO")
    assert command_and_recipe()["command"].endswith("\naccelerate launch train.py --haze")


def test_the_card_names_the_front_door(monkeypatch):
    for name in ("WORLD_SIZE", "TORCHELASTIC_RUN_ID", "ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"):
        monkeypatch.delenv(name, raising=False)
    argv = ["train", "--num_processes", "2"]
    for program in ("/usr/bin/depth-anything-hf", "/lib/depth_anything_hf/cli/__main__.py"):
        monkeypatch.setattr(sys, "argv", [program, *argv])
        assert command_and_recipe() == {"command": "depth-anything-hf train --num_processes 2"}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert command_and_recipe()["command"].endswith("\ntorchrun -m depth_anything_hf.cli train --num_processes 2")
    # What the package's own launcher starts was started by the program.
    monkeypatch.setenv("DEPTH_ANYTHING_HF_LAUNCHED", "1")
    assert command_and_recipe()["command"] == "# 2 processes\ndepth-anything-hf train --num_processes 2"


def test_the_card_has_the_text_of_a_recipe_of_the_package(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--recipe", "teacher"])
    assert "# teacher.yaml\n# Teacher of Depth Anything V2" in command_and_recipe()["recipe"]
