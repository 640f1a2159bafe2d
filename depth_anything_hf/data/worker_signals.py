# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Signals in the worker processes of a data loader."""

from __future__ import annotations

import os
import signal
import time


# A launcher hands on the signal that the whole process group may have got already; both together are one request.
ECHO_SECONDS = 1.0


# An evaluation or a slow checkpoint may come before a run that got a signal ends, and with it its readers.
READER_GRACE_SECONDS = 600


def outlive_signals() -> None:
    """To be called in a process that reads data: a signal to the whole group must not end it before the run has saved.

    SIGINT is ignored. SIGTERM ends the process ten minutes later, unless it has ended by itself as the run did; one
    more, a second or later, ends it at once, as it ends the run.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _end_well)
    first_time: list[float] = []

    def end_later(*_: object) -> None:
        if not first_time:
            first_time.append(time.monotonic())
            signal.alarm(READER_GRACE_SECONDS)
        elif time.monotonic() - first_time[0] >= ECHO_SECONDS:
            _end_well()

    signal.signal(signal.SIGTERM, end_later)


def _end_well(*_: object) -> None:
    # A reader that dies of a signal, or with another status, is an error in the process that trains.
    os._exit(0)


__all__ = ["outlive_signals"]
