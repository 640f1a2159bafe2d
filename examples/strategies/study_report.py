# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables, plots and a page of a study: `results.csv`, `results.md`, `*.png`, `report.html`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from comparison import Difference, Recovery, compare, mean_and_spread, mean_points, signed
from domains import scenes_of
from study_plan import BY_NAME, REFERENCE, Preset, Trial, start_trials
from trials import Setting, read_result

from depth_anything_hf.evaluation.html_charts import Interval, interval_chart
from depth_anything_hf.evaluation.html_report import commands, picture_rows, text_table, write_report
from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.utils.messages import counted
from depth_anything_hf.visualization.charts import Curve, line_chart
from depth_anything_hf.visualization.encode import encode_png


DASH = "\N{EN DASH}"
DELTA1, ORDINAL = "delta1", "ordinal_accuracy"
HEADINGS = (
    *("strategy", "decoder rate", "δ1 (sd)", "ordinal (sd)", "δ1 - reference [95 %]", "seeds agree"),
    *("train - held-out", "old δ1 / ordinal"),
)
COST_HEADINGS = ("strategy", "trained, k", "CPU ms a step", "peak, MiB", "saved, MB")
AT_EDGE = "\N{DAGGER}"
EDGE_NOTE = "\N{DAGGER} The lowest or highest rate that was tried: the best one may lie beyond."


@dataclass(frozen=True)
class Row:
    """A strategy in a domain with a size of the training set.

    Attributes:
        trials: its trials, by seed.
        results: of each.
        scenes, old_scenes: of the images of the new and the old domain.
        at_edge: whether its rate is the lowest or highest that was tried.
        cost: see `cost.py`.
        difference: of delta1 to the reference; None for the reference itself.
    """

    trials: list[Trial]
    results: list[dict[str, Any]]
    scenes: list[int]
    old_scenes: list[int]
    at_edge: bool
    cost: Mapping[str, Any]
    difference: Difference | None

    @property
    def name(self) -> str:
        """The strategy, and how many steps it had where these are others than those of the reference."""
        first = self.trials[0]
        return f"{first.strategy}, equal time ({first.steps} steps)" if first.role == "time" else first.strategy

    def scores(self, where: str, metric: str = DELTA1) -> list[list[float | None]]:
        """Return a metric of each image for each seed; empty where it was not measured."""
        return [each[where][metric] for each in self.results if where in each]

    def mean(self, where: str, metric: str = DELTA1) -> float:
        """Return the mean over seeds and images, in points."""
        return mean_points(self.scores(where, metric))

    def texts(self) -> list[str]:
        """Return the cells of the row, see `HEADINGS`."""
        gap = self.mean("train") - self.mean("new")
        cells = [self.name, f"{self.trials[0].rate:g}{AT_EDGE if self.at_edge else ''}"]
        for metric in (DELTA1, ORDINAL):
            mean, spread = mean_and_spread(self.scores("new", metric), self.scenes)
            cells.append(f"{mean:.1f} ({_number(spread)})")
        agree = DASH if self.difference is None else "yes" if self.difference.seeds_agree else "no"
        cells += [DASH if self.difference is None else self.difference.text(), agree]
        old = f"{_number(self.mean('old'))} / {_number(self.mean('old', ORDINAL))}"
        return [*cells, _number(gap), old if self.scores("old") else DASH]

    def cost_texts(self) -> list[str]:
        """Return the cells of the row's cost, see `COST_HEADINGS`."""
        trained, seconds = self.cost["trained_parameters"], self.cost["seconds_per_step"]
        cells = [self.name, f"{trained / 1e3:,.0f}", f"{1e3 * seconds:.0f}", f"{self.cost['peak_mib']:.0f}"]
        return [*cells, f"{self.results[0]['saved_bytes'] / 1e6:.1f}"]


