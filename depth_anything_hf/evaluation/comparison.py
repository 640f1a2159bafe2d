# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several models on the same images: means, paired differences, and how sure it is that one is better.

Differences are taken image by image and resampled with the images (a paired bootstrap), so that what makes an image
hard for every model does not blur them: two intervals may overlap where the difference is certain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..metrics.table import METRICS
from ..utils.option_errors import check_choice
from .bootstrap import draw_samples, interval_95, sample_means
from .protocols import describe
from .results import DIAGNOSTICS, EvaluationResult
from .settings import EvaluationSettings


# Shows images and decides the verdict where nothing else is asked for.
USUAL_METRIC = "abs_rel"
Ends = tuple[float, float]
# Of one image every resampling is that image: nothing follows for others.
FEWEST_IMAGES = 2


@dataclass(frozen=True)
class MetricComparison:
    """One metric of all models, in the order of `Comparison.models`.

    Attributes:
        name: key of the rows, for point pairs also `pair_accuracy/<scenario>`.
        higher_is_better: direction; None for a metric of one's own, whose direction is not known.
        baseline: position of the model that the others are compared with.
        images: number of images on which every model has a value.
        values: (images of the comparison, models); NaN where a model has none.
        means: mean over these images, NaN without any; images have equal weight, of point pairs the pairs.
        intervals: 95 % interval of each mean.
        differences: mean of each model minus the baseline's, 0 for the baseline.
        difference_intervals: 95 % interval of each difference, resampled with the images.
        better: `better[i][k]`, share of the samples in which model i is better than model k, equal ones counted by
            half: 0.5 for a model and itself. NaN where the direction is not known, and of a single image.
    """

    name: str
    higher_is_better: bool | None
    baseline: int
    images: int
    values: np.ndarray
    means: tuple[float, ...]
    intervals: tuple[Ends, ...]
    differences: tuple[float, ...]
    difference_intervals: tuple[Ends, ...]
    better: tuple[tuple[float, ...], ...]

    def gain(self, value: float) -> float:
        """Return a difference with the sign that is positive where it is an improvement."""
        return value if self.higher_is_better else -value

    def verdict(self, model: int) -> str:
        """Return "better" or "worse" than the baseline, or "" where the interval of the difference holds 0.

        A single image, whose interval has no width, gives no verdict.
        """
        low, high = sorted(map(self.gain, self.difference_intervals[model]))
        if self.higher_is_better is None or self.images < FEWEST_IMAGES or not low * high > 0:
            return ""
        return "better" if low > 0 else "worse"


@dataclass(frozen=True)
class LeftOut:
    """An image that not every model could do.

    Attributes:
        index: in the dataset.
        name: of the image.
        reasons: model -> why it has no score; the others have one.
    """

    index: int
    name: str
    reasons: Mapping[str, str]

    @property
    def why(self) -> str:
        """All reasons in one line."""
        return "; ".join(f"{model}: {reason}" for model, reason in self.reasons.items())


@dataclass(frozen=True)
class Comparison:
    """Several models on the images that all of them could do.

    Attributes:
        models: their names, in order.
        baseline: position of the one that the others are compared with.
        settings: the rules, the same for all.
        metric: the one that verdicts and pictures go by.
        metrics: all of them, by name, in the order of the report.
        images: (index, name) of the common images.
        left_out: images that at least one model could not do.
        unshared: metrics that only some of the results have, which are left out.
    """

    models: tuple[str, ...]
    baseline: int
    settings: EvaluationSettings
    metric: str
    metrics: Mapping[str, MetricComparison]
    images: tuple[tuple[int, str], ...]
    left_out: tuple[LeftOut, ...]
    unshared: tuple[str, ...]

    @classmethod
    def of(
        cls, results: Mapping[str, EvaluationResult], baseline: str | None = None, metric: str | None = None
    ) -> Comparison:
        """Compare results that were made by the same rules on the same dataset.

        Args:
            results: by the model's name, in the order to show; at least two.
            baseline: name of the model that the others are compared with; None takes the first.
            metric: for verdicts and pictures; None takes `abs_rel`, or the first metric without it.

        Raises:
            ValueError: there are less than two results, their rules differ, no image is common to all, or there is no
                such model or metric.
        """
        if len(results) < 2:
            raise ValueError(f"expected at least two models to compare, got {len(results)}")
        models = tuple(results)
        check_choice("baseline", baseline, (*models, None))
        settings = check_same_rules({name: result.settings for name, result in results.items()})
        common, left_out = _common_images(results)
        if not common:
            first = f"; {left_out[0].name}: {left_out[0].why}" if left_out else ""
            raise ValueError(f"no image was scored by every model: {', '.join(models)}{first}")
        chosen = [_only(result, common) for result in results.values()]
        position = 0 if baseline is None else models.index(baseline)
        metrics, unshared = _compare_metrics(chosen, position)
        if not metrics:
            raise ValueError(f"no metric has a number for every model: {', '.join(models)}")
        if metric is None:
            metric = USUAL_METRIC if USUAL_METRIC in metrics else next(iter(metrics))
        check_choice("metric", metric, tuple(metrics))
        return cls(models, position, settings, metric, metrics, tuple(common), tuple(left_out), unshared)

    @property
    def main(self) -> MetricComparison:
        """The comparison of `metric`."""
        return self.metrics[self.metric]

    def most_different(self, count: int) -> list[int]:
        """Return the positions in `images` where the models' values of `metric` lie farthest apart, that first."""
        values = self.main.values
        spread = np.where(np.isnan(values).any(axis=1), -math.inf, values.max(axis=1) - values.min(axis=1))
        order = np.argsort(-spread, kind="stable")
        return [int(position) for position in order[:count] if spread[position] > 0]


