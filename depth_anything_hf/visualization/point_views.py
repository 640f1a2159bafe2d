# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points in space as a picture, as a camera beside their own one sees them."""

from __future__ import annotations

import numpy as np


# Of the distance to the middle of the points, that the viewing camera steps back: turned points stay in the picture.
STEP_BACK = 0.15
WHITE = 255


def draw_points(points: np.ndarray, colours: np.ndarray, degrees: float = 0.0, side: int = 320) -> np.ndarray:
    """Draw points as dots of one pixel, each hiding what lies behind it.

    The camera looks at the middle of the points with an angle of view of 53 degrees.

    Args:
        points: (N, 3), x to the right, y down, z forward from the camera that saw them; not finite ones are left out.
        colours: uint8 (N, 3) RGB.
        degrees: how far the points are turned around the vertical axis through their median depth.
        side: height and width of the picture in pixels.

    Returns:
        uint8 (side, side, 3) RGB, white where there is no point.

    Raises:
        ValueError: points and colours of other shapes or numbers, or no finite point.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or colours.shape != points.shape:
        raise ValueError(f"points and colours (N, 3) are expected, got {points.shape} and {colours.shape}")
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise ValueError(f"expected at least one finite point, got none of {len(points)}")
    points, colours = points[finite], colours[finite]
    middle, angle = np.array([0.0, 0.0, np.median(points[:, 2])]), np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    x, y, z = turn @ (points - middle).T + (1 + STEP_BACK) * middle[:, None]
    # The nearest last, which are drawn over the others.
    order = np.argsort(-z)[: int((z > 0).sum())]
    places = np.rint(side * (np.stack([y[order], x[order]]) / z[order] + 0.5))
    inside = ((places >= 0) & (places < side)).all(axis=0)
    picture = np.full((side, side, 3), WHITE, dtype=np.uint8)
    picture[tuple(places[:, inside].astype(int))] = colours[order[inside]]
    return picture
