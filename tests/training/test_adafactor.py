# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Adafactor: the update of transformers' own, for matrices and vectors; kernels are matrices too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from depth_anything_hf.training.adafactor import Adafactor, factor_shapes


def moved(optimizer: Any, parameter: nn.Parameter, shape: tuple[int, ...]) -> Tensor:
    random = torch.Generator().manual_seed(1)
    for _ in range(4):
        parameter.grad = (torch.randn(shape, generator=random) * 3 + 1).to(parameter.dtype)
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize("shape", [(7, 5), (11,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrices_and_vectors_move_as_with_transformers(shape, dtype):
    from transformers.optimization import Adafactor as Reference

    start = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    own, other = (nn.Parameter(start.clone()) for _ in range(2))
    options = {"lr": 1e-2, "weight_decay": 0.1}
    ours = moved(Adafactor([own], **options), own, shape)
    theirs = moved(Reference([other], scale_parameter=False, relative_step=False, **options), other, shape)
    # A weight in bfloat16 may be rounded to its other neighbour, 2^-7 of it away, in each of four steps.
    bounds = {"rtol": 1e-6, "atol": 1e-7} if dtype == torch.float32 else {"rtol": 2**-7, "atol": 2**-8}
    torch.testing.assert_close(ours, theirs, **bounds)
    assert (ours - start).abs().mean() > 5e-3


def test_a_kernel_moves_as_the_matrix_of_its_outputs(make_tiny_model):
    start = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    kernel = nn.Parameter(start.clone().to(memory_format=torch.channels_last))
    matrix = nn.Parameter(start.flatten(1).clone())
    kernels, matrices = Adafactor([kernel], lr=1e-2), Adafactor([matrix], lr=1e-2)
    moved(kernels, kernel, (8, 4, 3, 3))
    moved(matrices, matrix, (8, 36))
    torch.testing.assert_close(kernel.detach().flatten(1), matrix.detach(), rtol=1e-6, atol=1e-7)
    assert [tuple(each) for each in factor_shapes(kernel)] == [(8,), (4, 3, 3)]
    kept = [value.numel() for value in kernels.state[kernel].values() if isinstance(value, Tensor)]
    assert sum(kept) == 8 + 36


def test_an_update_is_bounded_however_large_the_gradient():
    parameter = nn.Parameter(torch.zeros(16, 16))
    optimizer = Adafactor([parameter], lr=1e-2)
    for size in (1.0, 1e4):
        before = parameter.detach().clone()
        parameter.grad = torch.full((16, 16), size)
        optimizer.step()
        assert (parameter - before).square().mean().sqrt() <= 1.0001e-2
