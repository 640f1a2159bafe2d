# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The quickstart's stages are commands that the program takes, and its smallest run leaves a report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import command_line
import cv2
import first_screen
import numpy as np
import pytest
import run as quickstart
import scores as quickstart_scores
from forked_scripts import FORKING
from readable_pages import problems_of

from depth_anything_hf.data import DepthFolder


@pytest.fixture
def stages(tmp_path: Path) -> dict[str, list[str]]:
    return quickstart.stages(tmp_path / "run", tmp_path / "photos", "smoke", seed=3)


def test_every_option_of_a_stage_is_known(stages: dict[str, list[str]]) -> None:
    programs = {name: words for name, words in stages.items() if words[0] == quickstart.PROGRAM}
    assert list(programs) == [name for name in stages if name not in ("score", "report")]
    for name, words in programs.items():
        check = "--print_config" if name.startswith("train") else "--help"
        result = command_line.run(*words[1:], check)
        assert result.exit_code == 0, f"{name}: {result.output}"


def test_splits_have_scenes_of_their_own_and_the_models_never_see_the_held_out_ones(
    stages: dict[str, list[str]], tmp_path: Path
) -> None:
    first = [
        words[words.index("--first_scene") + 1] if "--first_scene" in words else "0"
        for name, words in stages.items()
        if name.startswith("render")
    ]
    assert len(set(first)) == 3
    held_out = str(tmp_path / "run" / "renders-held-out")
    for name in ("train teacher", "train student"):
        words = stages[name]
        assert words[words.index("--eval_data") + 1] == held_out
        assert held_out not in words[words.index("--train_data") : words.index("--output_dir")]


def test_files_of_the_user_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(SystemExit, match=r"report\.html: already there"):
        quickstart.check_run_folder(tmp_path)
    for text in ("{", "[]", '{"render": {}}'):
        (tmp_path / "stages.json").write_text(text)
        with pytest.raises(SystemExit, match="is damaged, or not written by a quickstart"):
            quickstart.check_run_folder(tmp_path)
    (tmp_path / "stages.json").write_text('{"render": {"command": [], "seconds": 1}}')
    quickstart.check_run_folder(tmp_path)


@pytest.mark.slow
def test_the_smallest_quickstart_goes_through_and_is_not_repeated(
    labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mitsuba")
    flags = ["--preset", "smoke", "--photos", str(labelled_folder / "images"), "--output_dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["run.py", *flags])
    monkeypatch.setattr(quickstart, "subprocess", FORKING)
    quickstart.main()
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert problems_of(report) == []
    assert "of 12 checks passed" in report and "depth-anything-hf distill" in report
    assert (tmp_path / "student" / "model.safetensors").exists()
    scored = sorted(str(path) for path in (tmp_path / "scores").iterdir())
    assert len(scored) == 7
    compared = command_line.run("compare", *scored, "--baseline", str(tmp_path / "scores" / "mean-map"))
    assert compared.exit_code == 0 and "teacher-on-another-image" in compared.output, compared.output
    capsys.readouterr()
    quickstart.main()
    assert capsys.readouterr().out.count("done before") == 8
    picture_shows_scenes_that_were_held_out(tmp_path)


@pytest.mark.slow
def test_some_stages_are_done_alone_and_unknown_ones_are_refused(labelled_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    flags = ["--preset", "smoke", "--photos", str(labelled_folder / "images"), "--output_dir", str(tmp_path / "run")]
    command = [sys.executable, str(Path(quickstart.__file__)), *flags, "--only"]
    wrong = subprocess.run([*command, "renders"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 1 and "unknown stages renders; known: render, render held-out scenes" in wrong.stderr
    done = subprocess.run([*command, "render held-out scenes"], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert list(quickstart.read_record(tmp_path / "run" / "stages.json")) == ["render held-out scenes"]
    assert not (tmp_path / "run" / "renders").exists() and (tmp_path / "run" / "renders-held-out").is_dir()


def picture_shows_scenes_that_were_held_out(run: Path) -> None:
    views = first_screen.spread_views(run, 2)
    assert len({view // quickstart_scores.VIEWS_PER_SCENE for view in views}) == 2
    held_out = DepthFolder(run / "renders-held-out", "depth")
    for view in views:
        smaller = first_screen.render_again(view, 56)
        small = cv2.resize(held_out[view]["depth"], (56, 56), interpolation=cv2.INTER_AREA)
        # Another view of the same room, or another room, differs by a third and more.
        assert np.median(np.abs(smaller["depth"] / small - 1)) < 0.02
    picture = first_screen.draw(run, views, 56)
    side = first_screen.CELL_PIXELS
    assert picture.shape[0] >= 4 * side and picture.shape[1] >= 2 * side
