# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The numbers of an evaluation: a row per image, means, intervals, tables, files, entries of a model card."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..geometry.disparity import PredictionKind
from ..inference.output_kinds import OWN_POST_PROCESSING
from ..metrics.table import METRICS
from ..utils.files import atomic_write
from ..utils.messages import counted
from ..utils.paths import local_path
from ..utils.printable_names import one_line
from ..utils.redaction import redact_name
from ..version import __version__
from .bootstrap import draw_samples, interval_95, sample_means
from .confidence import ConfidenceSummary
from .datasets import split_of_protocol
from .protocols import PROTOCOLS, describe, identify
from .result_files import FORMAT, FORMAT_KEY, MARK, MARK_KEY, RESULTS_FILE, ROWS_FILE, check_results_folder
from .settings import PAIR_METRICS, SCORES, EvaluationSettings


if TYPE_CHECKING:
    from ..inference.predictor import DepthPredictor


# Keys of a row about the raw output and the alignment, in addition to the metrics.
DIAGNOSTICS = ("clamped_share", "output_minimum", "output_maximum", "zero_share")


@dataclass
class EvaluationResult:
    """The numbers of every image and how they were made.

    Attributes:
        rows: one dict per scored image, sorted by `index`: `index`, `name` and the keys of `score_image`.
        settings: the protocol.
        prediction_kind: "disparity" or "depth".
        skipped_images: one dict with `index`, `name` and `reason` per image without scores.
        own_metrics: names of the metrics in the rows beside those of the settings: one's own, those of a confidence.
    """

    rows: list[dict[str, Any]]
    settings: EvaluationSettings
    prediction_kind: PredictionKind = "disparity"
    skipped_images: list[dict[str, Any]] = field(default_factory=list)
    own_metrics: tuple[str, ...] = ()

    @property
    def skipped(self) -> int:
        """Number of images without scores."""
        return len(self.skipped_images)

    @property
    def mean(self) -> dict[str, float]:
        """Mean per metric and diagnostic, NaN where it was not measured.

        Images have equal weight and NaN entries are left out; `pair_accuracy` is over all pairs, and
        `pair_accuracy/<scenario>` over those of a scenario.
        """
        return {
            name: float(values @ weights / weights.sum()) if weights.any() else math.nan
            for name, (values, weights) in self.columns().items()
        }

    @property
    def median(self) -> dict[str, float]:
        """Median over the images; unlike the mean of `abs_rel` one badly aligned image does not dominate it."""
        return {
            name: float(np.median(values[weights > 0])) if weights.any() else math.nan
            for name, (values, weights) in self.columns().items()
        }

    @property
    def interval(self) -> dict[str, tuple[float, float]]:
        """95 % confidence interval of the mean: percentiles of 1,000 bootstrap samples of the images, seeded."""
        columns = self.columns()
        if not self.rows:
            return dict.fromkeys(columns, (math.nan, math.nan))
        weights = np.stack([weight for _, weight in columns.values()], axis=1)
        values = np.stack([value for value, _ in columns.values()], axis=1)
        means = sample_means(values, weights, draw_samples(len(self.rows)))
        return {name: interval_95(column) for name, column in zip(columns, means.T, strict=True)}

    def table(self, made_with: Mapping[str, Any] | None = None) -> str:
        """Return a table as text: protocol, mean, interval and median of every metric, counts, skipped images.

        Args:
            made_with: what was scored, from `description_of`; the second line. None leaves it out.
        """
        means, medians, intervals = self.mean, self.median, self.interval
        lines = [f"protocol: {describe(self.settings)}"]
        lines += [f"made with: {describe_made_with(made_with)}"] if made_with else []
        lines.append(f"{'metric':<28}{'mean':>12}{'95 % interval':>24}{'median':>12}")
        for name in self.reported():
            if not math.isnan(means[name]):
                interval = " .. ".join(map(_short, intervals[name]))
                lines.append(
                    f"{name + arrow(name):<28}{_short(means[name]):>12}{interval:>24}{_short(medians[name]):>12}"
                )
        pairs = (
            f" with {counted(sum(row['pairs'] for row in self.rows), 'pair')}" if self.settings.scores_pairs else ""
        )
        lines.append(
            f"{counted(len(self.rows), 'image')}{pairs} scored, {self.skipped} skipped{self._remark_on_images()}"
        )
        confidence = ConfidenceSummary.of_rows(self.rows)
        lines += [confidence.table()] if confidence is not None else []
        lines += [one_line(f"skipped {image['name']}: {image['reason']}") for image in self.skipped_images]
        return "\n".join(lines)

    def card_entries(self, name: str | None = None) -> dict[str, dict[str, Any]]:
        """Return what `hub.write_model_card` takes as `results`.

        Args:
            name: of the evaluation set; None takes the protocol's title, or "held-out images" without a protocol.
        """
        protocol = PROTOCOLS.get(self.settings.protocol.split("@")[0])
        title = name or (protocol.title if protocol else "held-out images")
        means = self.mean
        return {
            title: {
                "metrics": {metric: means[metric] for metric in (*self.settings.metrics, *self.own_metrics)},
                "images": len(self.rows),
                "protocol": describe(self.settings) + self._remark_on_images(),
            }
        }

    def save(
        self, folder: str | os.PathLike[str], made_with: Mapping[str, Any] | None = None, *, overwrite: bool = False
    ) -> None:
        """Write `results.json` (protocol, counts, summaries, package version) and `per_image.parquet` (the rows).

        A number that is not finite is null in the JSON file, which has no NaN.

        Args:
            folder: created if it does not exist; files of an earlier save are replaced.
            made_with: what was scored, as JSON values, from `description_of`.
            overwrite: replace other files of these names too.

        Raises:
            FileExistsError: a file of these names is no evaluation's.
            OSError: the folder takes no files.
        """
        folder = local_path(folder)
        check_results_folder(folder, (RESULTS_FILE, ROWS_FILE), overwrite=overwrite)
        reported, means, medians, intervals = self.reported(), self.mean, self.median, self.interval
        record = {
            "depth_anything_hf": __version__,
            FORMAT_KEY: FORMAT,
            "protocol": identify(self.settings),
            "description": describe(self.settings),
            "settings": self.settings.record(),
            "made_with": dict(made_with or {}),
            "prediction_kind": self.prediction_kind,
            "images": len(self.rows),
            "expected_images": self._expected_images(),
            "skipped": self.skipped,
            "mean": {name: _number(means[name]) for name in reported},
            "median": {name: _number(medians[name]) for name in reported},
            "interval_95": {name: [_number(end) for end in intervals[name]] for name in reported},
            "skipped_images": self.skipped_images,
        }
        confidence = ConfidenceSummary.of_rows(self.rows)
        if confidence is not None:
            record["confidence"] = confidence.record()
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        schema = _row_schema(self.settings, self.own_metrics).with_metadata({MARK_KEY: MARK})
        rows = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(self.rows, schema=schema), rows)
        atomic_write(folder / ROWS_FILE, rows.getvalue())
        atomic_write(folder / RESULTS_FILE, text + "\n")

    @classmethod
    def merge(cls, results: Sequence[EvaluationResult]) -> EvaluationResult:
        """Join the results of several processes, each of which scored other indices of one dataset.

        Args:
            results: at least one.

        Returns:
            One result, rows and skipped images sorted by index.

        Raises:
            ValueError: if there is none, the protocols differ, or an index occurs twice.
        """
        if not results:
            raise ValueError("merge needs at least one result, got none.")
        first = results[0]
        made = [(one.settings, one.prediction_kind, one.own_metrics) for one in results]
        if any(one != made[0] for one in made):
            raise ValueError(
                "results to merge must have the same settings, prediction_kind and metrics; evaluate alike on every "
                "process."
            )
        rows = sorted((row for one in results for row in one.rows), key=_index)
        skipped = sorted((image for one in results for image in one.skipped_images), key=_index)
        seen: set[int] = set()
        for index in map(_index, [*rows, *skipped]):
            if index in seen:
                raise ValueError(f"index {index} was scored twice; give each process its own indices.")
            seen.add(index)
        return cls(rows, first.settings, first.prediction_kind, skipped, first.own_metrics)

    def columns(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return (values, weights) over the rows by name; the weight of a missing value is 0."""
        columns = {}
        for name in (*SCORES, *self.own_metrics, *DIAGNOSTICS):
            values = np.array([row.get(name, math.nan) for row in self.rows], dtype=np.float64)
            weights = np.ones(len(self.rows))
            if name in PAIR_METRICS:
                weights = np.array([row.get("pairs", 0) for row in self.rows], dtype=np.float64)
            present = ~np.isnan(values)
            columns[name] = (np.where(present, values, 0.0), np.where(present, weights, 0.0))
        scenarios = [row.get("scenario") for row in self.rows]
        for scenario in sorted({one for one in scenarios if one is not None}):
            inside = np.array([one == scenario for one in scenarios])
            for name in PAIR_METRICS:
                values, weights = columns[name]
                columns[f"{name}/{scenario}"] = (values, weights * inside)
        return columns

    def reported(self) -> list[str]:
        """Return the names in the order of a report: the protocol's metrics, own ones, scenarios, diagnostics."""
        return [
            *self.settings.metrics,
            *self.own_metrics,
            *(name for name in self.columns() if "/" in name),
            *DIAGNOSTICS,
        ]

    def _expected_images(self) -> int | None:
        protocol = PROTOCOLS.get(self.settings.protocol.split("@")[0])
        return protocol.images if protocol is not None else None

    def _remark_on_images(self) -> str:
        expected = self._expected_images()
        return "" if expected in (None, len(self.rows)) else f" (the benchmark has {expected})"


def summary_of_sets(results: Mapping[str, EvaluationResult], missing: Mapping[str, str]) -> str:
    """Summarize several datasets: the mean, each set of equal weight, of the metrics that all of them have.

    Args:
        results: by the name of the set.
        missing: names of the sets that were not scored, with the reason.

    Returns:
        A line of means, and a line for each set that is not in them.
    """
    scored = [result for result in results.values() if result.rows]
    left_out = {name: "no image was scored" for name, result in results.items() if not result.rows} | dict(missing)
    candidates = scored[0].settings.metrics if scored else ()
    shared = [name for name in candidates if all(name in result.settings.metrics for result in scored)]
    means = [
        f"{name}{arrow(name)} {_short(math.fsum(one.mean[name] for one in scored) / len(scored))}" for name in shared
    ]
    lines = [f"mean over {len(scored)} of {len(results) + len(missing)} sets: {', '.join(means) or 'none'}"]
    return "\n".join([*lines, *(f"not in it: {name}: {reason}" for name, reason in left_out.items())])


def describe_made_with(made_with: Mapping[str, Any]) -> str:
    """Return in one line what `description_of` gives: the entries that have a value; a switch is named if it is on."""
    words = []
    for key, value in made_with.items():
        name = key.replace("_", " ")
        if value not in (None, False):
            words.append(name if value is True else f"{name} {value}")
    return ", ".join(words)


def _row_schema(settings: EvaluationSettings, own_metrics: Sequence[str]) -> pa.Schema:
    columns = [("index", pa.int64()), ("name", pa.string()), ("valid_pixels", pa.int64())]
    if settings.scores_pairs:
        columns += [("pairs", pa.int64()), ("scenario", pa.string())]
    return pa.schema(columns + [(name, pa.float64()) for name in (*DIAGNOSTICS, *settings.metrics, *own_metrics)])


def _index(row: dict[str, Any]) -> int:
    return int(row["index"])


def arrow(name: str) -> str:
    """Return the direction of a metric, " ↑" or " ↓", by its name; "" where it is not known."""
    metric = METRICS.get(name.split("/")[0])
    return "" if metric is None else " ↑" if metric.higher_is_better else " ↓"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1e4 else f"{value:.3e}"


def description_of(
    predictor: DepthPredictor,
    model: str | os.PathLike[str],
    settings: EvaluationSettings,
    split: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Describe what a score was made with beside the protocol, for `EvaluationResult.save` and `table`.

    Args:
        predictor: the one that is scored.
        model: Hub id, folder or exported file that it was opened from; of the latter only the name is kept.
        settings: of the score.
        split: as given; None takes the protocol's, if there is one.
        limit: as given.

    Returns:
        JSON values; None where something does not apply. A Hub id ends in `@` and the revision, where it is known.
    """
    has_own_upsampling = predictor.model.config.model_type in OWN_POST_PROCESSING
    is_local = local_path(model).exists()
    revision = None if is_local else getattr(predictor.model.config, "_commit_hash", None)
    name = local_path(model).resolve().name if is_local else redact_name(model)
    return {
        "model": f"{name}@{revision}" if revision else name,
        "input_size": predictor.input_size,
        "precision": predictor.precision,
        "engine": predictor.engine,
        "interpolation": getattr(predictor.processor, "interpolation", None),
        "upsampling": None if has_own_upsampling else getattr(predictor.processor, "upsampling", None) or "bilinear",
        "flip_averaging": predictor.flip_averaging,
        **({"confidence": ", ".join(predictor.confidence_passes)} if predictor.confidence else {}),
        "batch_size": predictor.batch_size,
        "split": split or split_of_protocol(settings),
        "limit": limit,
    }
