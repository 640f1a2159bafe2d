# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Devices to plan for: the one here, known ones, and others by their numbers."""

from __future__ import annotations

import psutil
import pytest
import torch

from depth_anything_hf.training.devices import GPUS, find_device


def test_a_known_gpu_has_its_numbers_and_given_ones_win():
    found = find_device("H100")
    assert (found.memory / 2**30, found.half, found.single) == pytest.approx((79.1, 989e12, 67e12))
    other = find_device("h100", memory=40, teraflops=100)
    assert (other.memory, other.half, other.single) == (40 * 2**30, 1e14, 1e14)
    assert not any(find_device(name).is_cpu for name in GPUS)


def test_an_unknown_one_asks_for_what_is_missing():
    with pytest.raises(ValueError, match=r"device is 'abacus'.*'h100'.*give device_memory and device_tflops"):
        find_device("abacus")
    with pytest.raises(ValueError, match=r"give device_tflops"):
        find_device("abacus", memory=8)
    found = find_device("abacus", memory=8, teraflops=20)
    assert (found.name, found.memory, found.half) == ("abacus", 8 * 2**30, 2e13)


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks a machine without a GPU")
def test_the_cpu_here_has_the_memory_that_is_free():
    found = find_device("here")
    assert found.is_cpu and found.half is None and 0 < found.memory <= psutil.virtual_memory().total
    assert find_device("here", memory=2).memory == 2**31
