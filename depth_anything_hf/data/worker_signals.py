# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Signals in the worker processes of a data loader."""

from __future__ import annotations

import os
import signal
import time


# A launcher forwards a signal that the whole process group may have got already: both together are one request.
ECHO_SECONDS = 1.0
# After a signal a run may still finish an evaluation or a slow checkpoint, and needs its workers until then.
WORKER_GRACE_SECONDS = 600


def outlive_signals() -> None:
    """Keep this worker process alive through signals to its process group, until the training process has saved.

    SIGINT is ignored. After SIGTERM the process ends ten minutes later, unless the end of the run has ended it
    before; another SIGTERM at least a second later ends it at once, as it ends the run.

    On Windows only SIGINT is handled: there a process is terminated from outside without a signal.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, "SIGALRM"):
        return
    signal.signal(signal.SIGALRM, _exit_without_error)
    first_time: list[float] = []

    def exit_later(*_: object) -> None:
        if not first_time:
            first_time.append(time.monotonic())
            signal.alarm(WORKER_GRACE_SECONDS)
        elif time.monotonic() - first_time[0] >= ECHO_SECONDS:
            _exit_without_error()

    signal.signal(signal.SIGTERM, exit_later)


def _exit_without_error(*_: object) -> None:
    # The training process takes a worker that dies of a signal, or with another status, for an error.
    os._exit(0)


__all__ = ["outlive_signals"]
