# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What `env` says for a bug report, and what it keeps to itself."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

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
    assert "none measured on this processor" in report()
    key = autotune._key("linear", torch.float32, False, "64")
    autotune._write_choices({key: True, key.replace("64", "128"): False, "another processor | ": True})
    assert "2 sizes measured on this processor with this torch, ours wins at 1" in report()
