# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Work done in threads a bounded number of items ahead of the one that is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar


Item = TypeVar("Item")
Answer = TypeVar("Answer")


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Answer], items: Iterable[Item], count: int
) -> Iterator[Answer]:
    """Map in the pool's threads: in order, at most `count` items beyond the one asked for.

    What has not begun when the caller stops is cancelled.
    """
    futures: deque[Future[Answer]] = deque()
    try:
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > count:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


__all__ = ["map_ahead"]
