# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps in HDF5: Spring's disparity at twice the size, Hypersim's distance along rays."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_maps import hdf5
from public_datasets import genuine

from depth_anything_hf.data.decoding.depth_maps import LabelRules, read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError


def test_spring_has_twice_the_rows_and_columns() -> None:
    disparity = np.arange(1, 49, dtype=np.float32).reshape(6, 8)
    disparity[0, 0], disparity[2, 2], disparity[4, 4] = np.nan, np.inf, 0
    expected = np.where(np.isfinite(disparity), disparity, np.nan)[::2, ::2]
    content = hdf5(disparity=disparity)
    np.testing.assert_array_equal(read_label(content, encoding="spring"), expected)
    metres = read_label(content, encoding="dsp5:focal=1000")
    np.testing.assert_allclose(metres, np.where(expected == 0, np.inf, 65 / np.where(expected == 0, 1, expected)))
    with pytest.raises(UnreadableImageError, match="with the array 'disparity'"):
        read_label(hdf5(other=disparity), encoding="spring")


def test_hypersim_becomes_planar_by_its_camera() -> None:
    content = hdf5(dataset=np.full((768, 1024), 5, np.float16))
    with pytest.raises(ValueError, match=r"distance along rays, .* 'hypersim:fx=\.\.\.'"):
        read_label(content, encoding="hypersim")
    assert (read_label(content, encoding="hypersim:ray=keep") == 5).all()
    planar = read_label(content, encoding="hypersim:fx=886.81")
    x, y = (0 - 511.5) / 886.81, (0 - 383.5) / 886.81
    assert planar[0, 0] == pytest.approx(5 / np.sqrt(1 + x * x + y * y))
    np.testing.assert_allclose(planar[383, 511], 5, rtol=1e-5)
    by_angle = read_label(content, encoding="hypersim:fov=60")
    assert by_angle[383, 0] == pytest.approx(5 * np.cos(np.radians(30)), rel=2e-3)


def test_genuine_hypersim() -> None:
    path = genuine("hypersim", "ai_037_002", "images", "scene_cam_00_geometry_hdf5", "frame.0000.depth_meters.hdf5")
    kept = LabelRules("depth", encoding="hypersim:ray=keep").read(path)
    assert (kept.min(), np.median(kept), kept.max()) == pytest.approx((2.961, 5.504, 13.23), rel=1e-3)
    planar = LabelRules("depth", encoding="hypersim:fx=886.81").read(path)
    assert ((planar < kept) & (planar > 0.78 * kept)).all()
