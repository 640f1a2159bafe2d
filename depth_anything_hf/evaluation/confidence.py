# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether the confidence of predictions tells of their errors: scores of an image, curves and table of a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry.disparity import PredictionKind
from ..metrics.sparsification import sparsification_curve, sparsification_scores
from ..metrics.table import CONFIDENCE_METRICS
from ..visualization.charts import Curve, line_chart
from .scoring import Target, aligned_depth, resize_to_label
from .settings import EvaluationSettings


BY_DISTANCE, MEAN_CONFIDENCE = "aurg_abs_rel_by_distance", "mean_confidence"
# Numbers of a row, beside the metrics of the protocol.
CONFIDENCE_SCORES = (*CONFIDENCE_METRICS, BY_DISTANCE, MEAN_CONFIDENCE)
# Shares of the pixels that are removed.
REMOVED = np.arange(20) / 20
# Upper ends of the rows of the calibration table.
EDGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
FEWEST_IMAGES = 3
_CURVES = "confidence_curves"
KEYS = (*CONFIDENCE_SCORES, _CURVES)


def confidence_scores(
    prediction: np.ndarray,
    confidence: np.ndarray,
    target: Target,
    settings: EvaluationSettings,
    prediction_kind: PredictionKind,
) -> dict[str, Any]:
    """Return what the confidence of one image tells of its errors.

    Args:
        prediction: (H, W), raw.
        confidence: (H, W), 0 to 1.
        target: the label.
        settings: the protocol.
        prediction_kind: "disparity" or "depth".

    Returns:
        `CONFIDENCE_SCORES`: those of `sparsification_scores` for the aligned prediction (NaN in metres where the label
        has none); `aurg_abs_rel` of the order by predicted distance alone, nearer is surer, for comparison; and the
        mean confidence over the pixels that count. Also the curves that `ConfidenceSummary` joins.
    """
    ranking = resize_to_label(confidence, target, settings)
    values = resize_to_label(prediction, target, settings)
    aligned, _ = aligned_depth(values, target, settings, prediction_kind)
    mask = target.mask
    scores: dict[str, Any] = sparsification_scores(aligned, target.depth, ranking, mask)
    if not target.in_metres:
        scores.update((name, math.nan) for name in CONFIDENCE_METRICS if name.endswith("rmse"))
    scores[BY_DISTANCE] = sparsification_scores(aligned, target.depth, -aligned, mask)["aurg_abs_rel"]
    certain, true = ranking[mask].astype(np.float64), target.depth[mask].astype(np.float64)
    scores[MEAN_CONFIDENCE] = float(certain.mean()) if certain.size else math.nan
    error = np.abs(aligned[mask] - true) / true
    orders = {"confidence": certain, "error": -error, "distance": -aligned[mask]}
    bins = np.searchsorted(EDGES[:-1], certain, side="right")
    scores[_CURVES] = {
        **{f"by_{name}": sparsification_curve(error, order, REMOVED).tolist() for name, order in orders.items()},
        "pixels": np.bincount(bins, minlength=len(EDGES)).tolist(),
        "errors": np.bincount(bins, error, minlength=len(EDGES)).tolist(),
    }
    return scores


