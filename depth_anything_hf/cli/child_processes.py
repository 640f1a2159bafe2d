# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The processes of one command on one machine: started, signalled, and waited for; none outlives its launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType

import typer


# As in `training.signals`, which imports torch.
EXIT_CODE_SAVED = 75
# After a process has failed: time for the others to notice, save and push before SIGTERM; and from there until they
# are killed.
SECONDS_TO_NOTICE, SECONDS_TO_STOP = 90.0, 30.0
POLL_SECONDS = 0.1
# A process whose launcher is gone looks so often, and has so long to save and push before it is ended.
SECONDS_BETWEEN_LOOKS, SECONDS_TO_SAVE = 1.0, 600.0


def run_processes(command: Sequence[str], environments: Sequence[Mapping[str, str]]) -> int:
    """Run one process for each environment, pass SIGTERM and SIGINT on to them, and wait for all.

    When a process fails, the others get a minute and a half to notice and to save; then they get SIGTERM.

    Returns:
        0; 75 if a signal ended the processes and they saved their state; else the code of the process that failed
        first, which is 128 + N after signal N.
    """
    children = [subprocess.Popen(command, env=dict(environment)) for environment in environments]

    def pass_on(number: int, _: FrameType | None) -> None:
        _tell(children, number)

    earlier = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return _wait(children)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for child in children:
            if child.poll() is None:
                child.kill()


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> int:
    failure: int | None = None
    deadlines = [(SECONDS_TO_NOTICE, signal.SIGTERM), (SECONDS_TO_NOTICE + SECONDS_TO_STOP, None)]
    failed_at = 0.0
    while None in (codes := [child.poll() for child in children]):
        failed = [code for code in codes if code not in (None, 0, EXIT_CODE_SAVED)]
        if failed and failure is None:
            failure, failed_at = failed[0], time.monotonic()
            _tell_of_signal(failure, codes.index(failure))
        if failure is not None and deadlines and time.monotonic() - failed_at > deadlines[0][0]:
            _tell(children, deadlines.pop(0)[1])
        time.sleep(POLL_SECONDS)
    if failure is None:
        failure = next((code for code in codes if code not in (0, EXIT_CODE_SAVED)), None)
        if failure is not None:
            _tell_of_signal(failure, codes.index(failure))
    if failure is not None:
        return failure if failure > 0 else 128 - failure
    return EXIT_CODE_SAVED if EXIT_CODE_SAVED in codes else 0


def _tell(children: Sequence[subprocess.Popen[bytes]], number: int | None) -> None:
    """Send a signal to the processes that still run; None ends them at once."""
    if os.name == "nt" and number == signal.SIGINT:
        # Windows sends Ctrl-C to every process of a console, and to none alone.
        return
    for child in children:
        if child.poll() is None:
            if number is None:
                child.kill()
            else:
                child.send_signal(number)


def _tell_of_signal(code: int, process: int) -> None:
    """Say that a process was ended from outside: it could not say so itself, and the others only miss it."""
    if code < 0:
        name = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
        memory = ", as the system does where memory runs out" if name == "SIGKILL" else ""
        typer.echo(f"process {process} of this machine was ended by {name}{memory}; the others stop", err=True)


def stop_without(launcher: int) -> None:
    """Watch the launcher of this process from a thread; when it is gone, stop as on SIGTERM, so that a run saves.

    A launcher that is killed can pass nothing on, and its processes would run on, holding GPUs and the run's folder.

    Args:
        launcher: number of its process.
    """
    import psutil

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(launcher)
            # Compares the time of the start too: numbers of processes are given again.
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        if os.name == "posix":
            # Unlike a signal that a thread raises, this one wakes the main thread.
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            # There os.kill would end the process at once.
            signal.raise_signal(signal.SIGTERM)
        time.sleep(SECONDS_TO_SAVE)
        # It waits for another process, where signals do not reach Python.
        os._exit(1)

    threading.Thread(target=watch, name="watch the launcher", daemon=True).start()


__all__ = ["EXIT_CODE_SAVED", "run_processes", "stop_without"]
