# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Freed memory is kept or returned with glibc, and nothing is touched anywhere else."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable

import pytest

from depth_anything_hf.cpu.memory import keep_freed_memory, return_every_block, return_freed_memory


HAS_GLIBC = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"

# Counts the minor page faults of an array that is freed and made again.
FAULTS = """
import resource
import numpy as np
from depth_anything_hf.cpu import memory
{settings}
np.ones(2**23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize("system", ["Windows", "Darwin"])
@pytest.mark.parametrize("setting", [keep_freed_memory, return_every_block])
def test_other_systems_are_left_alone(
    system: str, setting: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "libc_ver", lambda: pytest.fail("the C library of another system was asked for"))
    assert setting() is False
    return_freed_memory()


def faults(*calls: str) -> int:
    script = FAULTS.format(settings="; ".join(calls))
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not HAS_GLIBC, reason="mallopt is glibc's")
def test_memory_that_is_kept_costs_no_page_faults_until_it_is_given_back() -> None:
    # 64 MiB are 16384 pages of 4 KiB; larger pages make them fewer.
    kept = faults("memory.keep_freed_memory()")
    for others in (["return_every_block"], ["keep_freed_memory", "stop_keeping_memory"]):
        assert kept < faults(*(f"memory.{name}()" for name in others)) / 4


@pytest.mark.skipif(not HAS_GLIBC, reason="mallopt is glibc's")
def test_settings_that_somebody_else_has_made_stay() -> None:
    by_others = "c = memory._c_library(); c.mallopt(memory.MAPPINGS, 0); c.mallopt(memory.TRIM_THRESHOLD, -1)"
    assert faults(by_others, "memory.stop_keeping_memory()") < faults("memory.return_every_block()") / 4
