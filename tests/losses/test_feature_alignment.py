# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Feature alignment against a NumPy loop, its gradient, and the tokens it ignores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from depth_anything_hf.losses.feature_alignment import feature_alignment_loss


def reference_alignment(student: np.ndarray, teacher: np.ndarray, tolerance: float) -> float:
    distances = []
    for mine, other in zip(student, teacher, strict=True):
        cosine = float(np.dot(mine, other) / (np.linalg.norm(mine) * np.linalg.norm(other)))
        if 1 - cosine >= tolerance:
            distances.append(1 - cosine)
    return sum(distances) / len(distances) if distances else 0.0


def test_gradcheck_of_feature_alignment() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda values: feature_alignment_loss(values, teacher), (student,))


@pytest.mark.parametrize("tolerance", [0.0, 0.15, 0.4])
def test_feature_alignment_equals_the_plain_loop(tolerance: float) -> None:
    generator = torch.Generator().manual_seed(23)
    teacher = torch.randn(3, 40, 8, generator=generator, dtype=torch.float64)
    student = teacher + 0.7 * torch.randn(3, 40, 8, generator=generator, dtype=torch.float64)
    expected = [reference_alignment(s, t, tolerance) for s, t in zip(student.numpy(), teacher.numpy(), strict=True)]
    value = feature_alignment_loss(student, teacher, tolerance)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6)
    assert sum(expected) > 0
    single = feature_alignment_loss(student.bfloat16(), teacher.bfloat16(), tolerance)
    assert single.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(feature_alignment_loss(student.bfloat16(), teacher.bfloat16(), tolerance), single)


def test_feature_alignment_ignores_aligned_tokens_and_the_teacher_gets_no_gradient() -> None:
    """Tokens at 1 - cos = 0, 0.1 and 1: only the last counts at tolerance 0.15."""
    teacher = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]], requires_grad=True)
    student = torch.tensor([[[2.0, 0.0], [0.9, math.sqrt(0.19)], [0.0, 3.0]]], requires_grad=True)
    value = feature_alignment_loss(student, teacher)
    assert value.tolist() == pytest.approx([1.0])
    value.sum().backward()
    assert teacher.grad is None
    assert student.grad is not None and (student.grad[0, :2] == 0).all() and student.grad[0, 2].abs().max() > 0


def test_feature_alignment_of_aligned_or_zero_features_is_finite() -> None:
    teacher = torch.rand(2, 5, 4)
    student = teacher.clone()
    student[1] = 0
    student.requires_grad_()
    value = feature_alignment_loss(student, teacher)
    value.sum().backward()
    assert value.tolist() == pytest.approx([0.0, 1.0])
    assert student.grad is not None and torch.isfinite(student.grad).all()


def test_feature_alignment_errors() -> None:
    with pytest.raises(ValueError, match=r"\(2, 5, 4\).*\(2, 5, 6\).*linear projector.*Linear\(4, 6\)"):
        feature_alignment_loss(torch.rand(2, 5, 4), torch.rand(2, 5, 6))
    with pytest.raises(ValueError, match=r"\(2, 5, 4\) and \(2, 6, 4\)"):
        feature_alignment_loss(torch.rand(2, 5, 4), torch.rand(2, 6, 4))
    broken = torch.rand(2, 5, 4)
    broken[1, 0, 0] = torch.inf
    with pytest.raises(ValueError, match=r"1 student features are not finite, in the images \[1\]"):
        feature_alignment_loss(broken, torch.rand(2, 5, 4))
