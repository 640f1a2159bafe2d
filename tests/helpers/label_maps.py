# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions and labels of every awkward kind, for the tests of metrics."""

from __future__ import annotations

import numpy as np


def make_maps(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    depth = np.exp(random.uniform(-1, 4, (29, 37))).astype(np.float32)
    disparity = (1 / depth + random.normal(0, 0.2, depth.shape)).astype(np.float32)
    mask = random.random(depth.shape) < 0.8
    if kind == "one per cent valid":
        mask = random.random(depth.shape) < 0.01
        mask[3, 4] = True
    elif kind == "single valid pixel":
        mask = np.zeros(depth.shape, dtype=bool)
        mask[5, 6] = True
    elif kind == "constant prediction":
        disparity = np.full(depth.shape, 0.1, dtype=np.float32)
    elif kind == "constant label":
        depth = np.full(depth.shape, 3.7, dtype=np.float32)
    elif kind == "negative aligned disparity":
        # A few very near pixels pull the line so steep that far ones fall below zero.
        depth[0, :3] = 0.01
        mask[0, :3] = True
        disparity = (-np.log(depth) + random.normal(0, 1.0, depth.shape)).astype(np.float32)
    depth[~mask] = np.nan
    return disparity, depth, mask


KINDS = [
    "random",
    "one per cent valid",
    "single valid pixel",
    "constant prediction",
    "constant label",
    "negative aligned disparity",
]
