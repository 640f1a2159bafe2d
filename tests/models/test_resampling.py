# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matrices of bicubic weights against PyTorch's interpolation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from depth_anything_hf.models.resampling import bicubic_matrix, resample


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", [(5, 9), (16, 3), (7, 7), (1, 40)])
def test_it_is_the_interpolation_of_pytorch(size: tuple[int, int], antialias: bool) -> None:
    maps = torch.randn(2, 3, 7, 11, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps, size=size, mode="bicubic", align_corners=False, antialias=antialias)
    rows = bicubic_matrix(size[0], 7, 7 / size[0], antialias=antialias)
    columns = bicubic_matrix(size[1], 11, 11 / size[1], antialias=antialias)
    torch.testing.assert_close(resample(maps, rows, columns), expected, rtol=0, atol=4e-6)


@pytest.mark.parametrize("antialias", [False, True])
def test_the_same_length_changes_nothing(antialias: bool) -> None:
    assert torch.equal(bicubic_matrix(9, 9, 1.0, antialias=antialias), torch.eye(9))
