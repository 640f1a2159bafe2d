# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several processes: signals, exit codes, and that none outlives its launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from depth_anything_hf.cli import child_processes
from depth_anything_hf.cli.child_processes import run_processes
from depth_anything_hf.training.signals import EXIT_CODE_SAVED


def test_the_code_of_a_saved_run_is_that_of_training():
    assert child_processes.EXIT_CODE_SAVED == EXIT_CODE_SAVED


def run(code: str, count: int = 2) -> int:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return run_processes(command, [{**os.environ, "RANK": str(rank)} for rank in range(count)])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("import os, sys; sys.exit(75)", 75),
        ("import os, sys; sys.exit(75 * int(os.environ['RANK']))", 75),
        ("import os, sys; sys.exit(2)", 2),
        ("import os, sys, time; time.sleep(int(os.environ['RANK'])); sys.exit(3 + int(os.environ['RANK']))", 3),
        ("import os, sys; sys.exit([75, 1][int(os.environ['RANK'])])", 1),
        ("import os; os.kill(os.getpid(), 9)", 137),
    ],
)
def test_exit_codes(code, expected):
    assert run(code) == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_all_processes_and_what_was_saved_counts(tmp_path, number):
    code = f"""
        import os, pathlib, signal, sys, time
        def save(*_):
            time.sleep(0.5 * int(os.environ["RANK"]))
            sys.exit(75)
        signal.signal({int(number)}, save)
        pathlib.Path({str(tmp_path)!r}, os.environ["RANK"]).touch()
        time.sleep(60)
    """

    def stop() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    earlier = signal.getsignal(number)
    threading.Thread(target=stop).start()
    start = time.monotonic()
    assert run(code) == 75
    assert time.monotonic() - start < 30 and signal.getsignal(number) is earlier


def test_a_failed_process_ends_the_others_in_time(monkeypatch):
    monkeypatch.setattr(child_processes, "SECONDS_TO_NOTICE", 0.2)
    monkeypatch.setattr(child_processes, "SECONDS_TO_STOP", 0.2)
    code = """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.environ["RANK"] == "1":
            sys.exit(4)
        time.sleep(60)
    """
    start = time.monotonic()
    assert run(code) == 4
    assert time.monotonic() - start < 20


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_process_that_was_ended_from_outside_is_named(capfd):
    code = """
        import os, time
        if os.environ["RANK"] == "1":
            os.kill(os.getpid(), 9)
        time.sleep(0.5)
    """
    assert run(code) == 137
    assert "process 1 of this machine was ended by SIGKILL, as the system does where memory" in capfd.readouterr().err


@pytest.mark.parametrize("already", [True, False])
def test_a_process_stops_and_saves_when_its_launcher_is_killed(tmp_path, already):
    code = f"""
        import pathlib, signal, sys, time
        from depth_anything_hf.cli import child_processes
        def save(*_):
            pathlib.Path({str(tmp_path / "saved")!r}).touch()
            sys.exit(75)
        signal.signal(signal.SIGTERM, save)
        child_processes.SECONDS_BETWEEN_LOOKS = 0.1
        child_processes.stop_without(int(sys.argv[1]))
        print("watching", flush=True)
        time.sleep(1 if {already} else 0)
        time.sleep(60)
    """
    launcher = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    if already:
        launcher.kill()
        launcher.wait()
    command = [sys.executable, "-c", textwrap.dedent(code), str(launcher.pid)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert already or process.stdout.readline() == b"watching\n"
        # Killed, and not yet waited for by its own parent.
        launcher.kill()
        assert process.wait(timeout=60) == 75 and (tmp_path / "saved").exists()
    finally:
        process.kill()
        process.communicate()
        launcher.kill()
        launcher.wait()


def test_a_process_that_cannot_stop_is_ended(tmp_path):
    code = """
        import signal, sys, time
        from depth_anything_hf.cli import child_processes
        signal.signal(signal.SIGTERM, lambda *_: None)
        child_processes.SECONDS_TO_SAVE = 0.2
        child_processes.stop_without(int(sys.argv[1]))
        while True:
            time.sleep(1)
    """
    gone = max(psutil.pids()) + 1_000_000
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(gone)])
    try:
        assert process.wait(timeout=60) == 1
    finally:
        process.kill()
        process.wait()
