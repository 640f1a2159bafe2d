# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What ends a run before its time: signals, steps without a finite gradient, and broken samples."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any


# EX_TEMPFAIL of sysexits.h: nothing is wrong, the same command will succeed later.
EXIT_CODE_SAVED = 75
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# A launcher hands on the signal that the whole process group may have got already; both together are one request.
ECHO_SECONDS = 1.0
# An evaluation or a slow checkpoint may come before a run that got a signal ends, and with it its readers.
READER_GRACE_SECONDS = 600
# Below this many broken samples their share says nothing.
FEW_BROKEN_SAMPLES = 10
# A scale for fp16 that halves at every overflow has by then fallen from any start to nothing.
MOST_OVERFLOWS_IN_A_ROW = 50


class RunInterrupted(SystemExit):
    """A run that a signal ended after saving its state: the process exits with code 75.

    Attributes:
        checkpoint: where the state is.
    """

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(EXIT_CODE_SAVED)
        self.checkpoint = checkpoint

    def __str__(self) -> str:
        return f"stopped by a signal; the state is in {self.checkpoint}, go on with --resume_from_checkpoint latest"


class StopSignals:
    """Context manager: remembers SIGTERM and SIGINT instead of ending the process, so that a run can save first.

    A second signal, a second or more after the first, ends the process at once. The earlier handlers come back at the
    end. Outside of the main thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._first_time = 0.0
        self._earlier: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._earlier = {number: signal.signal(number, self._remember) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier.items():
            # None stands for a handler that was not installed from Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        if self.received is None:
            self.received, self._first_time = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self._first_time >= ECHO_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


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


def too_many_broken(broken: int, read: int, largest_share: float) -> bool:
    """Whether the share of broken samples ends the run; up to ten never do.

    Args:
        broken: samples that could not be used.
        read: samples used so far.
        largest_share: of all samples tried, 0..1.
    """
    return broken > FEW_BROKEN_SAMPLES and broken > largest_share * (broken + read)


def too_many_overflows(in_a_row: int) -> bool:
    """Whether so many steps without a finite gradient in fp16 are no search for a scale any more."""
    return in_a_row > MOST_OVERFLOWS_IN_A_ROW


__all__ = [
    "EXIT_CODE_SAVED",
    "RunInterrupted",
    "StopSignals",
    "outlive_signals",
    "too_many_broken",
    "too_many_overflows",
]
