# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Two results of one picture beside each other: brought to one scale where that is free, and as they are in metres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from depth_anything_hf.demo.comparison import compare_results


def test_scale_and_shift_of_a_relative_model_do_not_count(relative):
    other = replace(relative, model="other", raw=(3 * relative.raw - 1).astype(np.float32))
    found = compare_results(relative, other, "gray")
    assert np.abs(found.first.astype(int) - found.second).max() <= 1
    assert "mean difference 0.0%" in found.text
    assert found.difference is not None and found.difference.max() <= found.difference.min() + 60


def test_a_reversed_model_is_told_and_not_turned_round(relative):
    found = compare_results(relative, replace(relative, model="other", raw=-relative.raw), "gray")
    assert found.difference is None and "other is reversed" in found.text
    assert np.abs(found.first.astype(int) + found.second - 255).max() <= 1


def test_metres_are_compared_as_they_are(metric):
    found = compare_results(metric, replace(metric, model="other", raw=metric.raw * np.float32(1.1)), "gray")
    assert "less than 10.0% of the first" in found.text
    assert not np.array_equal(found.first, found.second)


def test_what_cannot_be_compared_is_refused(relative):
    with pytest.raises(ValueError, match="results of one picture"):
        compare_results(relative, replace(relative, raw=relative.raw[:5]), "gray")
    with pytest.raises(ValueError, match="nothing to compare"):
        compare_results(relative, replace(relative, raw=np.full_like(relative.raw, np.nan)), "gray")
