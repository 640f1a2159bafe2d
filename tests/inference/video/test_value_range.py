# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Percentiles of a clip in bounded memory."""

from __future__ import annotations

import json

import numpy as np
import pytest

from depth_anything_hf.inference.video.value_range import ClipRange


def test_percentiles_of_many_frames():
    random, found, everything = np.random.default_rng(0), ClipRange(), []
    for number in range(300):
        values = random.normal(number / 100, 1, (20, 30)).astype(np.float32)
        found.add(values)
        everything.append(values)
    state = found.state_dict()
    assert found.frames == 300 and sum(level is not None for level in state["levels"]) <= 9
    for low, high in ((2, 98), (0.5, 99.5), (25, 50)):
        expected = np.percentile(np.stack(everything), [low, high])
        np.testing.assert_allclose(found.limits(low, high), expected, atol=0.15)


def test_outliers_and_what_is_not_finite_do_not_count():
    found = ClipRange()
    values = np.linspace(0, 1, 10000).reshape(100, 100)
    values[0, :5], values[0, 5:8], values[0, 8:10] = 1e9, np.nan, np.inf
    for _ in range(5):
        found.add(values)
    assert found.limits() == pytest.approx((0.005, 0.995), abs=0.01)
    found.add(np.full((3, 3), np.nan))
    assert found.frames == 5
    with pytest.raises(ValueError, match="no frame with finite values"):
        ClipRange().limits()


def test_going_on_from_a_state_is_the_same():
    random = np.random.default_rng(0)
    frames = random.normal(size=(13, 10, 10))
    whole, first, second = ClipRange(), ClipRange(), ClipRange()
    for number, values in enumerate(frames):
        whole.add(values)
        if number < 6:
            first.add(values)
    state = first.state_dict()
    state["levels"] = [None if each is None else each.tolist() for each in state["levels"]]
    second.load_state_dict(json.loads(json.dumps(state)))
    for values in frames[6:]:
        second.add(values)
    assert second.limits() == whole.limits()
