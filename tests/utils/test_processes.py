# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Accelerate is told about CPUs where several processes have no GPU, and only there."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator

from depth_anything_hf.utils.processes import make_accelerator, needs_cpu_backend


@pytest.mark.parametrize(
    ("environment", "device", "needs"),
    [
        ({}, None, False),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None, False),
        ({"RANK": "0", "WORLD_SIZE": "2"}, None, True),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "mps", True),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "cuda", False),
        # As Slurm sets for a job whose script starts one process by itself.
        ({"WORLD_SIZE": "2"}, None, False),
    ],
)
def test_gloo_is_asked_for_where_processes_have_no_gpu(monkeypatch, environment, device, needs):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: device is not None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(device or "cpu"))
    assert needs_cpu_backend() is needs


def test_one_process_gets_a_plain_accelerator(fresh_accelerate):
    accelerator = make_accelerator(mixed_precision="no")
    assert isinstance(accelerator, Accelerator) and accelerator.num_processes == 1
