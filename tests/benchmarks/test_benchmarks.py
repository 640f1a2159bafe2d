# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks run here on tiny models and pictures, and what they share on contenders that do next to nothing."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor


BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("harness")


def doubling(value: float) -> Callable[[], Tensor]:
    return lambda: 2 * torch.arange(1.0, 1 + value)


def sleeping(seconds: float) -> Callable[[], None]:
    return lambda: time.sleep(seconds)


def failing() -> Callable[[], None]:
    raise ValueError("no such engine")


@pytest.mark.slow
def test_contenders_take_turns_in_processes_of_their_own(harness: Any) -> None:
    quick = harness.Contender("quick", doubling, (100.0,), keeps_memory=True)
    slow = harness.Contender("slow", sleeping, (60.0,))
    timings = harness.measure([quick, slow], rounds=2, threads=1, longest=0.5)
    assert [len(getattr(timings[0], name)) for name in harness.Run._fields] == [2] * 4
    assert timings[0].largest_difference == 0 and timings[0].peak_memory_bytes > 2**24
    assert timings[1].left_out == "its first run took more than 0.5 s" and not timings[1].wall
    lines = harness.table(timings).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1


@pytest.mark.slow
def test_a_failure_of_a_contender_is_told_with_its_name(harness: Any) -> None:
    with pytest.raises(RuntimeError, match=r"engine X: (.|\n)*no such engine"):
        harness.measure([harness.Contender("engine X", failing)], rounds=1, threads=1)


@pytest.mark.parametrize(
    ("name", "keeps"), [("stock", False), ("stock_bf16_kept", True), ("ours_bf16", True), ("ours_returned", False)]
)
def test_a_name_says_whether_its_process_keeps_memory(harness: Any, name: str, keeps: bool) -> None:
    assert harness.Contender.named(name, doubling, 1.0).keeps_memory == keeps
    assert harness.bare(name) in ("stock", "stock_bf16", "ours_bf16", "ours")


def test_differences_are_shares_of_the_range_of_the_reference(harness: Any) -> None:
    timing = harness.Timing("one")
    timing.compare(torch.tensor([0.0, 4.0, 5.0]), torch.tensor([0.0, 4.0, 8.0]))
    assert timing.largest_difference == 3 / 8 and timing.mean_difference == 1 / 8


def test_the_gpu_benchmark_stops_in_time(harness: Any) -> None:
    gpu = importlib.import_module("gpu")
    run = gpu.Run("training", "tiny", "ours", 1)
    with pytest.raises(gpu.OutOfTime), gpu.stopped_after(0.05), gpu.noted_failure(run, torch.device("cpu")):
        time.sleep(30)
    assert run.error is None


@pytest.mark.long
def test_the_training_benchmark_compares_equal_gradients(tmp_path: Path) -> None:
    arguments = ["--side", "70", "--batch", "1", "--rounds", "1", "--precision", "float64", "--threads", "1"]
    run("training_step.py", *arguments, "--contenders", "stock,ours", "--json", str(tmp_path / "training.json"))
    timings = json.loads((tmp_path / "training.json").read_text())["timings"]
    assert timings[0]["gradient_difference"] == 0 and timings[1]["gradient_difference"] < 1e-6


@pytest.mark.long
def test_the_mixed_sizes_benchmark_notes_memory_by_fifths(tmp_path: Path) -> None:
    arguments = ["--count", "10", "--input_size", "56", "--rounds", "1", "--threads", "1"]
    run("mixed_sizes.py", *arguments, "--json", str(tmp_path / "mixed.json"))
    result = json.loads((tmp_path / "mixed.json").read_text())
    assert {len(found["mebibytes_by_fifth"]) for found in result["memory"].values()} == {5}
    assert result["random_to_sorted"]["wall"] > 0


@pytest.mark.slow
def test_the_gpu_benchmark_runs_without_a_gpu(tmp_path: Path) -> None:
    run("gpu.py", "--device", "cpu", "--quick", "--output_dir", str(tmp_path))
    result = json.loads((tmp_path / "gpu-cpu.json").read_text())
    found = {(one["work"], one["contender"]): one for one in result["runs"]}
    works, contenders = ("labelling", "training"), ("stock", "ours")
    assert set(found) == {(work, contender) for work in works for contender in contenders}
    assert all(one["error"] is None and one["images_per_second"] > 0 for one in found.values())
    assert result["matrix_operations_per_second"] > 0 and not result["left_out"]


@pytest.mark.slow
def test_the_loss_benchmark_compares_equal_gradients(tmp_path: Path) -> None:
    arguments = ["--batch", "2", "--side", "56", "--rounds", "1", "--json", str(tmp_path / "losses.json")]
    run("losses.py", *arguments)
    timings = json.loads((tmp_path / "losses.json").read_text())["timings"]
    # Where several pixels have the median's value, another one may get its gradient.
    assert all(timing["mean_difference"] < 1e-6 for timing in timings)


@pytest.mark.slow
def test_the_preprocessing_benchmark_compares_equal_pixels(tmp_path: Path) -> None:
    arguments = ["--height", "160", "--width", "213", "--side", "70", "--rounds", "1"]
    run("preprocessing.py", *arguments, "--json", str(tmp_path / "preprocessing.json"))
    ways = {way["name"]: way for way in json.loads((tmp_path / "preprocessing.json").read_text())["ways"]}
    assert ways["ours, pillow"]["difference_to_transformers"] == 0
    assert ways["ours, opencv"]["difference_to_original"] < 2e-6
