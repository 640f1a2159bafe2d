# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A part in a process of its own, with its log, ended when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


SECONDS_TO_END = 5.0
# A part that watches its own time ends so long before it would be ended.
MARGIN_SECONDS = 5.0
LAST_LINES = 15

DONE, FAILED, STOPPED, LEFT_OUT = "done", "failed", "stopped", "left out"


@dataclass
class Outcome:
    """What became of a part.

    Attributes:
        status: done, failed (it ended with an error), stopped (its time was over) or left out.
        reason: why, where it is not done.
    """

    name: str
    status: str
    seconds: float = 0.0
    limit: float = 0.0
    reason: str = ""


def run_part(
    name: str, command: Sequence[str], limit: float, log: Path, environment: Mapping[str, str], folder: Path
) -> Outcome:
    """Run a command until it ends or its time is over; with it end all processes that it has started.

    Args:
        name: of the part.
        command: its words.
        limit: seconds.
        log: gets all that it prints.
        environment: its variables.
        folder: where it runs.
    """
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # After an interruption of this process, too; and what a part leaves behind would disturb the next one.
            _end(process)
    seconds = time.monotonic() - start
    if code == 0:
        return Outcome(name, DONE, seconds, limit)
    if code is None:
        return Outcome(name, STOPPED, seconds, limit, f"stopped after {limit:.0f} s; last line: {_last(log, 1)}")
    return Outcome(name, FAILED, seconds, limit, f"exit code {code}: {_last(log, LAST_LINES)}")


def time_left(limit: float) -> float:
    """Return the seconds that are left to this process of those that a part was given, imports counted in."""
    import psutil

    begun: float = psutil.Process().create_time()
    return limit - (time.time() - begun) - MARGIN_SECONDS


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and those of its session, first politely."""
    for number in ("SIGTERM", "SIGKILL"):
        try:
            if os.name == "posix":
                os.killpg(process.pid, getattr(signal, number))
            elif process.poll() is None:
                process.kill()
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            continue
        if number == "SIGTERM":
            # The others of the session have had as long as the first one to end.
            time.sleep(0.2)


def _last(log: Path, count: int) -> str:
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = deque((line.rstrip() for line in lines if line.strip()), maxlen=count)
    return "\n".join(found) or "nothing was printed"
