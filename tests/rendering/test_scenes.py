# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scenes by number are the same in every process."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.rendering.scenes import build_scene
from depth_anything_hf.rendering.view import (
    choose_camera,
    render_view,
)


pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")


def test_a_scene_with_several_lamps_is_lit_the_same_whenever_it_is_built() -> None:
    images = []
    for _ in range(3):
        scene = build_scene("varied", seed=0, scene_number=7)
        assert sum(shape.is_emitter() for shape in scene.mitsuba_scene.shapes()) == 3
        camera = choose_camera(scene, 0.75, [0])
        images.append(render_view(scene, camera, 24, 32, samples_per_pixel=1, denoise=False).image)
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])
