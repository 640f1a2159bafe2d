# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Engines that would tell their makers of every import do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from depth_anything_hf.export.telemetry import without_telemetry


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "false"):
        monkeypatch.delenv("CI", raising=False)
        if before is not None:
            monkeypatch.setenv("CI", before)
        with without_telemetry():
            assert os.environ["CI"] == "true"
        assert os.environ.get("CI") == before


def test_openvino_leaves_no_identifier_at_home(tmp_path: Path) -> None:
    pytest.importorskip("openvino_telemetry")
    pytest.importorskip("openvino")
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    done = subprocess.run(
        [sys.executable, "-c", "import depth_anything_hf.export.openvino_file"],
        env={**environment, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
