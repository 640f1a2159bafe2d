# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What samples of a dataset on disk hold, in numbers, to see that they are read rightly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..samples import Sample, SampleDataset


@dataclass(frozen=True)
class SampleNumbers:
    """What a sample holds.

    Attributes:
        name: of the sample.
        height: of the picture, pixels.
        width: of the picture, pixels.
        least: smallest finite value, metres or pixels of disparity; NaN without one.
        middle: median of them.
        most: largest of them.
        valid: share of the pixels with a finite value, 0..1.
        sky: share of the pixels that are infinitely far.
        has_intrinsics: whether its camera is known.
    """

    name: str
    height: int
    width: int
    least: float
    middle: float
    most: float
    valid: float
    sky: float
    has_intrinsics: bool

    def line(self, label: str | None) -> str:
        """Return it as a line of text; the label is "depth", "disparity" or None."""
        size = f"{self.name}: {self.width} x {self.height}"
        if label is None:
            return size
        unit = " m" if label == "depth" else ""
        values = f"{label} {self.least:.3g} / {self.middle:.3g} / {self.most:.3g}{unit}, {self.valid:.1%} valid"
        sky = f", {self.sky:.1%} sky" if self.sky else ""
        return f"{size}, {values}{sky}, {'camera known' if self.has_intrinsics else 'camera unknown'}"


def numbers_of_samples(samples: SampleDataset, count: int) -> Iterator[SampleNumbers]:
    """Read some samples, from the first to the last one in equal steps, and yield what they hold.

    Args:
        samples: of `open_public`.
        count: how many, at most.

    Raises:
        BrokenSampleError, OSError: one of them cannot be read.
    """
    for index in sorted({round(place) for place in np.linspace(0, len(samples) - 1, min(count, len(samples)))}):
        yield _numbers_of(samples[index], samples.label)


def _numbers_of(sample: Sample, label: str | None) -> SampleNumbers:
    height, width = sample["image"].shape[:2]
    values = np.full((height, width), np.nan) if label is None else sample[label]
    finite = values[np.isfinite(values)]
    # Disparity of 0 is infinitely far.
    sky = float(np.mean(np.isposinf(values) if label == "depth" else values == 0))
    least, middle, most = (float("nan"),) * 3 if not finite.size else np.quantile(finite, (0, 0.5, 1))
    share = finite.size / values.size
    return SampleNumbers(
        sample["name"], height, width, float(least), float(middle), float(most), share, sky, "intrinsics" in sample
    )
