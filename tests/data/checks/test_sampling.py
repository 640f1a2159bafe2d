# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples are spread evenly, by a seed."""

from __future__ import annotations

from depth_anything_hf.data.checks.sampling import spread_indices


def test_one_sample_of_each_stretch_is_taken_by_the_seed():
    assert spread_indices(3, None) == spread_indices(3, 5) == [0, 1, 2]
    found = spread_indices(1_000_000, 100, seed=4)
    assert [index // 10_000 for index in found] == list(range(100))
    assert found == spread_indices(1_000_000, 100, seed=4) != spread_indices(1_000_000, 100, seed=5)