def collect_rows(
    setting: Setting,
    trials: Sequence[Trial],
    edges: Mapping[tuple[str, str], bool],
    costs: Mapping[str, Mapping[str, Any]],
) -> list[Row]:
    """Gather the trials that have results into rows: the reference first, then by delta1, remedies last."""
    by_row: dict[tuple[str, int, str, str, int], list[Trial]] = {}
    for trial in sorted(trials, key=lambda each: each.seed):
        key = (trial.domain, trial.images, trial.strategy, trial.role, trial.steps)
        by_row.setdefault(key, []).append(trial)
    old_scenes = scenes_of_source(setting.old_test)
    references = {key[:2]: _results(setting, own) for key, own in by_row.items() if key[2:4] == (REFERENCE, "main")}
    rows = []
    for (domain, images, name, role, _), own in by_row.items():
        results, scenes = _results(setting, own), scenes_of(setting.domain_folder(domain) / "test")
        difference = None
        if (name, role) != (REFERENCE, "main"):
            pair = [[each["new"][DELTA1] for each in side] for side in (results, references[domain, images])]
            difference = compare(pair[0], pair[1], scenes)
        strategy = BY_NAME[name]
        edge = edges.get((domain, name), False) if strategy.tuned_as is None else False
        cost = {} if strategy.is_remedy else costs.get(name, {})
        rows.append(Row(own, results, scenes, old_scenes, edge, cost, difference))
    names = list(BY_NAME)

    def order(row: Row) -> tuple[bool, bool, float, int]:
        strategy = BY_NAME[row.trials[0].strategy]
        return strategy.is_remedy, row.difference is not None, -row.mean("new"), names.index(strategy.name)

    return sorted(rows, key=order)


def scenes_of_source(old_test: str | None) -> list[int]:
    """Return the scene of each image of the old domain: as rendered, else each image by itself."""
    if old_test is None:
        return []
    from depth_anything_hf.data.sources import open_source

    try:
        return scenes_of(Path(old_test))
    except (OSError, KeyError, ValueError):
        return list(range(len(open_source(old_test))))


def sentence(row: Row) -> str:
    """Say whether a difference holds."""
    assert row.difference is not None
    where = "above" if row.difference.mean >= 0 else "below"
    low, high = sorted((row.difference.low, row.difference.high))
    verdict = "holds" if row.difference.holds else "does not hold"
    return (
        f"{row.name}: δ1 {abs(row.difference.mean):.1f} points {where} the reference [{low:+.1f}, {high:+.1f}], "
        f"{_seeds(row.difference)}: {verdict}."
    )


def recovery_of(row: Row, reference: Row, start: Mapping[str, Any]) -> Recovery:
    """Return what a strategy keeps of the old domain beside the reference."""
    lost = mean_points([start["old"][DELTA1]]) - reference.mean("old")
    brought_back = compare(row.scores("old"), reference.scores("old"), row.old_scenes)
    assert row.difference is not None
    return Recovery(lost, brought_back, row.difference)


