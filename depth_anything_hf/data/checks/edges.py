# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Edges of pictures and of labels, and how well they fit for every small shift."""

from __future__ import annotations

import cv2
import numpy as np


# Pixels of the larger side at which edges are compared.
SIDE = 256
# Shifts that are tried, in those pixels, to each side.
REACH = 20
# Contrast is compared with that of so many pixels around, and counts up to so many times it.
NEIGHBOURHOOD, MOST_CONTRAST = 12.0, 4.0
# Change of the logarithm of depth from pixel to pixel above which all edges are alike, and that at the sky's border.
STEEP, SKY_STEP = 0.1, 0.3
# Labels with fewer values have no edges to speak of, as those of a laser.
LEAST_VALID = 0.4
# Holes of more pixels are left out, smaller ones are filled by the nearest value: depth cameras see no edges, only the
# holes beside them.
LARGE_HOLE = 9


def size_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width at which a picture of a shape is compared."""
    scale = min(1.0, SIDE / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def edges_of_picture(image: np.ndarray) -> np.ndarray:
    """Return the edges of a picture, uint8 (H, W, 3), beside the contrast around them: float32, see `size_of`."""
    height, width = size_of(image.shape)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    around = cv2.GaussianBlur(edges, (0, 0), NEIGHBOURHOOD) + 1
    found: np.ndarray = np.minimum(edges / around, MOST_CONTRAST)
    return found


def edges_of_label(values: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the edges of a label and where they are known, float32 (see `size_of`); None with too few values.

    Args:
        values: (H, W), NaN without a value; sky is +inf in depth and 0 in disparity.
        label: "depth" or "disparity".
    """
    height, width = size_of(values.shape)
    rows = (2 * np.arange(height) + 1) * values.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * values.shape[1] // (2 * width)
    values = values[rows][:, columns]
    known = ~np.isnan(values)
    finite = np.isfinite(values)
    if known.mean() < LEAST_VALID or not finite.any():
        return None
    if label == "depth":
        even = np.log(np.where(finite, values, 1)).astype(np.float32)
        even[~finite & known] = even[finite].max() + SKY_STEP
    else:
        low, high = np.percentile(values[finite], (5, 95))
        even = np.where(finite, values, 0).astype(np.float32) / max(float(high - low), 1e-9)
    holes = (~known).astype(np.uint8)
    large = cv2.morphologyEx(holes, cv2.MORPH_OPEN, np.ones((LARGE_HOLE, LARGE_HOLE), np.uint8))
    even = _filled(even, known)
    across, down = np.zeros_like(even), np.zeros_like(even)
    across[:, 1:-1] = (even[:, 2:] - even[:, :-2]) / 2
    down[1:-1] = (even[2:] - even[:-2]) / 2
    edges = np.minimum(np.hypot(across, down), STEEP)
    # The border of a large hole is no edge of the scene.
    edges[cv2.dilate(large, np.ones((3, 3), np.uint8)) > 0] = 0
    where = cv2.dilate(known.astype(np.float32), np.ones((7, 7), np.uint8))
    return cv2.GaussianBlur(edges, (0, 0), 1) * where, where


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give each unknown pixel the value of the nearest known one."""
    if known.all():
        return values
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.float32)
    of_label[nearest[known]] = values[known]
    filled: np.ndarray = of_label[nearest]
    return filled


class Moved:
    """Correlates the edges of a picture with those of labels moved by every small shift.

    Args:
        edges: of the picture, float32 (H, W).
    """

    def __init__(self, edges: np.ndarray) -> None:
        self.shape = edges.shape
        self._padded = tuple(cv2.getOptimalDFTSize(side + REACH) for side in edges.shape)
        self._edges = [self._transform(each) for each in (edges, edges * edges, np.ones_like(edges))]

    def correlate(self, edges: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return Pearson's correlation over the pixels that the label knows, for every shift of the label.

        Args:
            edges: of the label, float32 (H, W).
            where: 1 where they are known, else 0.

        Returns:
            float32 (2 REACH + 1, 2 REACH + 1): at [REACH + down, REACH + right] that of the label moved so.
        """
        picture, squared, ones = self._edges
        known, label = self._transform(where), self._transform(edges)
        count = np.maximum(self._sums(ones, known), 1)
        of_picture, of_label = self._sums(picture, known), self._sums(ones, label)
        covariance = self._sums(picture, label) - of_picture * of_label / count
        spread = self._sums(squared, known) - of_picture**2 / count
        own_spread = self._sums(ones, self._transform(edges * edges)) - of_label**2 / count
        found: np.ndarray = covariance / np.sqrt(np.maximum(spread, 1e-6) * np.maximum(own_spread, 1e-6))
        return found

    def _transform(self, values: np.ndarray) -> np.ndarray:
        transformed: np.ndarray = np.fft.rfft2(values, self._padded)
        return transformed

    def _sums(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        sums = np.fft.irfft2(one * np.conj(other), self._padded)
        found: np.ndarray = np.roll(sums, (REACH, REACH), (0, 1))[: 2 * REACH + 1, : 2 * REACH + 1]
        return found
