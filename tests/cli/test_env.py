# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `env` says for a bug report, and what it keeps to itself."""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from command_line import run

from depth_anything_hf import __version__
from depth_anything_hf.cli.env import report
from depth_anything_hf.cpu import autotune, kernels


def test_the_report_names_versions_devices_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    result = run("env")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    for line in (
        f"- depth_anything_hf: {__version__}",
        f"- torch: {torch.__version__}",
        f"- transformers: {transformers.__version__}",
        f"- Python: {platform.python_version()}",
        "- OMP_NUM_THREADS: 3",
    ):
        assert line in lines
    for topic in ("processor", "cores", "memory", "GPU", "offline (HF_HUB_OFFLINE)", "cache", "choices"):
        assert any(line.startswith(f"- {topic}") for line in lines), topic


def test_paths_users_and_tokens_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "marie-curie")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/pierre"))
    monkeypatch.setattr(platform, "node", lambda: "radium-1")
    values = "/home/pierre/runs marie-curie@radium-1 hf_abcdefghijklmnop C:\\Users\\irene\\cache pierre/runs"
    monkeypatch.setenv("DEPTH_ANYTHING_HF_TEST", values)
    text = report()
    (line,) = [line for line in text.splitlines() if "DEPTH_ANYTHING_HF_TEST" in line]
    assert line == "- DEPTH_ANYTHING_HF_TEST: runs ***@*** hf_*** cache ***/runs"


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(autotune, "MEASUREMENTS_FILE", tmp_path / "cpu_kernels.json")
    monkeypatch.setattr(autotune, "_choices", {})
    monkeypatch.setattr(autotune, "SECONDS", 0.0)
    monkeypatch.setattr(autotune, "_busy_seconds", lambda: 0.0)
    return autotune.MEASUREMENTS_FILE


def test_kernel_choices_of_this_machine_are_counted(measurements: Path) -> None:
    assert "none measured on this CPU" in report()
    now = datetime.now(timezone.utc).isoformat()
    keys = [autotune._key(kernels.linear_case(rows, 64, 64)) for rows in (64, 128)]
    entries = {key: autotune.Measurement(key == keys[0], 0.9, 0.0, now) for key in (*keys, "another processor | ")}
    autotune._write(entries)
    assert "2 sizes measured on this CPU with this torch; our kernels are faster for 1" in report()


def test_kernels_are_measured_again_where_that_is_asked_for(
    measurements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = kernels.cases_of(64, 300)
    monkeypatch.setattr(kernels, "cases_of", lambda width, tokens: small if (width, tokens) == (384, 1370) else [])
    result = run("env", "--remeasure")
    assert result.exit_code == 0, result.output
    assert "6 sizes measured on this CPU with this torch" in result.output
    line = r"^- attention \| bfloat16 \| training \| 256x1x64: (ours|PyTorch's) \(ours takes \d+\.\d\d of the time; "
    assert re.search(line + r"load of others 0%\)$", result.output, flags=re.MULTILINE)
    stored = measurements.read_text()
    assert "not kept" not in result.output and len(json.loads(stored)) == 6
    run("env")
    assert measurements.read_text() == stored
    monkeypatch.setattr(autotune, "_busy_seconds", lambda: 8 * (os.cpu_count() or 1) * time.perf_counter())
    result = run("env", "--remeasure")
    assert result.output.count("not kept") == 6 and "none measured on this CPU" in result.output


def test_gpus_are_named_with_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="NVIDIA H100 80GB HBM3", total_memory=80 * 2**30, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91300)
    lines = report().splitlines()
    assert "- GPU 0: NVIDIA H100 80GB HBM3, 80.0 GiB, compute capability 9.0" in lines
    assert "- GPU 1: NVIDIA H100 80GB HBM3, 80.0 GiB, compute capability 9.0" in lines
    assert "- GPU software: CUDA 13.0, cuDNN 91300" in lines
