# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Run scripts in processes forked from one that has imported everything, as starting Python for each takes seconds."""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from pathlib import Path

from kill_and_resume import run_processes


ONE_OF_SEVERAL = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def run_as_main(rank: int, script: str, words: list[str], folder: str) -> None:
    """Run a script in this process as Python runs it, alone where it is the only one."""
    if os.environ["WORLD_SIZE"] == "1":
        for name in ONE_OF_SEVERAL:
            del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.chdir(folder)
    sys.argv = [script, *words]
    runpy.run_path(script, run_name="__main__")


def run_script(script: Path, *words: object, processes: int = 1, folder: Path | None = None) -> str:
    """Run a script in a folder (None: the present one), and return what it printed; RuntimeError where it fails."""
    with tempfile.TemporaryDirectory() as place:
        output, arguments = Path(place, "output.txt"), [str(word) for word in words]
        run_processes(run_as_main, (str(script), arguments, str(folder or Path.cwd())), output, processes)
        return output.read_text(encoding="utf-8")
