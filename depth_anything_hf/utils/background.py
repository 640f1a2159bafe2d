# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Items made in a thread of their own, a bounded number ahead of the one that is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar


Item = TypeVar("Item")


def run_ahead(items: Iterable[Item], count: int, *, name: str = "ahead", keep_newest: bool = False) -> Iterator[Item]:
    """Iterate in a thread: in order, at most `count` items beyond the one asked for.

    An error of the items is raised where they would have come. When the caller stops, the thread ends after the item
    that it is at, and the items are closed in it.

    Args:
        items: to iterate; none is made before the first one is asked for.
        count: items that may wait.
        name: of the thread.
        keep_newest: drop the oldest item that waits where there is no room, instead of waiting; for cameras.
    """
    line: _Line[Item] = _Line(items, count, keep_newest)
    thread = Thread(target=line.fill, name=name, daemon=True)
    thread.start()
    try:
        yield from line
    finally:
        line.stop()
        thread.join()


class _Line(Generic[Item]):
    """Items that wait, between the thread that makes them and the one that takes them."""

    def __init__(self, items: Iterable[Item], count: int, keep_newest: bool) -> None:
        self._items, self._count, self._keep_newest = items, count, keep_newest
        self._waiting: deque[Item] = deque()
        self._changed = Condition()
        self._is_stopped = self._is_at_end = False
        self._error: BaseException | None = None

    def fill(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as error:
            self._error = error
        finally:
            try:
                if hasattr(self._items, "close"):
                    self._items.close()
            finally:
                with self._changed:
                    self._is_at_end = True
                    self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_at_end)
                if not self._waiting:
                    break
                item = self._waiting.popleft()
                self._changed.notify_all()
            yield item
            # Not kept alive until the next one is there.
            del item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def _put(self, item: Item) -> bool:
        with self._changed:
            if self._keep_newest:
                while len(self._waiting) >= self._count:
                    self._waiting.popleft()
            self._changed.wait_for(lambda: self._is_stopped or len(self._waiting) < self._count)
            if not self._is_stopped:
                self._waiting.append(item)
                self._changed.notify_all()
            return not self._is_stopped
