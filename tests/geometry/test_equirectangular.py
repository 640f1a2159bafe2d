# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Directions of panoramas, and views that cover the sphere."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.geometry.equirectangular import (
    check_equirectangular,
    equirectangular_directions,
    equirectangular_places,
    icosahedral_views,
)


def test_the_middle_looks_forward_and_the_quarters_to_the_sides() -> None:
    directions = equirectangular_directions(180, 360)
    np.testing.assert_allclose(directions[89:91, 179:181].mean(axis=(0, 1)), [0, 0, 1], atol=1e-3)
    np.testing.assert_allclose(directions[89:91, 269:271].mean(axis=(0, 1)), [1, 0, 0], atol=1e-3)
    np.testing.assert_allclose(directions[0].mean(axis=0), [0, -1, 0], atol=1e-3)  # y points down
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)
    np.testing.assert_array_equal(equirectangular_directions(180, 360, slice(7, 9)), directions[7:9])


def test_places_undo_directions() -> None:
    rows, columns = equirectangular_places(3 * equirectangular_directions(60, 120), 60, 120)
    np.testing.assert_allclose(rows, np.repeat(np.arange(60)[:, None], 120, 1), atol=1e-9)
    np.testing.assert_allclose(columns, np.repeat(np.arange(120)[None], 60, 0), atol=1e-9)


def test_views_are_rotations_that_leave_no_direction_out() -> None:
    views = icosahedral_views()
    np.testing.assert_allclose(views @ views.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (12, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(views), 1)
    nearest = (equirectangular_directions(90, 180) @ views[:, 2].T).max(axis=-1)
    assert np.degrees(np.arccos(nearest)).max() < 37.4
    # Upright, and the two last axes of the poles' views are horizontal.
    assert (views[1:11, 1, 1] > 0.8).all() and (np.abs(views[:, 0, 1]) < 1e-12).all()


@pytest.mark.parametrize("size", [(100, 150), (100, 100), (100, 207), (2, 1)])
def test_pictures_of_other_shapes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"twice as wide as high, got {size[1]} x {size[0]} pixels"):
        check_equirectangular(*size)
    check_equirectangular(500, 1001)
