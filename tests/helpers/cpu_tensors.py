# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Random tensors for CPU kernels, and the largest error allowed."""

from __future__ import annotations

import torch
from torch import Tensor


# Largest error allowed, as a share of the largest value.
TOLERANCES = {torch.float32: 2e-6, torch.bfloat16: 2**-6}


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_near(found: Tensor, expected: Tensor) -> None:
    error = (found.double() - expected).abs().max()
    assert error <= TOLERANCES[found.dtype] * expected.abs().max(), f"{error:.1e} of {expected.abs().max():.1e}"


def heads(tokens: int, dtype: torch.dtype, batch: int = 2) -> list[Tensor]:
    """Query, key and value (B, 3, N, 16) as projections give them, heads next to each other."""
    return [random(batch, tokens, 3, 16, dtype=dtype, seed=seed).transpose(1, 2) for seed in range(3)]
