# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples are spread evenly, by a seed."""

from __future__ import annotations

import pytest

from depth_anything_hf.data.checks.sampling import spread_indices


def test_one_sample_of_each_stretch_is_taken_by_the_seed():
    assert spread_indices(3, None) == spread_indices(3, 5) == [0, 1, 2]
    found = spread_indices(1_000_000, 100, seed=4)
    assert [index // 10_000 for index in found] == list(range(100))
    assert found == spread_indices(1_000_000, 100, seed=4) != spread_indices(1_000_000, 100, seed=5)


@pytest.mark.parametrize(("count", "wanted"), [(101, 100), (150, 100), (75, 32), (1999, 100), (17, 16)])
def test_no_sample_is_taken_twice_which_would_be_a_copy_of_itself(count, wanted):
    for seed in range(20):
        found = spread_indices(count, wanted, seed)
        assert len(set(found)) == wanted and found == sorted(found)
        assert found[0] >= 0 and found[-1] < count
