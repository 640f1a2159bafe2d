# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Work in threads keeps the order, stays a bounded number ahead, and ends with its caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from depth_anything_hf.utils.map_ahead import map_ahead


def test_the_order_is_kept_whichever_is_done_first() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(10)
        elif number == 1:
            second_is_done.set()
        return 10 * number

    with ThreadPoolExecutor(2) as pool:
        assert list(map_ahead(pool, work, range(5), count=2)) == [0, 10, 20, 30, 40]


def test_at_most_so_many_items_are_read_ahead() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    with ThreadPoolExecutor(1) as pool:
        answers = map_ahead(pool, str, items(), count=3)
        assert not read
        assert next(answers) == "0" and len(read) == 4
        assert next(answers) == "1" and len(read) == 5
        answers.close()
    assert len(read) == 5


def test_what_has_not_begun_is_cancelled_with_its_caller() -> None:
    begun: list[int] = []
    may_go_on = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            assert may_go_on.wait(10)
        return number

    with ThreadPoolExecutor(1) as pool:
        answers = map_ahead(pool, work, range(9), count=5)
        assert next(answers) == 0
        answers.close()
        may_go_on.set()
    assert set(begun) <= {0, 1}


def test_an_error_is_raised_in_its_turn() -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = map_ahead(pool, lambda number: 1 // number, [1, 0, 1], count=1)
        assert next(answers) == 1
        with pytest.raises(ZeroDivisionError):
            next(answers)
