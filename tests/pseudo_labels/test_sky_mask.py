# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Sky by two teachers is what both see far and smooth."""

from __future__ import annotations

import numpy as np

from depth_anything_hf.pseudo_labels.sky_mask import sky_by_teachers


def test_sky_is_where_both_teachers_are_far_and_smooth() -> None:
    depth = np.full((60, 80), 79.0, dtype=np.float32)
    depth[40:] = 10
    depth[10:30, 20:40] = np.random.default_rng(0).choice([45, 79], (20, 20))
    fused = 1 / depth
    fused[:10, 60:] = 1 / 20
    found = sky_by_teachers(fused.astype(np.float32), depth, 80)
    assert found[:38, :18].all() and not found[40:].any()
    assert not found[:10, 62:].any() and found[12:38, 45:].all()
    assert found[12:28, 22:38].mean() < 0.5
    assert not sky_by_teachers(None, depth, 80).any()
