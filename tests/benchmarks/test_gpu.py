# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmark for GPUs stops in time, and its parts run on a CPU too."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch


def test_the_gpu_benchmark_stops_in_time(harness: Any) -> None:
    gpu = importlib.import_module("gpu")
    run = gpu.Run("training", "tiny", "ours", 1)
    with pytest.raises(gpu.OutOfTime), gpu.stop_after(0.05), gpu.note_failure(run, torch.device("cpu")):
        time.sleep(30)
    assert run.error is None


@pytest.mark.slow
def test_the_gpu_benchmark_runs_without_a_gpu(tmp_path: Path, run: Callable[..., str]) -> None:
    run("gpu.py", "--device", "cpu", "--quick", "--output_dir", str(tmp_path))
    result = json.loads((tmp_path / "gpu-cpu.json").read_text())
    found = {(one["work"], one["contender"]): one for one in result["runs"]}
    works, contenders = ("labelling", "training"), ("stock", "ours")
    assert set(found) == {(work, contender) for work in works for contender in contenders}
    assert all(one["error"] is None and one["images_per_second"] > 0 for one in found.values())
    assert result["matrix_operations_per_second"] > 0 and not result["left_out"]
