# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points of one view in another: formulas of a wall, what is hidden, sky, turned cameras."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.geometry.reprojection import find_in_view


HEIGHT, WIDTH = 40, 60
INTRINSICS = np.array([[50.0, 0, 29.5], [0, 50, 19.5], [0, 0, 1]])


def at(x: float = 0, y: float = 0, z: float = 0, yaw: float = 0) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    pose[:3, 3] = x, y, z
    return pose


def wall(pose: np.ndarray, distance: float = 5.0) -> np.ndarray:
    """Depth of the plane z = distance of the world."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    rays = np.stack([(columns - 29.5) / 50, (rows - 19.5) / 50, np.ones(rows.shape)], axis=-1)
    return ((distance - pose[2, 3]) / (rays @ pose[:3, :3].T)[..., 2]).astype(np.float32)


def test_a_step_to_the_side_moves_a_wall_by_focal_length_times_disparity():
    x, y, seen = find_in_view(wall(at()), at(), wall(at(x=0.5)), at(x=0.5), INTRINSICS)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    # The border itself is a matter of rounding.
    np.testing.assert_array_equal(seen[columns != 5], (columns > 5)[columns != 5])
    np.testing.assert_allclose(x[seen], (columns - 5)[seen], atol=1e-4)
    np.testing.assert_allclose(y[seen], rows[seen], atol=1e-4)


@pytest.mark.parametrize("other", [at(z=1), at(yaw=0.2), at(x=-0.3, y=0.1, z=0.5, yaw=-0.15)])
def test_what_comes_back_is_where_it_was(other):
    here = at(x=0.1)
    x, y, seen = find_in_view(wall(here), here, wall(other), other, INTRINSICS)
    assert seen.mean() > 0.5
    back_x, back_y, returns = find_in_view(wall(other), other, wall(here), here, INTRINSICS)
    # Where the pixels of the other view came from, at the places that were found.
    columns, rows = np.round(x[seen]).astype(int), np.round(y[seen]).astype(int)
    own_rows, own_columns = np.nonzero(seen)
    known = returns[rows, columns]
    assert known.mean() > 0.9
    # Half a pixel of rounding there, of pixels up to 1.5 times as large here.
    assert np.abs(back_x[rows, columns] - own_columns)[known].max() < 0.8
    assert np.abs(back_y[rows, columns] - own_rows)[known].max() < 0.8


def test_hidden_points_and_sky_are_not_seen():
    depth = wall(at())
    blocked = depth.copy()
    blocked[:, :20] = 2.0
    _, _, seen = find_in_view(depth, at(), blocked, at(), INTRINSICS)
    assert not seen[:, :20].any() and seen[:, 20:].all()
    sky = depth.copy()
    sky[:10], sky[10:12] = np.inf, np.nan
    _, _, seen = find_in_view(sky, at(), depth, at(), INTRINSICS)
    assert not seen[:12].any() and seen[12:].all()
    _, _, seen = find_in_view(depth, at(), sky, at(), INTRINSICS)
    assert not seen[:12].any() and seen[12:].all()
    with pytest.raises(ValueError, match="same shape"):
        find_in_view(depth, at(), depth[:5], at(), INTRINSICS)
