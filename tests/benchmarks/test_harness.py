# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Contenders take turns in processes of their own, and are compared with a reference."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor


def doubling(value: float) -> Callable[[], Tensor]:
    return lambda: 2 * torch.arange(1.0, 1 + value)


def sleeping(seconds: float) -> Callable[[], None]:
    return lambda: time.sleep(seconds)


def failing() -> Callable[[], None]:
    raise ValueError("no such engine")


@pytest.mark.slow
def test_contenders_take_turns_in_processes_of_their_own(harness: Any) -> None:
    quick = harness.Contender("quick", doubling, (100.0,), keeps_memory=True)
    slow = harness.Contender("slow", sleeping, (60.0,))
    timings = harness.measure([quick, slow], rounds=2, threads=1, longest=0.5)
    assert [len(getattr(timings[0], name)) for name in harness.Run._fields] == [2] * 4
    assert timings[0].largest_difference == 0 and timings[0].peak_memory_bytes > 2**24
    assert timings[1].left_out == "its first run took more than 0.5 s" and not timings[1].wall
    lines = harness.table(timings).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1


@pytest.mark.slow
def test_a_failure_of_a_contender_is_told_with_its_name(harness: Any) -> None:
    with pytest.raises(RuntimeError, match=r"engine X: (.|\n)*no such engine"):
        harness.measure([harness.Contender("engine X", failing)], rounds=1, threads=1)


@pytest.mark.parametrize(
    ("name", "keeps"), [("stock", False), ("stock_bf16_kept", True), ("ours_bf16", True), ("ours_returned", False)]
)
def test_a_name_says_whether_its_process_keeps_memory(harness: Any, name: str, keeps: bool) -> None:
    assert harness.Contender.from_name(name, doubling, 1.0).keeps_memory == keeps
    assert harness.bare(name) in ("stock", "stock_bf16", "ours_bf16", "ours")


def test_differences_are_shares_of_the_range_of_the_reference(harness: Any) -> None:
    timing = harness.Timing("one")
    timing.compare(torch.tensor([0.0, 4.0, 5.0]), torch.tensor([0.0, 4.0, 8.0]))
    assert timing.largest_difference == 3 / 8 and timing.mean_difference == 1 / 8


def test_options_of_a_result_are_written_as_json(harness: Any, tmp_path: Any) -> None:
    arguments = Namespace(size="small", batch=2, device=torch.device("cpu"), json=tmp_path / "result.json")
    harness.write_result(arguments.json, harness.settings_of(arguments))
    assert json.loads(arguments.json.read_text()) == {"size": "small", "batch": 2, "device": "cpu"}
