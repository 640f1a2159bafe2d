# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bootstrap over images: how far means, and differences of means, depend on which images were drawn.

The same number of images gives the same samples every time, so that intervals repeat, and so that models which are
compared are resampled together.
"""

from __future__ import annotations

import math

import numpy as np


BOOTSTRAP_SAMPLES = 1000
# Percent of the samples below the ends of a 95 % interval.
ENDS = (2.5, 97.5)


def draw_samples(images: int) -> np.ndarray:
    """Draw images with replacement, as many as there are, `BOOTSTRAP_SAMPLES` times, seeded.

    Args:
        images: at least one.

    Returns:
        How often each image was drawn, float64 (samples, images).
    """
    drawn = np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), size=BOOTSTRAP_SAMPLES)
    return drawn.astype(np.float64)


def sample_means(values: np.ndarray, weights: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each column in each sample.

    Args:
        values: (images, columns), finite.
        weights: (images, columns), 0 where a value is missing.
        drawn: (samples, images), from `draw_samples`.

    Returns:
        (samples, columns); NaN where a sample has no value.
    """
    with np.errstate(invalid="ignore"):
        means: np.ndarray = (drawn @ (values * weights)) / (drawn @ weights)
    return means


def interval_95(samples: np.ndarray) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the finite samples, (samples,); NaN without any."""
    samples = samples[np.isfinite(samples)]
    low, high = np.percentile(samples, ENDS) if samples.size else (math.nan, math.nan)
    return float(low), float(high)
