# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that need other machines or much time run here on tiny models and pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    arguments = ["--height", "160", "--width", "213", "--side", "70", "--rounds", "1", "--folder", str(tmp_path)]
    run("preprocessing.py", *arguments, "--json", str(tmp_path / "preprocessing.json"))
    ways = {way["name"]: way for way in json.loads((tmp_path / "preprocessing.json").read_text())["ways"]}
    assert ways["ours, pillow"]["difference_to_transformers"] == 0
    assert ways["ours, opencv"]["difference_to_original"] < 2e-6
