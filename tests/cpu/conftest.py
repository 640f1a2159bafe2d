# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of CPU kernels: numbers of threads, the setting, and a file of measurements of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from depth_anything_hf.cpu import autotune, kernels
from depth_anything_hf.cpu.autotune import set_cpu_kernels


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture
def setting() -> Iterator[None]:
    before = set_cpu_kernels("auto")
    yield
    set_cpu_kernels(before)


@pytest.fixture
def convolutions(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The outputs of linear layers that were computed as convolutions."""
    outputs: list[torch.Tensor] = []

    def convolution_linear(*tensors: torch.Tensor) -> torch.Tensor:
        outputs.append(kernels_convolution(*tensors))
        return outputs[-1]

    kernels_convolution = kernels.convolution_linear
    monkeypatch.setattr(kernels, "convolution_linear", convolution_linear)
    return outputs


@pytest.fixture
def own_measurements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: None) -> Path:
    file = tmp_path / "folder" / "measured.json"
    monkeypatch.setattr(autotune, "MEASUREMENTS_FILE", file)
    monkeypatch.setattr(autotune, "_choices", {})
    return file
