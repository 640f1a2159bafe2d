# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Equirectangular panoramas: directions of pixels, and square perspective views that cover the sphere.

Axes are those of a camera that looks at the middle of the panorama: x to the right, y down, z forward. Longitude runs
from -180 degrees at the left border to 180 at the right one, which is the same direction; latitude from 90 at the top
to -90.
"""

from __future__ import annotations

import math

import numpy as np


# A full turn is twice as wide as the half turn from pole to pole; this is for rounding to whole pixels.
RATIO_TOLERANCE = 0.01


def check_equirectangular(height: int, width: int) -> None:
    """Check that a picture may show the whole sphere.

    Raises:
        ValueError: its width is not twice its height.
    """
    if abs(width - 2 * height) > max(2, RATIO_TOLERANCE * width):
        raise ValueError(
            "expected an equirectangular panorama of the whole sphere, twice as wide as high, got "
            f"{width} x {height} pixels; of a part of the sphere it is not known where it lies: pad it, or predict it "
            "as a picture (tiles)"
        )


def equirectangular_directions(height: int, width: int, rows: slice = slice(None)) -> np.ndarray:
    """Return the directions of the pixel centres of a panorama.

    Args:
        height: of the panorama.
        width: of the panorama.
        rows: those that are wanted.

    Returns:
        float64 (rows, width, 3), of length 1.
    """
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * math.pi
    latitude = (0.5 - (np.arange(height)[rows] + 0.5) / height)[:, None] * math.pi
    directions = np.empty((len(latitude), width, 3))
    directions[..., 0] = np.sin(longitude) * np.cos(latitude)
    directions[..., 1] = -np.sin(latitude)
    directions[..., 2] = np.cos(longitude) * np.cos(latitude)
    return directions


def equirectangular_places(directions: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where directions lie in a panorama.

    Args:
        directions: (..., 3), of any length but 0.
        height: of the panorama.
        width: of the panorama.

    Returns:
        Rows and columns, float64 (...), of which 0 is the middle of the first pixel: columns -0.5 .. width - 0.5.
    """
    longitude = np.arctan2(directions[..., 0], directions[..., 2])
    latitude = -np.arctan2(directions[..., 1], np.hypot(directions[..., 0], directions[..., 2]))
    return (0.5 - latitude / math.pi) * height - 0.5, (longitude / (2 * math.pi) + 0.5) * width - 0.5


def icosahedral_views() -> np.ndarray:
    """Return the axes of twelve views towards the corners of an icosahedron, upright where that means something.

    One looks straight up, one straight down, and five each look 26.6 degrees up and down. No direction is farther than
    37.4 degrees from the nearest of them, so that square views of 90 degrees overlap everywhere.

    Returns:
        float64 (12, 3, 3): for each view the directions of its x (right), y (down) and z (forward) as rows, so that
        `views[i] @ direction` is the direction in the view's axes.
    """
    slope = math.atan(0.5)
    angles = [(0.0, math.pi / 2)]
    angles += [(2 * math.pi * step / 5, slope) for step in range(5)]
    angles += [(2 * math.pi * (step + 0.5) / 5, -slope) for step in range(5)]
    angles += [(0.0, -math.pi / 2)]
    views = []
    for longitude, latitude in angles:
        forward = np.array(
            [
                math.sin(longitude) * math.cos(latitude),
                -math.sin(latitude),
                math.cos(longitude) * math.cos(latitude),
            ]
        )
        right = np.array([math.cos(longitude), 0.0, -math.sin(longitude)])
        views.append(np.stack([right, np.cross(forward, right), forward]))
    return np.stack(views)
