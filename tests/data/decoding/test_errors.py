# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Broken samples end a run by their share, once there are more than a few."""

from __future__ import annotations

import pytest

from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError, too_many_broken


@pytest.mark.parametrize(
    ("broken", "read", "share", "ends"),
    [(10, 0, 0.0, False), (11, 0, 0.5, True), (11, 11, 0.5, False), (12, 11, 0.5, True), (11, 10**6, 0.0, True)],
)
def test_the_share_of_broken_samples_ends_a_run(broken: int, read: int, share: float, ends: bool) -> None:
    assert too_many_broken(broken, read, share) is ends


def test_an_unreadable_file_is_a_broken_sample() -> None:
    assert issubclass(UnreadableImageError, BrokenSampleError)
    assert issubclass(BrokenSampleError, ValueError)
