# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Signals that stop a run: it ends its step, saves, and exits with a code of its own."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from ..data.worker_signals import ECHO_SECONDS


# EX_TEMPFAIL of sysexits.h: nothing is wrong, the same command will succeed later.
EXIT_CODE_SAVED = 75
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class RunInterrupted(SystemExit):
    """A run that a signal ended after saving its state: the process exits with code 75.

    Attributes:
        checkpoint: where the state is.
    """

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(EXIT_CODE_SAVED)
        self.checkpoint = checkpoint

    def __str__(self) -> str:
        return f"stopped by a signal; checkpoint saved to {self.checkpoint}, resume with resume_from_checkpoint latest"


class StopSignals:
    """Context manager: records SIGTERM and SIGINT instead of ending the process, so that a run can save first.

    A second signal, a second or more after the first, ends the process at once; in a notebook or a Python shell, whose
    process is to stay, a second SIGINT raises KeyboardInterrupt. The earlier handlers come back at the end. Outside of
    the main thread, where Python allows no handlers, it does nothing.
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
            if number == signal.SIGINT and _is_interactive():
                raise KeyboardInterrupt
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _is_interactive() -> bool:
    # IPython and its kernels add a builtin, Python's own shell has a prompt.
    return hasattr(builtins, "get_ipython") or hasattr(sys, "ps1")


__all__ = ["EXIT_CODE_SAVED", "RunInterrupted", "StopSignals"]
