# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What each treatment does to values and limits, and that a state goes on bit for bit."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.video.limits import WholeClip, disparity_limits
from depth_anything_hf.inference.video.treatment import Treatment
from depth_anything_hf.utils.option_errors import OptionError


RANDOM = np.random.default_rng(0)
IMAGE = cv2.resize(RANDOM.integers(0, 256, (12, 16, 3), dtype=np.uint8), (160, 120))
VALUES = cv2.resize(RANDOM.uniform(1, 3, (6, 8)).astype(np.float32), (160, 120))


def disturbed(count: int) -> list[np.ndarray]:
    """One still scene as a relative model sees it: with another scale and shift in every frame."""
    random = np.random.default_rng(1)
    scales, shifts = random.uniform(0.8, 1.25, count), random.uniform(-0.2, 0.2, count)
    return [np.float32(scale) * VALUES + np.float32(shift) for scale, shift in zip(scales, shifts, strict=True)]


def changes(frames: list[np.ndarray]) -> float:
    """Mean change from frame to frame."""
    return float(np.mean([np.abs(after - before).mean() for before, after in pairwise(frames)]))


def test_alignment_brings_a_still_scene_to_one_scale():
    treatment, frames = Treatment("align", "disparity"), disturbed(8)
    treated = [treatment(IMAGE, frame, index / 30) for index, frame in enumerate(frames)]
    assert changes([each.values for each in treated]) < 0.05 * changes(frames)
    for each, frame in zip(treated, frames, strict=True):
        np.testing.assert_allclose(each.values, each.scale * frame + each.shift, rtol=1e-5)


@pytest.mark.parametrize(("mode", "kind"), [("none", "disparity"), ("range", "disparity"), ("align", "depth")])
def test_other_treatments_leave_the_values(mode, kind):
    clip = WholeClip()
    for frame in disturbed(3):
        clip.add(frame, kind)
    treatment = Treatment(mode, kind, clip=clip if mode == "range" else None)
    for index, frame in enumerate(disturbed(3)):
        treated = treatment(IMAGE, frame, index / 30)
        np.testing.assert_array_equal(treated.values, frame)
        assert (treated.scale, treated.shift) == (1, 0)
        if mode != "align":
            assert treated.limits == (clip.limits if mode == "range" else disparity_limits(frame, kind))


def test_smoothing_takes_noise_away():
    random = np.random.default_rng(2)
    frames = [VALUES + random.normal(0, 0.02, VALUES.shape).astype(np.float32) for _ in range(8)]
    treatment = Treatment("none", "disparity", smooth=True)
    smooth = [treatment(IMAGE, frame, index / 30).values for index, frame in enumerate(frames)]
    assert changes(smooth) < 0.6 * changes(frames)


@pytest.mark.parametrize("form", ["disparity", "log"])
def test_a_calibration_comes_after_the_alignment_of_the_disparity(form):
    calibration = Calibration(form, 0.5 if form == "disparity" else -1.0, 0.1, 3, 0, 0.02, 0.0, 9.0)
    plain, metric = Treatment("align", "disparity"), Treatment("align", "disparity", calibration=calibration)
    assert metric.kind == "depth"
    metres = []
    for index, frame in enumerate(disturbed(8)):
        aligned, treated = plain(IMAGE, frame, index / 30), metric(IMAGE, frame, index / 30)
        np.testing.assert_array_equal(treated.values, calibration.apply(aligned.values))
        assert (treated.scale, treated.shift) == (aligned.scale, aligned.shift)
        metres.append(treated.values)
    unaligned = [calibration.apply(frame) for frame in disturbed(8)]
    # Those of the first frame stay.
    np.testing.assert_array_equal(metres[0], unaligned[0])
    assert changes(metres) < 0.1 * changes(unaligned)


def test_a_state_goes_on_bit_for_bit():
    whole, first, second = (Treatment("align", "disparity", smooth=True) for _ in range(3))
    frames = disturbed(6)
    expected = [whole(IMAGE, frame, index / 30) for index, frame in enumerate(frames)]
    for index in range(3):
        first(IMAGE, frames[index], index / 30)
    second.load_state_dict(first.state_dict())
    for index in range(3, 6):
        treated = second(IMAGE, frames[index], index / 30)
        np.testing.assert_array_equal(treated.values, expected[index].values)
        assert treated[1:] == expected[index][1:]


def test_unknown_ones_are_refused():
    with pytest.raises(OptionError, match="temporal must be one of"):
        Treatment("median", "disparity")
    with pytest.raises(OptionError, match="needs a pass over the whole clip"):
        Treatment("range", "disparity")
    with pytest.raises(ValueError, match="smooth must be true or false, got 'a little'"):
        Treatment("align", "disparity", "a little")
    assert Treatment("align", "disparity", "no")._alignment.smooth is False
