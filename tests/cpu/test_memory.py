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
memory.{setting}()
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


@pytest.mark.skipif(not HAS_GLIBC, reason="mallopt is glibc's")
def test_memory_that_is_kept_costs_no_page_faults() -> None:
    def faults(setting: str) -> int:
        script = FAULTS.format(setting=setting)
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return int(run.stdout)

    # 64 MiB are 16384 pages of 4 KiB; larger pages make them fewer.
    kept, returned = faults("keep_freed_memory"), faults("return_every_block")
    assert kept < returned / 4
