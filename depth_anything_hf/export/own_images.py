# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""An 8-bit file against its model on pictures of the user's own that it was not calibrated with.

Made-up images and random weights do not show what an engine computes wrongly in 8 bits: trained weights on pictures of
their own domain do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.ordinal import pairwise_agreement


# The quickstart's student on its held-out scenes: 1.0000 and 0.9998 where all is right. With the decoder's branches in
# 8 bits, which OpenVINO computes wrongly, 0.985 and 0.986, and its ordinal accuracy falls by 0.015.
LEAST_ORDER, LEAST_CORRELATION = 0.995, 0.995


@dataclass(frozen=True)
class OwnImages:
    """Means over pictures, but for the largest difference; NaN where every map of the model is constant.

    Attributes:
        images: how many.
        largest: difference to the model in float32, as a share of the range of its map; infinite where the file gives
            values that are not finite.
        mean: likewise.
        order: share of pixel pairs that file and model order alike, among those that the model tells apart by more
            than 5 % of the range.
        correlation: of the two maps.
    """

    images: int
    largest: float
    mean: float
    order: float
    correlation: float

    def refusal(self) -> str | None:
        """Say why the file should not be used; None where it may."""
        if math.isinf(self.largest):
            return (
                f"on {self.images} pictures that it was not calibrated with, it gives values that are not finite; "
                "calibrate with pictures of the model's own domain, or take int8-weights"
            )
        if self.order < LEAST_ORDER or self.correlation < LEAST_CORRELATION:
            return (
                f"on {self.images} pictures that it was not calibrated with, it orders {self.order:.2%} of pixel "
                f"pairs as the model does, with a correlation of {self.correlation:.4f}, expected at least "
                f"{LEAST_ORDER:.1%} and {LEAST_CORRELATION}; calibrate with pictures of the model's own domain, or "
                "take int8-weights"
            )
        return None


def compare_on(
    images: Sequence[np.ndarray],
    file: Callable[[np.ndarray], np.ndarray],
    model: Callable[[np.ndarray], np.ndarray],
) -> OwnImages:
    """Compare a file with its model.

    Args:
        images: float32 (1, 3, H, W), normalized, of which the file knows none.
        file: (1, 3, H, W) -> (1, H, W).
        model: likewise, in float32.
    """
    rows = np.array([_compare(file(image)[0], model(image)[0]) for image in images], dtype=np.float64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        return OwnImages(len(images), *[float("nan")] * 4)
    return OwnImages(len(images), float(rows[:, 0].max()), *(float(each) for each in rows[:, 1:].mean(axis=0)))


def _compare(predicted: np.ndarray, expected: np.ndarray) -> tuple[float, float, float, float]:
    predicted, expected = predicted.astype(np.float64), expected.astype(np.float64)
    spread = np.ptp(expected)
    if spread == 0:
        return (float("nan"),) * 4
    if not np.isfinite(predicted).all():
        return math.inf, math.inf, 0.0, 0.0
    difference = np.abs(predicted - expected) / spread
    constant = np.ptp(predicted) == 0
    correlation = 0.0 if constant else float(np.corrcoef(predicted.ravel(), expected.ravel())[0, 1])
    return float(difference.max()), float(difference.mean()), pairwise_agreement(predicted, expected), correlation
