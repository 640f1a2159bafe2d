# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Run Python programs in processes forked from one that has imported everything: starting each anew takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import cv2
from kill_and_resume import run_processes


ONE_OF_SEVERAL = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def fork_what_is_spawned() -> None:
    """Let processes that this one would spawn be forked from it, which spares them their imports."""
    usual = multiprocessing.get_context
    # Its threads do not survive a fork.
    cv2.setNumThreads(1)

    def forking(method: str | None = None) -> Any:
        return usual("fork" if method == "spawn" else method)

    vars(multiprocessing)["get_context"] = forking


def run_as_main(
    rank: int, words: Sequence[str], folder: str, environment: Mapping[str, str], forks: bool = False
) -> None:
    """Do in this process what Python does with words: `-m MODULE ...`, or `SCRIPT ...`."""
    if forks:
        fork_what_is_spawned()
    if os.environ["WORLD_SIZE"] == "1":
        for name in ONE_OF_SEVERAL:
            del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    is_module = words[0] == "-m"
    sys.argv = list(words[1:] if is_module else words)
    if is_module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
        runpy.run_path(sys.argv[0], run_name="__main__")


def run_python(
    *words: object,
    processes: int = 1,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    forks: bool = False,
) -> str:
    """Run a program and return what it printed; RuntimeError where it fails.

    Args:
        words: what stands behind `python` on a command line.
        processes: as `torchrun` starts them, where they are several.
        folder: in which it runs; None: the present one.
        environment: variables beside those of this process.
        forks: what the program spawns by `multiprocessing.get_context("spawn")` is forked instead.
    """
    with tempfile.TemporaryDirectory() as place:
        output, place_of_work = Path(place, "output.txt"), str(folder or Path.cwd())
        arguments = (
            [str(word) for word in words],
            place_of_work,
            {"HF_HUB_OFFLINE": "1", **(environment or {})},
            forks,
        )
        run_processes(run_as_main, arguments, output, processes, timeout=300)
        return output.read_text(encoding="utf-8")


def _run(
    command: Sequence[str], env: Mapping[str, str], stdout: IO[str] | None = None, stderr: int | None = None
) -> subprocess.CompletedProcess[str]:
    assert command[0] == sys.executable
    try:
        code, printed = 0, run_python(*command[1:], environment=env)
    except RuntimeError as error:
        code, printed = 1, str(error)
    (stdout or sys.stdout).write(printed)
    return subprocess.CompletedProcess(command, code)


# What stands for the module `subprocess` in programs that start others by its `run`.
FORKING: Any = SimpleNamespace(run=_run, STDOUT=subprocess.STDOUT)
