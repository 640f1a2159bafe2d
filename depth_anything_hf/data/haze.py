# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Add haze to an image by its depth."""

from __future__ import annotations

import math

import numpy as np


HAZE_DENSITY_RANGE_PER_METRE = (0.08, 0.35)
HAZE_AIRLIGHT_RANGE = (0.6, 0.95)
HAZE_TINT = 0.03


def add_haze(image: np.ndarray, depth: np.ndarray, density_per_metre: float, airlight: np.ndarray) -> np.ndarray:
    """Cover an image with homogeneous haze (Koschmieder's law).

    `colour * T + airlight * (1 - T)` with the transmission `T = exp(-density * depth)`. Sky (depth +inf) becomes
    airlight. A pixel of unknown depth (NaN) gets the transmission of the median finite depth, so that it does not
    stand out as a hole without haze; without any finite depth it stays as it is.

    Args:
        image: uint8 (H, W, 3).
        depth: float (H, W), metres; NaN and +inf allowed.
        density_per_metre: extinction coefficient, >= 0.
        airlight: (3,), colour of infinitely thick haze, in [0, 1].

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: image and depth differ in size.
    """
    if image.shape[:2] != depth.shape:
        raise ValueError(f"haze needs depth of the size of the image, {image.shape[:2]}, got {depth.shape}")
    finite = depth[np.isfinite(depth)]
    unknown_depth = float(np.median(finite)) if finite.size else 0.0
    known_depth = np.where(np.isnan(depth), unknown_depth, depth).astype(np.float32)
    transmission = np.exp(-density_per_metre * known_depth)[..., None] if density_per_metre > 0 else np.float32(1.0)
    airlight_255 = 255.0 * np.asarray(airlight, dtype=np.float32)
    hazy = image * transmission + airlight_255 * (1.0 - transmission)
    return np.clip(np.rint(hazy), 0, 255).astype(np.uint8)


def sample_haze(random: np.random.Generator) -> tuple[float, np.ndarray]:
    """Draw a haze: density log-uniform in 0.08-0.35 per metre, airlight grey 0.6-0.95 with a slight tint.

    Returns:
        (density_per_metre, airlight), the airlight float32 (3,) in [0, 1].
    """
    low, high = HAZE_DENSITY_RANGE_PER_METRE
    density_per_metre = math.exp(random.uniform(math.log(low), math.log(high)))
    grey = random.uniform(*HAZE_AIRLIGHT_RANGE)
    airlight = np.clip(grey + random.uniform(-HAZE_TINT, HAZE_TINT, size=3), 0.0, 1.0)
    return density_per_metre, airlight.astype(np.float32)
