# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bilinear upsampling without PyTorch, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from depth_anything_hf.inference.upsampling import resize_bilinear


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((56, 70), (60, 80)),
        ((518, 686), (1080, 1431)),
        ((42, 42), (42, 42)),
        ((70, 56), (33, 20)),
        ((14, 98), (1, 300)),
        ((1, 14), (5, 3)),
        ((43, 29), (3, 1)),
    ],
)
def test_it_is_that_of_pytorch_with_aligned_corners(old: tuple[int, int], new: tuple[int, int]) -> None:
    one = np.random.default_rng(0).standard_normal(old).astype(np.float32)
    expected = F.interpolate(torch.from_numpy(one)[None, None], size=new, mode="bilinear", align_corners=True)[0, 0]
    resized = resize_bilinear(one, new)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected.numpy(), rtol=0, atol=2e-6 * np.ptp(one))
