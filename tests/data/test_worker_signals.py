# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Workers of a data loader live through signals to their process group, on systems with and without alarms."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest


WORKER = """
import sys, time
from depth_anything_hf.data import worker_signals
worker_signals.WORKER_GRACE_SECONDS, worker_signals.ECHO_SECONDS = int(sys.argv[1]), 0.3
worker_signals.outlive_signals()
print("reads", flush=True)
time.sleep(60)
"""

WORKER_ON_WINDOWS = """
import signal
del signal.SIGALRM, signal.alarm
from depth_anything_hf.data.worker_signals import outlive_signals
outlive_signals()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
signal.raise_signal(signal.SIGINT)
print("reads", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process from outside without a signal")
@pytest.mark.parametrize(("grace", "signals", "at_least"), [(1, 1, 0.9), (30, 2, 0.5)])
def test_a_worker_outlives_a_signal_and_ends_without_an_error(grace: int, signals: int, at_least: float) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(grace)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "reads\n"
    start = time.monotonic()
    worker.send_signal(signal.SIGINT)
    for _ in range(signals):
        # The second one right after the first is its echo.
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.9)
    assert worker.wait(timeout=20) == 0
    assert time.monotonic() - start >= at_least
    worker.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="has no alarm to take away")
def test_a_worker_without_alarms_ignores_an_interrupt_and_keeps_the_rest() -> None:
    command = [sys.executable, "-c", WORKER_ON_WINDOWS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "reads\n"), done.stderr
