# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the benchmarks: their folder on the path, and a way to run one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forked_scripts import run_python


BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("harness")


@pytest.fixture
def run() -> Callable[..., str]:
    """Run a benchmark in a process of its own: (script, *arguments) -> what it printed."""

    def run_script(script: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(BENCHMARKS / script), *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_script


@pytest.fixture
def run_forked() -> Callable[..., str]:
    """Run a benchmark as `run` does, with nothing to import for it and its contenders; memory is not theirs alone."""

    def run_script(script: str, *arguments: str) -> str:
        return run_python(BENCHMARKS / script, *arguments, environment={"OMP_NUM_THREADS": "1"}, forks=True)

    return run_script
