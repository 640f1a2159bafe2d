# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The program for GPUs divides its time, keeps one part's failure from the others, and its parts run on a CPU too."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import pytest
import torch


BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def part(harness: Any) -> Any:
    """Imports a module of `gpu_parts`; `harness` has put the benchmarks' folder on the path."""

    def open_module(name: str) -> ModuleType:
        return importlib.import_module(f"gpu_parts.{name}")

    return open_module


def run_gpu(out: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the program dry; returns its exit code and its summary."""
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--dry", "--out", str(out), *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert (out / "summary.json").exists(), done.stdout + done.stderr
    return done.returncode, json.loads((out / "summary.json").read_text())


def limits(plan: Any, total: float, spent: dict[str, float], *names: str) -> dict[str, float]:
    """What each part gets when the parts take as long as `spent` says, or all that they get."""
    chosen, left, found = plan.choose(names), total, {}
    for each in chosen:
        found[each.name] = plan.seconds_for(each, chosen, total, left)
        left -= min(found[each.name], spent.get(each.name, found[each.name]))
    return found


def test_nine_minutes_are_enough_for_all_parts(part: Any) -> None:
    plan = part("plan")
    found = limits(plan, 540, {})
    assert list(found) == ["env", "tests", "speed", "student"]
    assert all(found[each.name] >= each.least for each in plan.PARTS)
    assert sum(found.values()) <= 540 - plan.SUMMARY_SECONDS


def test_the_student_gets_what_the_others_leave(part: Any) -> None:
    plan = part("plan")
    found = limits(plan, 540, {"env": 5, "tests": 100, "speed": 120})
    assert found["student"] == pytest.approx(540 - 225 - plan.SUMMARY_SECONDS)
    assert limits(plan, 300, {}, "speed") == {"speed": 300 - plan.SUMMARY_SECONDS}


@pytest.mark.parametrize("total", [30, 60, 90, 120, 180, 300])
def test_a_short_run_leaves_parts_out_and_ends_in_time(part: Any, total: float) -> None:
    plan = part("plan")
    found = limits(plan, total, {})
    assert sum(found.values()) <= total - plan.SUMMARY_SECONDS
    assert all(not seconds or seconds >= each.least for each, seconds in zip(plan.PARTS, found.values(), strict=True))
    assert found["env"] >= 8 and (found["student"] == 0) == (total < 156)


def test_unknown_parts_are_refused(part: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown parts sped; expected some of env, tests, speed, student"):
        part("plan").choose(["sped", "env"])


def test_commands_name_what_there_is(part: Any, tmp_path: Path) -> None:
    plan = part("plan")
    settings = plan.Settings(
        tmp_path / "out", tmp_path / "work", tmp_path / "data", tmp_path / "original", "--rounds 1"
    )
    words = {each.name: plan.command(each, settings, 99.6) for each in plan.PARTS}
    files = [word for word in words["tests"] if word.endswith(".py")]
    assert len(files) >= 4 and all((plan.ROOT / name).is_file() for name in files)
    assert words["speed"][-4:] == ["--original", str(tmp_path / "original"), "--rounds", "1"]
    assert words["student"][words["student"].index("--seconds") + 1] == "100"
    own = {"PYTHONPATH": "mine"}
    assert plan.environment(settings, own)["PYTHONPATH"].endswith(f"{os.pathsep}mine")
    assert "CUDA_VISIBLE_DEVICES" not in plan.environment(settings, own)


def test_a_part_is_ended_with_all_that_it_started(part: Any, tmp_path: Path) -> None:
    waiting = "[sys.executable, '-S', '-c', 'import time; time.sleep(60)']"
    program = f"import subprocess, sys, time\nchild = subprocess.Popen({waiting})"
    program += "\nprint(child.pid, flush=True)\ntime.sleep(60)"
    log, start = tmp_path / "log.txt", time.monotonic()
    outcome = part("processes").run_part("part", [sys.executable, "-S", "-c", program], 1.5, log, os.environ, tmp_path)
    child = int(log.read_text())
    assert (outcome.status, outcome.reason) == ("stopped", f"stopped after 2 s; last line: {child}")
    assert time.monotonic() - start < 10
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_part_that_fails_says_how(part: Any, tmp_path: Path) -> None:
    processes = part("processes")
    outcome = processes.run_part(
        "part", [sys.executable, "-c", "1 / 0"], 30, tmp_path / "log.txt", os.environ, tmp_path
    )
    assert outcome.status == "failed" and "exit code 1" in outcome.reason and "ZeroDivisionError" in outcome.reason


def test_a_part_counts_its_imports_as_time(part: Any) -> None:
    processes = part("processes")
    age = time.time() - psutil.Process().create_time()
    assert processes.time_left(100) == pytest.approx(95 - age, abs=1)


def test_the_first_part_runs_dry(tmp_path: Path) -> None:
    code, found = run_gpu(tmp_path / "out", "--parts", "env")
    assert code == 0 and [(each["name"], each["status"]) for each in found["parts"]] == [("env", "done")]
    assert "- torch: " in (tmp_path / "out" / "log.txt").read_text()
    assert "| env | done |" in (tmp_path / "out" / "summary.md").read_text()


def test_speed_stops_in_time(part: Any) -> None:
    speed = part("speed")
    run = speed.Run("training", "tiny", "ours", 1)
    with pytest.raises(speed.OutOfTime), speed.stop_after(0.05), speed.note_failure(run, torch.device("cpu")):
        time.sleep(30)
    assert run.error is None


def test_depth_is_rounded_to_a_ten_thousandth(part: Any) -> None:
    depth = np.concatenate([np.random.default_rng(0).uniform(0.1, 90, 999).astype(np.float32), [np.inf, np.nan, 0]])
    depth = depth.astype(np.float32)
    rounded = part("data").round_depth(depth)
    assert rounded.dtype == np.float32 and np.abs(rounded[:999] / depth[:999] - 1).max() < 2.5e-4
    assert np.array_equal(rounded[999:], depth[999:], equal_nan=True)
    assert not np.any(rounded[:999].view(np.uint32) & 0xFFF)


@pytest.mark.long
def test_speed_is_measured_without_a_gpu(tmp_path: Path) -> None:
    code, summary = run_gpu(tmp_path, "--parts", "speed")
    result = summary["speed"]
    found = {(one["work"], one["contender"]): one for one in result["runs"]}
    works, contenders = ("labelling", "training"), ("stock", "ours")
    assert code == 0 and set(found) == {(work, contender) for work in works for contender in contenders}
    assert all(one["error"] is None and one["images_per_second"] > 0 for one in found.values())
    assert result["matrix_operations_per_second"] > 0 and not result["left_out"]


@pytest.mark.long
def test_a_student_is_trained_scored_and_drawn_without_a_gpu(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    code, summary = run_gpu(tmp_path, "--parts", "student")
    assert code == 0, (tmp_path / "log.txt").read_text()[-3000:]
    stages = [stage["name"] for stage in summary["student"]["stages"]]
    assert stages == ["copy images", "timed steps", "train teacher", "label", "train student", "score"]
    assert {"teacher", "student", "mean map"} <= set(summary["student"]["scores"])
    assert (tmp_path / "student.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "data" / "renders" / "render.json").read_text())["depth"]


@pytest.mark.slow
def test_without_images_the_student_says_how_to_make_them(part: Any, tmp_path: Path) -> None:
    processes, plan = part("processes"), part("plan")
    settings = plan.Settings(tmp_path, tmp_path / "work", tmp_path / "data")
    command = plan.command(plan.choose(["student"])[0], settings, 60)
    variables = plan.environment(settings, os.environ)
    outcome = processes.run_part("student", command, 100, tmp_path / "log.txt", variables, plan.ROOT)
    assert outcome.status == "failed" and "gpu.py --prepare" in outcome.reason
