# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C put off while what is under way must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_put_off() -> Iterator[None]:
    """Context manager: Ctrl-C that comes inside has its effect at the end.

    Outside of the main thread, where Ctrl-C never comes, nothing is done.

    Raises:
        KeyboardInterrupt: at the end, where it came and its effect is the usual one.
    """
    handler = signal.getsignal(signal.SIGINT)
    # None: not Python's; it cannot be brought back.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(signal.SIGINT, None)
