# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A comparison as it is saved: a JSON record for programs, an HTML page with pictures for people."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..utils.files import atomic_write
from ..utils.paths import local_path
from ..version import __version__
from ..visualization.figures import resize_to_height, stack
from .bootstrap import BOOTSTRAP_SAMPLES
from .comparison import Comparison
from .comparison_text import (
    DASH,
    count_line,
    difference_cell,
    heading,
    headline,
    mean_cell,
    notes_of,
    number_text,
    probability_cell,
    probability_text,
    scored_by,
    verdicts,
)
from .datasets import LabelledDataset
from .html_charts import Interval, interval_chart
from .html_report import Html, picture_rows, text_table, write_report
from .protocols import describe, identify
from .reports import panels_of
from .result_files import COMPARISON_FILE, FORMAT_KEY, MARK, MARK_KEY, PAGE_FILE, check_results_folder
from .results import arrow, describe_made_with
from .scoring import cut_sample


if TYPE_CHECKING:
    from ..inference.predictor import DepthPredictor

COMPARISON_FORMAT = 1
COMPARISON_FILES = (COMPARISON_FILE, PAGE_FILE)
LEFT_OUT_ROWS = 200
PANEL_HEIGHT_PIXELS, PANEL_WIDTH_PIXELS = 240, 320
HOW = (
    f"Intervals hold 95 % of {BOOTSTRAP_SAMPLES:,} bootstrap samples of the images. Differences are taken image by "
    "image and resampled with them, so they are sharper than the intervals of the means tell. The probability that a "
    "model is better than the baseline is its share of these samples; 0.5 says nothing. Images of one scene or video "
    "are not independent: with few scenes, intervals are too narrow."
)


@dataclass(frozen=True)
class ComparedSet:
    """One dataset of a comparison.

    Attributes:
        comparison: the numbers.
        made_with: model -> what it was scored with (`results.description_of`).
        dataset: the images, for pictures; None where only saved results were compared.
        predictors: model -> its predictor, for pictures; saved results have none.
    """

    comparison: Comparison
    made_with: Mapping[str, Mapping[str, Any]]
    dataset: LabelledDataset | None = None
    predictors: Mapping[str, DepthPredictor] = field(default_factory=dict)


def _record_of(one: ComparedSet) -> dict[str, Any]:
    """Return everything about one dataset as JSON values; a number that is not finite is None."""
    comparison = one.comparison
    models = comparison.models

    def by_model(values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(models, map(_json, values), strict=True))

    metrics = {
        name: {
            "higher_is_better": metric.higher_is_better,
            "images": metric.images,
            "mean": by_model(metric.means),
            "interval_95": by_model(metric.intervals),
            "difference": by_model(metric.differences),
            "difference_interval_95": by_model(metric.difference_intervals),
            "probability_better": {model: by_model(metric.better[number]) for number, model in enumerate(models)},
        }
        for name, metric in comparison.metrics.items()
    }
    rows = [
        {
            "index": index,
            "name": name,
            **{key: by_model(metric.values[position]) for key, metric in comparison.metrics.items()},
        }
        for position, (index, name) in enumerate(comparison.images)
    ]
    return {
        "protocol": identify(comparison.settings),
        "description": describe(comparison.settings),
        "settings": comparison.settings.record(),
        "models": {model: {"made_with": dict(one.made_with[model])} for model in models},
        "baseline": models[comparison.baseline],
        "metric": comparison.metric,
        "images": len(comparison.images),
        "metrics": metrics,
        "left_out_metrics": list(comparison.unshared),
        "left_out_images": [
            {"index": image.index, "name": image.name, "reasons": dict(image.reasons)} for image in comparison.left_out
        ],
        "rows": rows,
    }


