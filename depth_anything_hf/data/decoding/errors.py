# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of samples that cannot be used, and how many of them abort a run."""

from __future__ import annotations


class BrokenSampleError(ValueError):
    """One sample cannot be used, while others can; the message names it and the reason."""


class UnreadableImageError(BrokenSampleError):
    """An image or label file cannot be decoded; the message names the file and the reason."""


# Below this many broken samples their share says nothing.
FEW_BROKEN_SAMPLES = 10


def too_many_broken(broken: int, read: int, largest_share: float) -> bool:
    """Return whether the share of broken samples must abort the run; up to ten never do.

    Args:
        broken: samples that could not be used.
        read: samples used so far.
        largest_share: of all samples tried, 0..1.
    """
    return broken > FEW_BROKEN_SAMPLES and broken > largest_share * (broken + read)
