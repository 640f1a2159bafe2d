# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about cameras and frames, and what is said without Mitsuba."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cameras import CAMERAS

from depth_anything_hf.rendering.scene_geometry import Camera, load_mitsuba, rotation


pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")


@pytest.mark.parametrize("camera", CAMERAS)
def test_camera_axes_are_a_right_handed_frame(camera: Camera) -> None:
    right, up, forward = camera.axes()
    axes = np.stack([right, up, forward])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(right, forward), up, atol=1e-12)


def test_rotation_about_any_axis_is_rigid() -> None:
    turned = rotation((3.0, -1.0, 2.0), 77)[:3, :3]
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)
    np.testing.assert_allclose(rotation((0, 0, 5), 90)[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_missing_mitsuba_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(ImportError, match=r"depth_anything_hf\[render\]"):
        load_mitsuba()
