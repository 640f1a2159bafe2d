# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `env` says for a bug report, and what it keeps to itself."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from command_line import run

from depth_anything_hf import __version__
from depth_anything_hf.cli.env import report


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


def test_kernel_choices_of_this_machine_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from depth_anything_hf.cpu import autotune

    monkeypatch.setattr(autotune, "MEASUREMENTS_FILE", tmp_path / "cpu_kernels.json")
    assert "none measured on this CPU" in report()
    key = autotune._key("linear", torch.float32, False, "64")
    autotune._write_choices({key: True, key.replace("64", "128"): False, "another processor | ": True})
    assert "2 sizes measured on this CPU with this torch; our kernels are faster for 1" in report()


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