def write_results(
    setting: Setting,
    preset: Preset,
    rows: Sequence[Row],
    tuning: Mapping[tuple[str, str], Mapping[float, float]],
    students: Sequence[Mapping[str, Any]],
    about: str,
) -> Path:
    """Write table, plots and page into the study's folder; return the page's path.

    Args:
        setting: of the study.
        preset: of the study.
        rows: see `collect_rows`.
        tuning: delta1 by rate, by (domain, strategy).
        students: see `smaller_students.distil_students`; may be empty.
        about: what was run, in a few words.
    """
    groups = list(preset.groups()) if rows else []
    starts = {trial.domain: read_result(setting, trial) or {} for trial in start_trials(preset)}
    intro = [about, *([_protocol(preset)] if rows else [])]
    sections: dict[str, list[str]] = {"What was run": intro}
    markdown = ["# Encoder strategies\n", *(f"{text}\n" for text in intro)]
    if len(groups) > 1:
        headings, cells = at_a_glance(rows, groups)
        sections["At a glance"] = [text_table(headings, cells, marked=[0]), GLANCE_NOTE]
        markdown += ["## At a glance\n", _markdown_table(headings, cells), f"{GLANCE_NOTE}\n"]
    for domain, images in groups:
        own = [row for row in rows if (row.trials[0].domain, row.trials[0].images) == (domain, images)]
        title = f"{domain}, {images} images"
        parts, lines = _group(own, starts[domain])
        sections[title], markdown = parts, [*markdown, f"## {title}\n", *lines]
    if students:
        cells = [_student_cells(each) for each in students]
        sections["Smaller students"] = [text_table(STUDENT_HEADINGS, cells, marked=[0])]
        markdown += ["## Smaller students\n", _markdown_table(STUDENT_HEADINGS, cells)]
    plots = _write_plots(setting.folder, rows, tuning)
    sections["Files"] = [commands([path.name for path in (*plots, setting.folder / "results.csv")])]
    if plots:
        pictures = [("", [(path.name, picture)]) for path, picture in plots.items()]
        sections["Plots"] = [picture_rows(pictures, max_side=860, lossless=True)]
    _write_csv(setting.folder / "results.csv", rows)
    atomic_write(setting.folder / "results.md", "\n".join(markdown))
    deltas = [row for row in rows if row.difference is not None and not BY_NAME[row.trials[0].strategy].is_remedy]
    holding = sum(row.difference.holds for row in deltas if row.difference is not None)
    return write_report(
        setting.folder / "report.html",
        title="depth_anything_hf: encoder strategies",
        headline=f"{holding} of {len(deltas)} differences from the reference hold" if rows else "Smaller students",
        summary=f"Reference: {REFERENCE}. A difference holds if its 95 % interval leaves 0 out and all seeds agree.",
        sections=sections,
    )


GLANCE_NOTE = (
    "Columns: domains, with the number of training images. First row: δ1 of the reference; below: δ1 minus the "
    "reference's, on the same seeds and images. * The difference holds: its 95 % interval leaves 0 out and all seeds "
    "agree."
)


