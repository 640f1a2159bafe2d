# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Limits of the colours: of a frame, following, and of a whole clip; with their states."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.inference.video.limits import FollowingLimits, WholeClip, disparity_limits
from depth_anything_hf.visualization.colour_maps import colour_limits


def ramp(low: float, high: float, size: tuple[int, int] = (50, 40)) -> np.ndarray:
    values = np.linspace(low, high, size[0] * size[1], dtype=np.float32)
    return np.random.default_rng(0).permutation(values).reshape(size)


def test_the_limits_of_a_frame_are_those_of_a_picture():
    assert disparity_limits(ramp(1, 5), "disparity") == pytest.approx(colour_limits(ramp(1, 5)))
    depth = 1 / ramp(1, 5)
    assert disparity_limits(depth, "depth") == pytest.approx(colour_limits(ramp(1, 5)), rel=1e-5)
    # Of many pixels a sample tells.
    assert disparity_limits(ramp(1, 5, (900, 700)), "disparity") == pytest.approx((1.08, 4.92), abs=0.02)
    nothing = np.full((4, 5), np.nan, dtype=np.float32)
    assert disparity_limits(nothing, "disparity") == (0.0, 0.0)


def test_following_limits_widen_fast_and_narrow_slowly_and_a_cut_sets_them():
    limits = FollowingLimits()
    first = limits(ramp(4, 5), "disparity", 0.0, False)
    assert first == disparity_limits(ramp(4, 5), "disparity")
    wide = disparity_limits(ramp(0, 10), "disparity")
    widened = limits(ramp(0, 10), "disparity", 0.3, False)
    assert widened == pytest.approx([(a + b) / 2 for a, b in zip(first, wide, strict=True)])
    narrowed = limits(ramp(4, 5), "disparity", 3.0, False)
    assert narrowed == pytest.approx([(a + b) / 2 for a, b in zip(first, widened, strict=True)])
    assert limits(ramp(3, 4), "disparity", 0.03, True) == disparity_limits(ramp(3, 4), "disparity")


def test_a_state_goes_on_bit_for_bit():
    whole, first, second = FollowingLimits(), FollowingLimits(), FollowingLimits()
    frames = [ramp(i, 2 * i + 1) for i in range(6)]
    expected = [whole(frame, "disparity", 0.04, False) for frame in frames]
    for frame in frames[:3]:
        first(frame, "disparity", 0.04, False)
    second.load_state_dict(first.state_dict())
    assert [second(frame, "disparity", 0.04, False) for frame in frames[3:]] == expected[3:]


def test_a_whole_clip_has_its_extremes_and_one_pair_of_limits():
    clip = WholeClip()
    for i in range(10):
        clip.add(ramp(i, i + 1), "disparity")
    assert (clip.minimum, clip.maximum) == (0, 10)
    low, high = clip.limits
    assert 0 <= low < 0.5 and 9.5 < high <= 10
    again = WholeClip()
    again.load_state_dict(clip.state_dict())
    assert again.limits == clip.limits and again.maximum == 10
