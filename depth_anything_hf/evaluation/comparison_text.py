# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A comparison in words: its table for the terminal, its cells, sentences and notes, of which the page is made too."""

from __future__ import annotations

import math

from ..utils.messages import counted
from ..utils.printable_names import one_line
from .bootstrap import BOOTSTRAP_SAMPLES
from .comparison import Comparison, LeftOut, MetricComparison
from .protocols import describe
from .results import arrow


LEFT_OUT_SHOWN, NAMES_SHOWN = 20, 5
# Intervals of fewer images are too narrow: percentiles of a bootstrap do not know how little they have seen.
FEW_IMAGES = 20
NAME_CHARACTERS, CELL_CHARACTERS = 24, 28
DASH = "\N{EN DASH}"


def comparison_table(comparison: Comparison) -> str:
    """Return the comparison as text: a column for each model, for each metric its mean and below the differences."""
    numbers = range(len(comparison.models))
    rows = [("metric", [heading(comparison, number) for number in numbers])]
    for name, metric in comparison.metrics.items():
        rows.append((name + arrow(name), [mean_cell(metric, number) for number in numbers]))
        rows.append(("  difference", [difference_cell(metric, number) for number in numbers]))
        if metric.higher_is_better is not None:
            rows.append(("  probability of better", [probability_cell(metric, number) for number in numbers]))
    name_width = max(NAME_CHARACTERS, *(len(name) + 2 for name, _ in rows))
    width = max(CELL_CHARACTERS, *(len(cell) + 2 for _, cells in rows for cell in cells))
    lines = [f"{name:<{name_width}}" + "".join(f"{cell:>{width}}" for cell in cells) for name, cells in rows]
    notes = [count_line(comparison), *notes_of(comparison), *left_out_lines(comparison)]
    notes += verdicts(comparison)
    return "\n".join([f"protocol: {describe(comparison.settings)}", *map(str.rstrip, lines), *map(one_line, notes)])


def verdicts(comparison: Comparison) -> list[str]:
    """Return a sentence for each model but the baseline, by the main metric."""
    main, baseline = comparison.main, comparison.models[comparison.baseline]
    sentences = []
    for number, model in enumerate(comparison.models):
        if number == comparison.baseline:
            continue
        word = main.verdict(number)
        if word:
            what = f"{model} is {word} than {baseline}"
        else:
            clear = "no clear difference" if main.higher_is_better is not None else "difference"
            what = f"{clear} between {model} and {baseline}"
        probability = probability_cell(main, number)
        told = f"; probability that {model} is better: {probability}" if probability != DASH else ""
        sentences.append(f"{what}: {main.name} {difference_cell(main, number)}{told}")
    return sentences


def headline(comparison: Comparison) -> str:
    """Say in one line which models are better or worse than the baseline by the main metric."""
    models: dict[str, list[str]] = {"better": [], "worse": [], "not clearly different": []}
    for number, model in enumerate(comparison.models):
        if number != comparison.baseline:
            models[comparison.main.verdict(number) or "not clearly different"].append(model)
    told = "; ".join(f"{', '.join(names)} {word}" for word, names in models.items() if names)
    return f"Against {comparison.models[comparison.baseline]}, by {comparison.metric}: {told}"


def heading(comparison: Comparison, number: int) -> str:
    """Return the name of a model, marked where it is the baseline."""
    return comparison.models[number] + (" (baseline)" if number == comparison.baseline else "")


def mean_cell(metric: MetricComparison, number: int) -> str:
    """Return the mean of a model with its interval: "0.1234 [0.1200, 0.1267]"."""
    decimals = _decimals(metric)
    mean, low, high = (number_text(each, decimals) for each in (metric.means[number], *metric.intervals[number]))
    return f"{mean} [{low}, {high}]"


def difference_cell(metric: MetricComparison, number: int) -> str:
    """Return the difference of a model to the baseline with its interval; a dash for the baseline itself."""
    if number == metric.baseline:
        return DASH
    decimals = _decimals(metric)
    numbers = (metric.differences[number], *metric.difference_intervals[number])
    difference, low, high = (signed_text(each, decimals) for each in numbers)
    return f"{difference} [{low}, {high}]"


def probability_cell(metric: MetricComparison, number: int) -> str:
    """Return how probable it is that a model is better than the baseline; a dash for the baseline itself."""
    value = metric.better[number][metric.baseline]
    return DASH if number == metric.baseline or math.isnan(value) else probability_text(value)


def probability_text(value: float) -> str:
    """Write a share of the samples; none of them does not mean never."""
    least = 1 / BOOTSTRAP_SAMPLES
    if value < least:
        return f"< {least:.3f}"
    return f"> {1 - least:.3f}" if value > 1 - least else f"{value:.3f}"


def number_text(value: float, decimals: int = 4) -> str:
    """Write a value; a dash where there is none."""
    if not math.isfinite(value):
        return DASH
    return f"{value:.{decimals}f}" if abs(value) < 1e4 else f"{value:.3e}"


def signed_text(value: float, decimals: int = 4) -> str:
    """Write a difference with its sign, a small one by its power of ten; a dash where there is none."""
    if not math.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    return f"{value:+.{decimals}f}" if 10.0 ** (1 - decimals) <= abs(value) < 1e4 else f"{value:+.1e}"


def count_line(comparison: Comparison) -> str:
    """Say how many images were compared."""
    line = f"{counted(len(comparison.images), 'image')} scored by every model"
    if comparison.left_out:
        line += f", {counted(len(comparison.left_out), 'image')} left out"
    return line


def notes_of(comparison: Comparison) -> list[str]:
    """Return what a reader of the numbers should know: few images, missing values, metrics left out."""
    notes = []
    if len(comparison.images) < FEW_IMAGES:
        notes.append(f"with fewer than {FEW_IMAGES} images, intervals and probabilities are too sure of themselves")
    for name, metric in comparison.metrics.items():
        # A scenario has only its own images.
        if metric.images < len(comparison.images) and "/" not in name:
            notes.append(f"{name}: {counted(metric.images, 'image')} on which every model has a value")
    if comparison.unshared:
        notes.append(f"left out, as not every model has them: {', '.join(comparison.unshared)}")
    return notes


def left_out_lines(comparison: Comparison) -> list[str]:
    """Name the images that only some models could do, those together that were left out for the same reasons."""
    alike: dict[tuple[str, str], list[str]] = {}
    for image in comparison.left_out:
        alike.setdefault((scored_by(comparison, image), image.why), []).append(image.name)
    lines = []
    for (models, reasons), names in alike.items():
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        lines.append(f"left out {', '.join(names[:NAMES_SHOWN])}{more}: scored by {models}; {reasons}")
    further = len(lines) - LEFT_OUT_SHOWN
    return [*lines[:LEFT_OUT_SHOWN], *([f"and for {counted(further, 'further reason')}"] if further > 0 else [])]


def scored_by(comparison: Comparison, image: LeftOut) -> str:
    """Return the models that have a score of an image."""
    return ", ".join(model for model in comparison.models if model not in image.reasons) or "none"


def _decimals(metric: MetricComparison) -> int:
    """Return how many decimals all numbers of a metric have."""
    return 4 if max(map(abs, metric.means)) < 100 else 2
