# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The program as a whole, through typer and through a real process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import files_below, random_image, run, run_process
from PIL import Image

import depth_anything_hf
from depth_anything_hf.cli.main import DepthAnything


def test_the_package_is_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As `python -m depth_anything_hf`."""
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--version"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("depth_anything_hf", run_name="__main__")
    assert capsys.readouterr().out.split()[-1] == depth_anything_hf.__version__


def test_errors_are_one_line_and_debug_shows_the_traceback(tmp_path: Path) -> None:
    arguments = ("evaluate", tmp_path / "absent", "--data", tmp_path / "nothing")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("error: ") and "nothing" in result.output and "Traceback" not in result.output
    assert isinstance(run("--debug", *arguments).exception, FileNotFoundError)
    assert isinstance(run(*arguments, DEPTH_ANYTHING_HF_DEBUG="1").exception, FileNotFoundError)


@pytest.mark.parametrize(
    "words",
    [
        "evaluate absent --data DATA --alignment least",
        "evaluate absent --data DATA --label depht",
        "evaluate absent --data DATA --scale 0",
        "evaluate absent --data DATA --max_depth -1",
        "evaluate absent --data DATA --dtype half",
        "evaluate absent --protocol nyuu --root DATA",
        "calibrate DATA -o c.json -m absent --form linear",
        "calibrate DATA -o c.json -m absent --scale -1",
        "calibrate DATA -o c.json -m absent --points p.csv --limit 3",
        "calibrate DATA -o c.json -m absent --prediction_kind metres",
        "predict DATA/images -o out -m absent --prediction_kind metres",
        "pseudo-label DATA -m absent -o out --encoding square",
        "pseudo-label DATA -m absent -o out --store_images none",
        "pseudo-label DATA -m absent -o out --max_broken_share 2",
        "pseudo-label DATA -m absent -o out --process_index 3",
        "pseudo-label DATA -m absent -o out --streaming --limit 3",
        "convert absent.pth out --metric",
        "datasets kitty",
        "recipes show nothing",
        "train --recipe nothing",
    ],
)
def test_wrong_options_end_with_exit_code_2_before_a_model_is_sought(words: str, tmp_path: Path) -> None:
    for folder in ("images", "depth"):
        (tmp_path / folder).mkdir()
    Image.fromarray(random_image((30, 40), 0)).save(tmp_path / "images" / "a.png")
    np.save(tmp_path / "depth" / "a.npy", np.ones((30, 40), np.float32))
    result = run(*words.replace("DATA", str(tmp_path)).split())
    assert result.exit_code == 2 and "Traceback" not in result.output, result.output
    assert "error: " in result.output and "absent" not in result.output.replace("absent.pth", "")


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0 and depth_anything_hf.__version__ in result.output


@pytest.mark.parametrize("command", sorted(DepthAnything.entries))
def test_every_command_explains_itself_with_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0 and f"depth-anything-hf {command}" in result.output


HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "huggingface_hub",
    "numpy",
    "cv2",
    "yaml",
    "psutil",
)


@pytest.mark.parametrize("command", ["", "predict", "pseudo-label", "evaluate", "plan", "env"])
def test_help_of_a_real_process_imports_nothing_heavy(command: str) -> None:
    script = f"""
import sys
from depth_anything_hf.cli.main import app
try:
    app({[*([command] if command else []), "--help"]})
finally:
    print("imported:", [name for name in {HEAVY} if name in sys.modules])
"""
    shown = run_process("-c", script)
    assert "Usage:" in shown.stdout and shown.stdout.endswith("imported: []\n"), shown.stdout + shown.stderr


def test_predict_in_a_real_process(model: Path, photos: Path, tmp_path: Path) -> None:
    # As `python -m depth_anything_hf.cli` does, with all bars, and then without: one start takes seconds.
    script = """
import runpy, sys
arguments = sys.argv
for further in ("--verbose", "--overwrite"):
    sys.argv = [*arguments, further]
    try:
        runpy.run_module("depth_anything_hf.cli", run_name="__main__")
    except SystemExit as end:
        assert not end.code
    print("END", file=sys.stderr)
"""
    out = tmp_path / "out"
    ran = run_process("-c", script, "predict", photos, "-o", out, "-m", model, "--engine", "torch")
    assert ran.returncode == 0, ran.stderr
    assert len(files_below(out)) == 7
    # One bar, the command's own; the libraries' when asked for.
    shown, usual, _ = ran.stderr.split("END")
    assert "predict: 100%" in shown and "Loading weights" in shown
    assert "predict: 100%" in usual and "Loading weights" not in usual
