# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Codes of 16 bits: back to half a step, in one range as long as values fit, without a clipped one."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.inference.video.codes import CodeRanges, decode_codes


def values(low: float, high: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (40, 50)).astype(np.float32)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 200), (1e-4, 2e-4), (900, 1000)])
def test_values_come_back_to_half_a_step(low, high):
    ranges = CodeRanges()
    frame = values(low, high)
    codes = ranges.encode(0, frame, "disparity")
    (only,) = ranges.ranges
    step = (only.maximum - only.minimum) / 65_534
    assert codes.dtype == np.uint16 and codes.min() >= 1
    assert step < 1.6 * (high - low) / 65_534
    allowed = 0.52 * step + np.abs(frame).max() * 2**-23
    assert np.abs(decode_codes(codes, 0, ranges.ranges) - frame).max() <= allowed


def test_a_range_stays_while_values_fit_and_grows_where_they_do_not():
    ranges = CodeRanges()
    frames = [values(0, 1), values(-0.1, 1.1), values(0, 3), values(0.5, 2)]
    codes = [ranges.encode(index, frame, "disparity") for index, frame in enumerate(frames)]
    assert [each.first_frame for each in ranges.ranges] == [0, 2]
    assert ranges.ranges[1].minimum == ranges.ranges[0].minimum
    for index, (code, frame) in enumerate(zip(codes, frames, strict=True)):
        np.testing.assert_allclose(decode_codes(code, index, ranges.ranges), frame, atol=5e-5)
    # Those of a later run go on with the ranges alone.
    again = CodeRanges([list(each) for each in ranges.ranges[:1]])
    np.testing.assert_array_equal(again.encode(2, frames[2], "disparity"), codes[2])


def test_pixels_without_a_value_have_code_0():
    depth = values(1, 5)
    depth[0, :4] = [0, -1, np.nan, np.inf]
    ranges = CodeRanges()
    codes = ranges.encode(0, depth, "depth")
    assert codes[0, :4].tolist() == [0, 0, 0, 0] and (codes[1:] > 0).all()
    found = decode_codes(codes, 0, ranges.ranges)
    assert np.isnan(found[0, :4]).all()
    np.testing.assert_allclose(found[1:], depth[1:], atol=1e-4)
    assert ranges.ranges[0].minimum >= 0
    nothing = CodeRanges()
    empty = np.full((3, 4), np.nan, np.float32)
    assert not nothing.encode(0, empty, "disparity").any() and nothing.ranges == []
    assert np.isnan(decode_codes(np.zeros((3, 4), np.uint16), 0, [])).all()


def test_a_flat_frame_has_a_range():
    ranges = CodeRanges()
    flat = np.full((3, 4), 7, np.float32)
    np.testing.assert_allclose(decode_codes(ranges.encode(0, flat, "disparity"), 0, ranges.ranges), flat, rtol=1e-6)


def test_a_known_clip_has_one_range_for_all_frames():
    ranges = CodeRanges.of_clip(0.0, 4.0)
    for index, frame in enumerate([values(0, 1), values(2, 4)]):
        np.testing.assert_allclose(
            decode_codes(ranges.encode(index, frame, "disparity"), index, ranges.ranges), frame, atol=4e-5
        )
    assert len(ranges.ranges) == 1


def test_the_step_is_that_of_the_widest_range():
    assert CodeRanges().step == 0
    ranges = CodeRanges.of_clip(0.0, 65.534)
    assert ranges.step == pytest.approx(1e-3)
    ranges.encode(5, values(1, 1000), "depth")
    assert ranges.step > 1000 / 65_534
