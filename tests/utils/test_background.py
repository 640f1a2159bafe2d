# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Items made in a thread: in order, a bounded number ahead, errors in their place, an end on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from depth_anything_hf.utils.background import run_ahead


def test_items_come_in_order_and_are_made_in_a_thread_of_that_name():
    names = []

    def items() -> Iterator[int]:
        for number in range(20):
            names.append(threading.current_thread().name)
            yield number

    assert list(run_ahead(items(), 3, name="maker")) == list(range(20))
    assert set(names) == {"maker"}


def test_no_more_items_wait_than_asked_for():
    made = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    ahead = run_ahead(items(), 2)
    assert next(ahead) == 0
    until = time.monotonic() + 20
    while len(made) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)
    # One is given, two wait, and one is made that finds no room.
    assert len(made) == 4
    ahead.close()


def test_an_error_comes_behind_the_items_before_it():
    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"):
        seen.extend(run_ahead(items(), 5))
    ahead = run_ahead(items(), 5)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_who_stops_ends_the_thread_and_closes_the_items():
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed.set()

    before = threading.active_count()
    ahead = run_ahead(items(), 2)
    assert next(ahead) == 0
    ahead.close()
    assert closed.is_set() and threading.active_count() == before


def test_of_a_camera_the_newest_item_waits():
    is_asked_for, is_full, is_seen = threading.Event(), threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        is_asked_for.wait(5)
        yield from range(1, 100)
        is_full.set()
        is_seen.wait(5)
        yield 100

    ahead = run_ahead(items(), 1, keep_newest=True)
    assert next(ahead) == 0
    is_asked_for.set()
    assert is_full.wait(5) and next(ahead) == 99
    is_seen.set()
    assert list(ahead) == [100]
