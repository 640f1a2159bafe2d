# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Normals as colours, and back."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.visualization.normal_maps import normals_from_picture, normals_to_picture


@pytest.mark.parametrize(
    ("normal", "colour"),
    [
        ((0, 0, -1), (128, 128, 255)),
        ((0, -1, 0), (128, 255, 128)),
        ((1, 0, 0), (255, 128, 128)),
        ((-1, 0, 0), (1, 128, 128)),
        ((np.nan, 0, 0), (0, 0, 0)),
    ],
    ids=["facing wall", "floor", "to the right", "to the left", "none"],
)
def test_colours_of_known_surfaces(normal: tuple[float, ...], colour: tuple[int, ...]) -> None:
    assert normals_to_picture(np.array([[normal]], float)).tolist() == [[list(colour)]]


def test_normals_come_back_to_half_a_step() -> None:
    normals = np.random.default_rng(0).normal(size=(20, 30, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[3, 4] = np.nan
    restored = normals_from_picture(normals_to_picture(normals))
    assert restored.dtype == np.float32 and np.isnan(restored[3, 4]).all()
    np.testing.assert_allclose(restored, normals, atol=1 / 127)