def at_a_glance(rows: Sequence[Row], groups: Sequence[tuple[str, int]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and cells of a table with domains and sizes side by side, strategies in their given order."""
    by_name: dict[str, dict[tuple[str, int], str]] = {name: {} for name in BY_NAME}
    for row in rows:
        first, found = row.trials[0], row.difference
        # The number of steps differs between domains where the time is equal.
        name = first.strategy if first.role != "time" else f"{first.strategy}, equal time"
        text = f"{row.mean('new'):.1f}" if found is None else f"{signed(found.mean)}{'*' if found.holds else ''}"
        by_name.setdefault(name, {})[first.domain, first.images] = text
    headings = ["strategy", *(f"{domain} {images}" for domain, images in groups)]
    shown = {name: texts for name, texts in by_name.items() if texts}
    return headings, [[name, *(texts.get(group, DASH) for group in groups)] for name, texts in shown.items()]


STUDENT_HEADINGS = ("student", "δ1 (sd)", "ordinal (sd)", "parameters, k", "saved, MB", "CPU ms an image")


def _group(rows: Sequence[Row], start: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the parts of a domain's section on the page, and its lines in Markdown."""
    cells, reference = [row.texts() for row in rows], rows[0]
    compared = [row for row in rows if row.difference is not None]
    sentences = [sentence(row) for row in compared]
    intervals = [
        Interval(row.name, row.difference.mean, row.difference.low, row.difference.high, row.difference.holds)
        for row in compared
        if row.difference is not None
    ]
    before = _before(start)
    chart = interval_chart(intervals, title="δ1 minus the reference's", x_label="points; dark: holds")
    costs = [row.cost_texts() for row in rows if row.cost and row.trials[0].role == "main"]
    marks = [EDGE_NOTE] if any(row.at_edge for row in rows) else []
    parts: list[str] = [*before, text_table(HEADINGS, cells, marked=[0]), *marks, chart, *sentences]
    parts.append(text_table(COST_HEADINGS, costs, marked=[0]))
    lines = [*(f"{text}\n" for text in before), _markdown_table(HEADINGS, cells), *(f"{text}\n" for text in marks)]
    lines += [*(f"- {each}" for each in sentences), "", _markdown_table(COST_HEADINGS, costs)]
    if "old" in start and reference.scores("old"):
        kept = [(row, recovery_of(row, reference, start)) for row in compared]
        table = [_recovery_cells(row, found) for row, found in kept]
        lost = kept[0][1].lost_by_reference if kept else math.nan
        text = f"Forgetting: the reference loses {lost:.1f} points of δ1 on the old domain."
        found_any = [row.name for row, found in kept if found.verdict().startswith("yes")]
        verdict = (
            f"Half of that comes back at one point or less on the new domain, by the means: {'; '.join(found_any)}."
            if found_any
            else "Nothing here brings back half of that at one point or less on the new domain."
        )
        if all(math.isnan(found.share) for _, found in kept):
            return [*parts, text], [*lines, f"\n{text}\n"]
        parts += [text, text_table(RECOVERY_HEADINGS, table), verdict]
        lines += [f"\n{text}\n", _markdown_table(RECOVERY_HEADINGS, table), f"\n{verdict}\n"]
    return parts, lines


RECOVERY_HEADINGS = (
    *("strategy", "old δ1, more than the reference [95 %]", "share of the loss", "new δ1 [95 %]"),
    "half back at ≤ 1 point",
)


def _recovery_cells(row: Row, found: Recovery) -> list[str]:
    share = DASH if math.isnan(found.share) else f"{100 * found.share:.0f} %"
    return [row.name, found.brought_back.text(), share, found.cost.text(), found.verdict()]


def _before(start: Mapping[str, Any]) -> list[str]:
    """Say what the start and the mean map score."""
    texts = []
    for key, name in (
        ("new", "The start, on this domain"),
        ("old", "The start, on its own"),
        ("mean map", "Mean map"),
    ):
        if key in start:
            scores = [mean_points([start[key][metric]]) for metric in (DELTA1, ORDINAL)]
            texts.append(f"{name}: δ1 {scores[0]:.1f}, ordinal {scores[1]:.1f}.")
    return [" ".join(texts)] if texts else []


def _protocol(preset: Preset) -> str:
    rates = ", ".join(f"{rate:g}" for rate in preset.rates)
    return (
        f"{preset.steps} steps a trial; {preset.seeds} seeds, each with its own draw of the training images; the rate "
        f"of each strategy is the best of {rates} in each domain, chosen with {preset.central} images by "
        f"{counted(preset.tuning_seeds, 'other seed')} on {preset.tuning_images} other images. Scored on "
        f"{preset.test_images} images. Intervals: paired bootstrap over seeds and scenes; with few "
        "seeds they are too narrow rather than too wide, and of twenty comparisons one is expected to leave 0 out by "
        "chance."
    )


def _student_cells(row: Mapping[str, Any]) -> list[str]:
    cells = [str(row["name"])]
    for metric in (DELTA1, ORDINAL):
        means = [mean_points([seed]) for seed in row[metric]]
        spread = float(np.std(means, ddof=1)) if len(means) > 1 else math.nan
        cells.append(f"{np.mean(means):.1f} ({_number(spread)})")
    cells += [f"{row['parameters'] / 1e3:,.0f}", f"{row['saved_bytes'] / 1e6:.1f}"]
    return [*cells, f"{1e3 * row['seconds_per_image']:.1f}"]


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["domain", "images", "strategy", "role", "steps", "rate", "seeds", "delta1", "ordinal_accuracy", "abs_rel"]
    names += ["train_delta1", "old_delta1", "old_ordinal_accuracy", "difference", "low", "high", "holds"]
    writer.writerow([*names, "trained_parameters", "seconds_per_step", "peak_mib", "saved_bytes"])
    for row in rows:
        first, found = row.trials[0], row.difference
        numbers = [row.mean("new", metric) / 100 for metric in (DELTA1, ORDINAL, "abs_rel")]
        numbers += [row.mean("train") / 100, row.mean("old") / 100, row.mean("old", ORDINAL) / 100]
        interval: list[Any] = ["", "", "", ""]
        if found is not None:
            interval = [f"{found.mean / 100:.5f}", f"{found.low / 100:.5f}", f"{found.high / 100:.5f}", found.holds]
        cost = [row.cost.get(key, row.results[0].get(key, "")) for key in ("trained_parameters", "seconds_per_step")]
        cells = [first.domain, first.images, first.strategy, first.role, first.steps, first.rate, len(row.trials)]
        shown = ["" if math.isnan(each) else f"{each:.5f}" for each in numbers]
        writer.writerow(
            [*cells, *shown, *interval, *cost, row.cost.get("peak_mib", ""), row.results[0]["saved_bytes"]]
        )
    atomic_write(path, text.getvalue())


def _write_plots(
    folder: Path, rows: Sequence[Row], tuning: Mapping[tuple[str, str], Mapping[float, float]]
) -> dict[Path, np.ndarray]:
    """Write delta1 over the rates that were tried, and over the size of the training set where there are several."""
    pictures: dict[str, tuple[list[Curve], str, str]] = {}
    for (domain, name), by_rate in tuning.items():
        rates = sorted(rate for rate, value in by_rate.items() if math.isfinite(value))
        curve = Curve(name, [math.log10(rate) for rate in rates], [by_rate[rate] for rate in rates])
        title = f"delta1 on tuning images: {domain}"
        pictures.setdefault(f"rates-{domain}", ([], title, "log10 of the decoder's rate"))[0].append(curve)
    for domain in dict.fromkeys(row.trials[0].domain for row in rows):
        by_name: dict[str, dict[int, float]] = {}
        for row in rows:
            if row.trials[0].domain == domain and row.trials[0].role == "main":
                by_name.setdefault(row.trials[0].strategy, {})[row.trials[0].images] = row.mean("new")
        if any(len(points) > 1 for points in by_name.values()):
            curves = [
                Curve(name, [math.log2(size) for size in sorted(points)], [points[size] for size in sorted(points)])
                for name, points in by_name.items()
                if len(points) > 1 and not BY_NAME[name].is_remedy
            ]
            pictures[f"images-{domain}"] = (curves, f"delta1, {domain}", "log2 of the training images")
    written = {}
    for name, (curves, title, x_label) in pictures.items():
        drawable = [curve for curve in curves if curve.points()[0].size]
        if drawable:
            picture = line_chart(drawable, title=title, x_label=x_label, may_be_logarithmic=False, size=(480, 860))
            atomic_write(folder / f"{name}.png", encode_png(picture))
            written[folder / f"{name}.png"] = picture
    return written


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _results(setting: Setting, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    found = [read_result(setting, trial) for trial in trials]
    missing = [trial.name for trial, result in zip(trials, found, strict=True) if result is None]
    if missing:
        raise ValueError(f"no result of {missing[0]}; run the same command again")
    return [each for each in found if each is not None]


def _seeds(difference: Difference) -> str:
    above = sum(each > 0 for each in difference.by_seed)
    return f"{max(above, len(difference.by_seed) - above)} of {len(difference.by_seed)} seeds on one side"


def _number(value: float, digits: int = 1) -> str:
    return DASH if math.isnan(value) else f"{value:.{digits}f}"


__all__ = ["Row", "at_a_glance", "collect_rows", "recovery_of", "sentence", "write_results"]