def check_same_rules(settings: Mapping[str, EvaluationSettings]) -> EvaluationSettings:
    """Return the rules that all of some results share.

    Args:
        settings: by the model's name, at least one.

    Raises:
        ValueError: they differ; the message names the first two with their rules.
    """
    (first, rules), *others = settings.items()
    for name, other in others:
        if other.record() != rules.record():
            theirs, ours = other.record(), rules.record()
            fields = [field for field in ours if ours[field] != theirs.get(field)]
            raise ValueError(
                f"{first} and {name} were scored by other rules ({', '.join(fields)}) and cannot be compared: "
                f"{describe(rules)}; {describe(other)}. Score both alike."
            )
    return rules


def _common_images(results: Mapping[str, EvaluationResult]) -> tuple[list[tuple[int, str]], list[LeftOut]]:
    scored = {model: {_identity(row) for row in result.rows} for model, result in results.items()}
    skipped = {
        model: {_identity(image): str(image["reason"]) for image in result.skipped_images}
        for model, result in results.items()
    }
    everything = sorted(set().union(*scored.values(), *skipped.values()))
    common, left_out = [], []
    for image in everything:
        reasons = {
            model: skipped[model].get(image, "not among its images") for model in results if image not in scored[model]
        }
        if reasons:
            left_out.append(LeftOut(*image, reasons))
        else:
            common.append(image)
    return common, left_out


def _only(result: EvaluationResult, images: Sequence[tuple[int, str]]) -> EvaluationResult:
    by_image = {_identity(row): row for row in result.rows}
    return replace(result, rows=[by_image[image] for image in images])


def _identity(row: Mapping[str, Any]) -> tuple[int, str]:
    return int(row["index"]), str(row["name"])


def _compare_metrics(
    results: Sequence[EvaluationResult], baseline: int
) -> tuple[dict[str, MetricComparison], tuple[str, ...]]:
    columns = [result.columns() for result in results]
    reported = [[name for name in result.reported() if name not in DIAGNOSTICS] for result in results]
    every = list(dict.fromkeys(name for names in reported for name in names))
    shared = [name for name in every if all(name in names for names in reported)]
    drawn = draw_samples(len(results[0].rows))
    metrics = {}
    for name in shared:
        values = np.stack([column[name][0] for column in columns], axis=1)
        weights = np.stack([column[name][1] for column in columns], axis=1)
        present = (weights > 0).all(axis=1)
        if present.any():
            values = np.where(weights > 0, values, math.nan)
            metrics[name] = _compare(name, values, np.where(present, weights[:, 0], 0.0), drawn, baseline)
    return metrics, tuple(name for name in every if name not in shared)


def _compare(name: str, values: np.ndarray, weights: np.ndarray, drawn: np.ndarray, baseline: int) -> MetricComparison:
    """Compare (images, models), NaN where there is no value, with weights (images,), 0 where a model has none."""
    count = values.shape[1]
    filled = np.where(weights[:, None] > 0, values, 0.0)
    shares = weights / weights.sum()
    weight_of_each = np.broadcast_to(weights[:, None], filled.shape)
    samples = sample_means(filled, weight_of_each, drawn)
    metric = METRICS.get(name.split("/")[0])
    direction, images = None if metric is None else metric.higher_is_better, int((weights > 0).sum())
    is_probable = direction is not None and images >= FEWEST_IMAGES
    better = np.full((count, count), 0.5 if is_probable else math.nan)
    differences: list[float] = [0.0] * count
    intervals: list[Ends] = [(0.0, 0.0)] * count
    for other in range(count):
        # Of each pair of values and not of the means, so that equal models differ by exactly 0.
        gaps = filled - filled[:, other : other + 1]
        sampled = sample_means(gaps, weight_of_each, drawn)
        if is_probable:
            better[:, other] = _share_better(sampled if direction else -sampled)
        if other == baseline:
            differences = [float(gap @ shares) for gap in gaps.T]
            intervals = [interval_95(column) for column in sampled.T]
    return MetricComparison(
        name,
        direction,
        baseline,
        images,
        values,
        tuple(float(column @ shares) for column in filled.T),
        tuple(interval_95(column) for column in samples.T),
        tuple(differences),
        tuple(intervals),
        tuple(tuple(map(float, row)) for row in better),
    )


def _share_better(gains: np.ndarray) -> np.ndarray:
    """Return the share of samples with a gain, of each column of (samples, models); those of exactly 0 count half."""
    known = np.isfinite(gains)
    wins = (gains > 0).sum(axis=0) + 0.5 * (gains == 0).sum(axis=0)
    shares: np.ndarray = wins / np.maximum(known.sum(axis=0), 1)
    return shares