@dataclass(frozen=True)
class ConfidenceSummary:
    """What the confidence tells of the errors of a dataset.

    Attributes:
        curves: "by_confidence", "by_error" (the best there can be) and "by_distance" -> mean over the images, of equal
            weight, of AbsRel of the pixels that are left over AbsRel of all, for each share of `REMOVED`.
        pixels: number of pixels in each row of the calibration table, of all images.
        abs_rel: their mean error |p - t| / t; NaN without pixels.
        rank_correlation: Spearman's, over the images, of the mean confidence and AbsRel: -1 where the image of less
            confidence always has the larger error, 0 where it tells nothing; NaN for fewer than three images.
    """

    curves: Mapping[str, tuple[float, ...]]
    pixels: tuple[int, ...]
    abs_rel: tuple[float, ...]
    rank_correlation: float

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> ConfidenceSummary | None:
        """Join the rows of a result; None where no image has a confidence and an error."""
        found = [row for row in rows if _CURVES in row and row[_CURVES]["by_error"][0] > 0]
        if not found:
            return None
        curves = [row[_CURVES] for row in found]
        names = ("by_confidence", "by_error", "by_distance")
        joined = {
            name: tuple(float(x) for x in np.mean([np.array(one[name]) / one[name][0] for one in curves], axis=0))
            for name in names
        }
        pixels, errors = (np.sum([one[name] for one in curves], axis=0) for name in ("pixels", "errors"))
        means = np.divide(errors, pixels, out=np.full(len(EDGES), np.nan), where=pixels > 0)
        pairs = np.array([(row[MEAN_CONFIDENCE], row[_CURVES]["by_error"][0]) for row in found])
        return cls(joined, tuple(map(int, pixels)), tuple(map(float, means)), _rank_correlation(*pairs.T))

    def record(self) -> dict[str, Any]:
        """Return JSON values; null for what is not finite."""
        return {
            "removed": REMOVED.tolist(),
            **{name: list(values) for name, values in self.curves.items()},
            "calibration": [
                {"from": low, "to": high, "pixels": count, "abs_rel": error if math.isfinite(error) else None}
                for low, high, count, error in self._bins()
            ],
            "rank_correlation_of_images": self.rank_correlation if math.isfinite(self.rank_correlation) else None,
        }

    def table(self) -> str:
        """Return the calibration table as text, and the correlation over the images."""
        total = sum(self.pixels)
        lines = [f"{'confidence':<14}{'pixels':>9}{'abs_rel':>10}"]
        lines += [
            f"{f'{low:.2f} to {high:.2f}':<14}{f'{count / total:.1%}':>9}{error:>10.4f}"
            for low, high, count, error in self._bins()
            if count
        ]
        if math.isfinite(self.rank_correlation):
            lines.append(
                f"rank correlation of mean confidence and abs_rel over the images: {self.rank_correlation:.2f} "
                "(-1: less confidence, more error; 0: unrelated)"
            )
        return "\n".join(lines)

    def pictures(self) -> list[np.ndarray]:
        """Return the charts of sparsification and calibration, uint8 (H, W, 3) each."""
        names = {"by_confidence": "by confidence", "by_error": "by the error itself", "by_distance": "by distance"}
        lines = [Curve(shown, REMOVED.tolist(), self.curves[name]) for name, shown in names.items()]
        lines.append(Curve("at random", REMOVED.tolist(), [1.0] * len(REMOVED)))
        charts = [
            line_chart(
                lines,
                title="AbsRel of the pixels that are left",
                x_label="share removed, of AbsRel of all pixels",
                may_be_logarithmic=False,
            )
        ]
        middles = [(low + high) / 2 for low, high, _, _ in self._bins()]
        if any(map(math.isfinite, self.abs_rel)):
            curve = Curve("AbsRel", middles, self.abs_rel)
            charts.append(
                line_chart([curve], title="AbsRel by confidence", x_label="confidence", may_be_logarithmic=False)
            )
        return charts

    def _bins(self) -> list[tuple[float, float, int, float]]:
        return list(zip((0.0, *EDGES[:-1]), EDGES, self.pixels, self.abs_rel, strict=True))


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    finite = np.isfinite(first) & np.isfinite(second)
    if finite.sum() < FEWEST_IMAGES:
        return math.nan
    a, b = (_ranks(values[finite]) for values in (first, second))
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else math.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 0, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last: np.ndarray = np.cumsum(counts)
    shared: np.ndarray = (last - (counts + 1) / 2)[inverse]
    return shared


__all__ = ["CONFIDENCE_SCORES", "ConfidenceSummary", "confidence_scores"]
