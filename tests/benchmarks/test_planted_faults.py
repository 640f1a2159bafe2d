# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Each planted fault is named, nothing else is said, and the fields that are advised mend it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from checked_scenes import scene

from depth_anything_hf.data.checks.source_check import check_source


sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
planted_faults = importlib.import_module("planted_faults")
COUNT = 8
# Those that fields of a source mend.
MENDED = ("unit", "kind", "missing", "sky", "ray")


@pytest.fixture(scope="module")
def pairs():
    return [planted_faults.Pair(*scene(seed)) for seed in range(COUNT)]


@pytest.mark.slow
@pytest.mark.parametrize("fault", planted_faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named_and_its_advice_mends_it(fault, pairs, tmp_path):
    source = planted_faults.plant(pairs, fault, tmp_path / "planted")
    check = check_source(source, samples=None)
    is_right, said = planted_faults.judge(fault, check)
    assert is_right, said
    assert planted_faults.mend(source, fault, check) == ("yes" if fault.code in MENDED else "-")
