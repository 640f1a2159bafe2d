# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Threads that encode labels and write shards behind the forward pass, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, TypeVar


Result = TypeVar("Result")

ENCODING_THREADS = min(4, os.cpu_count() or 1)
# Predicted maps that wait for their encoding, and groups of encoded rows that wait for the disk.
WAITING_MAPS = 2 * ENCODING_THREADS
WAITING_GROUPS = 2


class BackgroundThreads:
    """Several encoding threads and one writing thread; `encode` and `write` block while too much is waiting."""

    def __init__(self) -> None:
        self._encoders = ThreadPoolExecutor(ENCODING_THREADS, thread_name_prefix="encode")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._slots = BoundedSemaphore(WAITING_MAPS)
        self._writing: deque[Future[None]] = deque()

    def encode(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Call a function in one of the encoding threads, in any order."""
        self._slots.acquire()
        future = self._encoders.submit(function, *arguments)
        future.add_done_callback(lambda _: self._slots.release())
        return future

    def write(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function in the writing thread, in order; raises what an earlier call raised."""
        self._writing.append(self._writer.submit(function, *arguments))
        while len(self._writing) > WAITING_GROUPS or (self._writing and self._writing[0].done()):
            self._writing.popleft().result()

    def wait(self) -> None:
        """Wait until everything is written; raises what a call raised."""
        while self._writing:
            self._writing.popleft().result()

    def close(self) -> None:
        """Finish what was handed in, and end the threads."""
        # The writer waits for encoders, never the other way round.
        self._writer.shutdown()
        self._encoders.shutdown()
