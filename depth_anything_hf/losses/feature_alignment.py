# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Feature alignment of a student with a frozen encoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ._maps import DIVERGED, check_finite_on_cpu, no_autocast, working_precision


def feature_alignment_loss(student: Tensor, teacher: Tensor, tolerance: float = 0.15) -> Tensor:
    """Average `1 - cosine` between student and frozen features over tokens that are not aligned yet (V1 §3.3).

    A token whose `1 - cosine` is below the tolerance is ignored: the student need not copy the frozen encoder exactly,
    which gives all parts of an object the same features (V1 takes 0.15 = 1 - 0.85).

    Args:
        student: (B, N, C), features of the N tokens, no class token.
        teacher: (B, N, C), features of the frozen encoder; no gradient flows into them.
        tolerance: `1 - cosine` below which a token is ignored.

    Returns:
        (B,), between 0 and 2; 0 for an image of which every token is ignored.

    Raises:
        ValueError: for shapes that differ or (on the CPU) features that are not finite.
    """
    if student.ndim != 3 or teacher.ndim != 3 or student.shape[:2] != teacher.shape[:2]:
        raise ValueError(
            "student and teacher features must have the same shape (B, N, C), got "
            f"{tuple(student.shape)} and {tuple(teacher.shape)}."
        )
    if student.shape[2] != teacher.shape[2]:
        raise ValueError(
            f"student features {tuple(student.shape)} and teacher features {tuple(teacher.shape)} differ in width; "
            "project the student's to the teacher's with a linear projector, "
            f"torch.nn.Linear({student.shape[2]}, {teacher.shape[2]})."
        )
    with no_autocast(student):
        precision = working_precision(student, teacher)
        student, teacher = student.to(precision), teacher.detach().to(precision)
        check_finite_on_cpu(student, "student features are not finite", DIVERGED)
        check_finite_on_cpu(teacher, "teacher features are not finite", DIVERGED)
        distance = 1 - F.cosine_similarity(student, teacher, dim=-1)
        kept = distance >= tolerance
        return torch.where(kept, distance, 0).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
