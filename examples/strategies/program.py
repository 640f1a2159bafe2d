# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Run a command of `depth-anything-hf` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_command(words: Sequence[str], log: Path, *, threads: int = 1, use_cpu: bool = True) -> None:
    """Run a command and keep what it says; one that is complete already says so and does nothing.

    Args:
        words: of the command, without the program's name.
        log: file that its output is added to.
        threads: of the process.
        use_cpu: whatever GPU there is.

    Raises:
        RuntimeError: it failed; the message has the end of its output.
    """
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        **({"ACCELERATE_USE_CPU": "true"} if use_cpu else {}),
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as output:
        command = [sys.executable, "-m", "depth_anything_hf.cli", *words]
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"'{' '.join(words[:2])}' failed with exit code {done.returncode}; see {log}\n{said}")
