# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Differences between strategies with intervals: a paired bootstrap over seeds and scenes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


BOOTSTRAP_SAMPLES = 4000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Difference:
    """How far a strategy is from another one, in points (hundredths of the metric).

    Attributes:
        mean: over seeds and images.
        low, high: 95 % interval.
        by_seed: mean over the images, for each seed.
    """

    mean: float
    low: float
    high: float
    by_seed: tuple[float, ...]

    @property
    def holds(self) -> bool:
        """Whether the interval leaves 0 out and all seeds agree; with few seeds the interval alone is too narrow."""
        return (self.low > 0 or self.high < 0) and self.seeds_agree and len(self.by_seed) > 1

    @property
    def seeds_agree(self) -> bool:
        """Whether all seeds are on one side of 0."""
        return all(each > 0 for each in self.by_seed) or all(each < 0 for each in self.by_seed)

    def text(self) -> str:
        """Return mean and interval, e.g. "-5.1 [-6.7, -3.6]"."""
        return f"{signed(self.mean)} [{signed(self.low)}, {signed(self.high)}]"


def signed(points: float) -> str:
    """Return points with their sign and one digit, and nothing as 0.0."""
    rounded = round(points, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def scene_means(scores: Sequence[Sequence[float | None]], scenes: Sequence[int]) -> np.ndarray:
    """Return the mean of each scene, for each seed: (seeds, scenes). NaN where a scene has no scored image.

    Args:
        scores: one value per image, for each seed.
        scenes: of the images.
    """
    values = np.array([[math.nan if each is None else each for each in row] for row in scores], dtype=np.float64)
    names, index = np.unique(np.asarray(scenes), return_inverse=True)
    scored = np.isfinite(values)
    sums, counts = np.zeros((len(values), len(names))), np.zeros((len(values), len(names)))
    for seed in range(len(values)):
        np.add.at(sums[seed], index, np.where(scored[seed], values[seed], 0.0))
        np.add.at(counts[seed], index, scored[seed].astype(np.float64))
    with np.errstate(invalid="ignore"):
        return sums / counts


def compare(
    ours: Sequence[Sequence[float | None]], theirs: Sequence[Sequence[float | None]], scenes: Sequence[int]
) -> Difference:
    """Compare two strategies on the same seeds and images.

    Seeds and scenes are drawn with repetition, both together for both strategies, 4,000 times. Scenes that one of
    them has no score for are left out of both.

    Args:
        ours: metric of each image, for each seed.
        theirs: likewise, same seeds in the same order.
        scenes: of the images; images of one scene are no independent samples.

    Raises:
        ValueError: the numbers of seeds differ, or no scene is scored by both.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"expected the same seeds of both, got {len(ours)} and {len(theirs)}")
    gaps = 100 * (scene_means(ours, scenes) - scene_means(theirs, scenes))
    gaps = gaps[:, np.isfinite(gaps).all(axis=0)]
    if not gaps.size:
        raise ValueError("no scene is scored by both strategies for all seeds")
    drawn = _drawn_means(gaps)
    low, high = np.percentile(drawn, INTERVAL)
    return Difference(float(gaps.mean()), float(low), float(high), tuple(gaps.mean(axis=1).tolist()))


def _drawn_means(gaps: np.ndarray) -> np.ndarray:
    """Return means (samples,) of draws of seeds and scenes from (seeds, scenes)."""
    random, (seeds, scenes) = np.random.default_rng(0), gaps.shape
    of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=BOOTSTRAP_SAMPLES) / seeds
    of_scenes = random.multinomial(scenes, np.full(scenes, 1 / scenes), size=BOOTSTRAP_SAMPLES) / scenes
    means: np.ndarray = np.einsum("rs,sc,rc->r", of_seeds, gaps, of_scenes)
    return means


@dataclass(frozen=True)
class Recovery:
    """What a remedy brings back of what the reference forgets, and what it costs, in points.

    Attributes:
        lost_by_reference: old domain, start minus reference.
        brought_back: old domain, remedy minus reference.
        cost: new domain, remedy minus reference.
    """

    lost_by_reference: float
    brought_back: Difference
    cost: Difference

    @property
    def share(self) -> float:
        """Brought back / lost; NaN where less than a point is lost."""
        return self.brought_back.mean / self.lost_by_reference if self.lost_by_reference >= 1 else math.nan

    def verdict(self) -> str:
        """Return whether half comes back at no more than one point, by the means and by the whole intervals."""
        half = self.lost_by_reference / 2
        if math.isnan(self.share):
            return "nothing to bring back"
        if self.brought_back.low >= half and self.cost.low >= -1.0:
            return "yes, by the whole intervals"
        if self.brought_back.mean >= half and self.cost.mean >= -1.0:
            return "yes by the means, not by the intervals"
        return "no"


def mean_and_spread(scores: Sequence[Sequence[float | None]], scenes: Sequence[int]) -> tuple[float, float]:
    """Return mean, and standard deviation between seeds (NaN for one), in points."""
    by_seed = 100 * np.nanmean(scene_means(scores, scenes), axis=1)
    return float(by_seed.mean()), float(by_seed.std(ddof=1)) if len(by_seed) > 1 else math.nan


def choose_rate(scores: Mapping[float, Sequence[Sequence[float | None]]]) -> tuple[float, bool]:
    """Return the rate with the best mean, and whether it is the lowest or highest of several.

    Args:
        scores: by rate, the metric of each image for each seed.
    """
    means = {rate: mean_points(rows) for rate, rows in scores.items()}
    best = max(sorted(means), key=lambda rate: -math.inf if math.isnan(means[rate]) else means[rate])
    return best, len(means) > 1 and best in (min(means), max(means))


def mean_points(scores: Sequence[Sequence[float | None]]) -> float:
    """Return the mean over seeds of the mean over images, in points; NaN where a seed has no score."""
    known = [[each for each in row if each is not None] for row in scores]
    return 100 * float(np.mean([np.mean(row) for row in known])) if known and all(known) else math.nan