def save_comparison(
    folder: str | os.PathLike[str],
    sets: Mapping[str, ComparedSet],
    missing: Mapping[str, str] | None = None,
    *,
    pictures: int = 6,
    overwrite: bool = False,
) -> None:
    """Save `comparison.json` and `comparison.html`, one page that loads nothing else.

    Args:
        folder: created if it does not exist.
        sets: what was compared, by the name of the dataset.
        missing: sets that were not compared, with the reason.
        pictures: images to show of each set, those on which the models differ most by the main metric. They are
            predicted once more.
        overwrite: replace files of these names that are no comparison's; those of an earlier one always are.

    Raises:
        FileExistsError: a file of these names is no comparison's.
        OSError: the folder takes no files.
    """
    folder = local_path(folder)
    check_results_folder(folder, COMPARISON_FILES, overwrite=overwrite)
    record = {
        "depth_anything_hf": __version__,
        MARK_KEY.decode(): MARK,
        FORMAT_KEY: COMPARISON_FORMAT,
        "samples": BOOTSTRAP_SAMPLES,
        "sets": {name: _record_of(one) for name, one in sets.items()},
        "missing": dict(missing or {}),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    sections: dict[str, Any] = {}
    for name, one in sets.items():
        title = f"{name}: " if len(sets) > 1 else ""
        sections |= {title + section: contents for section, contents in _sections(one, pictures).items()}
    if missing:
        sections["Not compared"] = text_table(["Set", "Reason"], [[name, why] for name, why in missing.items()])
    first = next(iter(sets.values())).comparison
    many = f" on {len(sets)} datasets" if len(sets) > 1 else ""
    write_report(
        folder / PAGE_FILE,
        title=f"Comparison of {', '.join(first.models)}{many}",
        headline=headline(first) if len(sets) == 1 else f"{', '.join(first.models)}{many}",
        summary=HOW,
        sections=sections,
    )
    atomic_write(folder / COMPARISON_FILE, text + "\n")


def _picture_section(one: ComparedSet, count: int) -> list[Html | str]:
    """Show the images on which the models differ most: image, label, and of each model its map above its errors.

    Args:
        one: with a dataset and predictors.
        count: of images.
    """
    comparison = one.comparison
    if one.dataset is None or not one.predictors or not count:
        return []
    rows = []
    for position in comparison.most_different(count):
        index, name = comparison.images[position]
        sample = cut_sample(one.dataset[index], comparison.settings)
        shown = [("image", _small(sample["image"]))]
        for number, model in enumerate(comparison.models):
            if model not in one.predictors:
                continue
            predictor = one.predictors[model]
            (prediction,) = predictor([(sample["name"], sample["image"])])
            if prediction.values is None:
                continue
            _, own, *others = panels_of(prediction.values, sample, comparison.settings, predictor.prediction_kind)
            # Of a dense label; point pairs are drawn into the map.
            if others and len(shown) == 1:
                shown.append(("label", _small(others[0])))
            value = _value(comparison, position, number)
            shown.append((f"{model}: {comparison.metric} {value}", stack([_small(own), *map(_small, others[1:])])))
        mapless = [number for number, model in enumerate(comparison.models) if model not in one.predictors]
        values = ", ".join(f"{comparison.models[number]} {_value(comparison, position, number)}" for number in mapless)
        rows.append((Path(name).name + (f" ({values})" if values else ""), shown))
    if not rows:
        return ["The models have the same values on every image."]
    left = [model for model in comparison.models if model not in one.predictors]
    what = (
        "with the pairs, blue where their order is right, orange with a cross where it is wrong"
        if comparison.settings.scores_pairs
        else "above its error"
    )
    note = f"Where the values of {comparison.metric} lie farthest apart. Each model's map (bright is near) {what}."
    if not comparison.settings.scores_pairs:
        note += " Errors |p - t| / t from 0 to 0.5; what does not count is grey."
    if left:
        note += f" Saved results have no maps: {', '.join(left)}."
    return [note, picture_rows(rows, max_side=3 * PANEL_HEIGHT_PIXELS)]


def _sections(one: ComparedSet, pictures: int) -> dict[str, Any]:
    comparison = one.comparison
    sections: dict[str, Any] = {
        "Scores": [
            *_score_tables(comparison),
            *(f"{sentence}." for sentence in verdicts(comparison)),
            count_line(comparison) + ".",
            *notes_of(comparison),
        ],
        "Differences": _difference_chart(comparison),
    }
    if len(comparison.models) > 2 and not math.isnan(comparison.main.better[0][0]):
        sections["Each against each"] = [
            f"Probability that the model of the row is better than that of the column, by {comparison.metric}.",
            _pair_table(comparison),
        ]
    shown = _picture_section(one, pictures)
    if shown:
        sections["Where they differ most"] = shown
    if comparison.left_out:
        rows = [[image.name, scored_by(comparison, image), image.why] for image in comparison.left_out]
        sections["Images left out"] = [
            text_table(["Image", "Scored by", "Not scored by"], rows[:LEFT_OUT_ROWS]),
            *([f"All {len(rows)} are in {COMPARISON_FILE}."] if len(rows) > LEFT_OUT_ROWS else []),
        ]
    made = [[model, describe_made_with(one.made_with[model])] for model in comparison.models]
    sections["What was compared"] = [describe(comparison.settings), text_table(["Model", "Made with"], made)]
    return sections


def _score_tables(comparison: Comparison) -> list[Html]:
    """Return one table for two models; for more, whose columns would not fit, means and differences apart."""
    numbers = range(len(comparison.models))
    others = [number for number in numbers if number != comparison.baseline]
    marked = [list(comparison.metrics).index(comparison.metric)]
    means_headings = [heading(comparison, number) for number in numbers]
    means, differences = [], []
    for name, metric in comparison.metrics.items():
        means.append([name + arrow(name), *(mean_cell(metric, number) for number in numbers)])
        cells = []
        for number in others:
            word = metric.verdict(number)
            cells.append(difference_cell(metric, number))
            cells.append(probability_cell(metric, number) + (f", {word}" if word else ""))
        differences.append(cells)
    if len(others) == 1:
        rows = [[*one, *other] for one, other in zip(means, differences, strict=True)]
        return [text_table(["Metric", *means_headings, "difference", "P(better)"], rows, marked=marked)]
    headings = [f"Minus {comparison.models[comparison.baseline]}"]
    for number in others:
        headings += [comparison.models[number], "P(better)"]
    rows = [[one[0], *other] for one, other in zip(means, differences, strict=True)]
    return [
        text_table(["Mean", *means_headings], means, marked=marked),
        text_table(headings, rows, marked=marked),
    ]


def _pair_table(comparison: Comparison) -> Html:
    rows = [
        [
            model,
            *(
                DASH if number == k else probability_text(value)
                for k, value in enumerate(comparison.main.better[number])
            ),
        ]
        for number, model in enumerate(comparison.models)
    ]
    return text_table(["", *comparison.models], rows)


def _difference_chart(comparison: Comparison) -> list[Html | str]:
    """Draw the differences in percent of the baseline's mean, to the right where they are improvements."""
    rows = []
    for name, metric in comparison.metrics.items():
        base = abs(metric.means[comparison.baseline])
        if metric.higher_is_better is None or base == 0:
            continue
        for number, model in enumerate(comparison.models):
            if number != comparison.baseline:
                value, low, high = (
                    100 * metric.gain(each) / base
                    for each in (metric.differences[number], *metric.difference_intervals[number])
                )
                low, high = min(low, high), max(low, high)
                label = name if len(comparison.models) == 2 else f"{name}, {model}"
                rows.append(Interval(label, value, low, high, bool(metric.verdict(number))))
    title = f"Improvement over {comparison.models[comparison.baseline]}, % of its mean"
    return [interval_chart(rows, title=title, x_label="right of 0: better; strong colour: the interval leaves 0 out")]


def _value(comparison: Comparison, position: int, number: int) -> str:
    return number_text(float(comparison.main.values[position, number]))


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    return float(value) if math.isfinite(value) else None


def _small(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return resize_to_height(picture, min(PANEL_HEIGHT_PIXELS, max(1, PANEL_WIDTH_PIXELS * height // width)))


__all__ = ["COMPARISON_FILES", "ComparedSet", "save_comparison"]
