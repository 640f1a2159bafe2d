# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`results.csv` and `training.png` in the run folder, made from the log alone."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator

from ..evaluation.results import DIAGNOSTICS
from ..metrics.table import METRICS
from ..utils.files import atomic_write
from ..visualization.charts import Curve, line_chart
from ..visualization.encode import encode_png
from ..visualization.figures import sheet
from .forgetting import NEW, OLD
from .processes import print_on_main
from .state import RunGeometry
from .tracking import read_log
from .validation import SHOWN_METRICS


RESULTS_FILE, CHART_FILE = "results.csv", "training.png"
FIRST_COLUMNS = ("step", "epoch", "loss")
RATE, SCORE = "learning_rate_", NEW
# Numbers of an entry that are no terms of the loss.
NO_TERMS = (
    *("step", "skipped_steps", "skipped_samples", "images_per_second", "peak_memory_mib", "loss_scale"),
    *("unlabelled_steps", "unlabelled_share", "images_without_label", "output_maximum", "output_zero_share"),
    *("grad_norm_encoder", "grad_norm_decoder"),
)
# The table is rewritten at most once in so many times the duration of a rewrite: below half a percent of a run.
PATIENCE = 200


class RunSummary:
    """The table and the chart of a run beside its log; an error in them is a warning and never aborts a run.

    Args:
        accelerator: the run's `Accelerator`; only the main process writes.
        log_path: `log.jsonl` in the run folder.
        geometry: the run's `RunGeometry`.
    """

    def __init__(self, accelerator: Accelerator, log_path: Path, geometry: RunGeometry) -> None:
        self.accelerator, self.log_path, self.geometry = accelerator, log_path, geometry
        self.folder = log_path.parent
        self._next_time = 0.0
        self._has_warned = False
        # What the chart shows: a run that ends right after a checkpoint has nothing new.
        self._drawn: list[dict[str, Any]] | None = None

    def refresh(self) -> None:
        """Rewrite the table, unless it was rewritten recently."""
        if time.perf_counter() >= self._next_time:
            self.write(chart=False)

    def write(self, *, chart: bool = True) -> None:
        """Rewrite the table, and the chart as well where there is something to show.

        Args:
            chart: whether to.
        """
        if not self.accelerator.is_main_process:
            return
        start = time.perf_counter()
        try:
            entries = read_log(self.log_path)
            atomic_write(self.folder / RESULTS_FILE, results_table(entries, self.geometry))
            is_drawn = entries == self._drawn and (self.folder / CHART_FILE).exists()
            picture = training_chart(entries) if chart and not is_drawn else None
            if picture is not None:
                atomic_write(self.folder / CHART_FILE, encode_png(picture))
                self._drawn = entries
        except Exception as error:
            self._warn(error)
        now = time.perf_counter()
        self._next_time = now + PATIENCE * (now - start)

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            reason = f"{type(error).__name__}: {error}"
            print_on_main(self.accelerator, f"warning: {RESULTS_FILE} or {CHART_FILE} could not be written: {reason}")
        self._has_warned = True


def results_table(entries: Sequence[dict[str, Any]], geometry: RunGeometry) -> str:
    """Return the numbers of a log as CSV: a row for each entry of training or evaluation, a column for each name.

    Args:
        entries: of the log; notes on skipped steps and broken samples have no row.
        geometry: the run's `RunGeometry`, for the column "epoch", the passes over the data. It is empty for a stream,
            as is any number that an entry does not have or that is not finite.

    Returns:
        Text with a header; "step", "epoch" and "loss" come first, scores ("eval_...", "forgetting_...") last.
    """
    rows = [_with_epoch(entry, geometry) for entry in entries if _is_numeric(entry)]
    names = dict.fromkeys(name for row in rows for name in row)
    own = [name for name in names if name not in FIRST_COLUMNS and not name.startswith((SCORE, OLD))]
    scores = [name for prefix in (SCORE, OLD) for name in names if name.startswith(prefix)]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*FIRST_COLUMNS, *own, *scores], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def training_chart(entries: Sequence[dict[str, Any]]) -> np.ndarray | None:
    """Draw losses, learning rates, scores and speed of a log over its steps.

    Args:
        entries: of the log.

    Returns:
        uint8 (H, W, 3) RGB; None before the second entry of training.
    """
    rows = [entry for entry in entries if _is_numeric(entry)]
    trained = [row for row in rows if "images_per_second" in row]
    if len(trained) < 2:
        return None
    scored = [row for row in rows if any(name.startswith(SCORE) for name in row)]
    terms = [name for name in _names(trained) if not name.startswith(RATE) and name not in NO_TERMS]
    panels = {
        "Loss": [_curve(trained, name) for name in sorted(terms, key=lambda name: name != "loss")],
        "Learning rate": [
            _curve(trained, name, name.removeprefix(RATE)) for name in _names(trained) if name.startswith(RATE)
        ],
        # Side by side: gain and loss.
        "Held-out scores": _score_curves(scored, SCORE),
        "Scores on the old domain": _score_curves(scored, OLD),
        "Images per second": [_curve(trained, "images_per_second")],
    }
    charts = [
        line_chart(
            curves, title=title, x_label="optimizer step", may_be_logarithmic=title in ("Loss", "Learning rate")
        )
        for title, curves in panels.items()
        if any(curve.points()[0].size for curve in curves)
    ]
    return sheet([charts[first : first + 2] for first in range(0, len(charts), 2)])


def _is_numeric(entry: dict[str, Any]) -> bool:
    # Notes hold texts and lists.
    return len(entry) > 1 and all(value is None or isinstance(value, int | float) for value in entry.values())


def _with_epoch(entry: dict[str, Any], geometry: RunGeometry) -> dict[str, Any]:
    epoch = None
    if geometry.samples_per_epoch:
        epoch = round(entry["step"] * geometry.images_per_step / geometry.samples_per_epoch, 6)
    return {**entry, "epoch": epoch}


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _own_metrics(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the scores that are neither of the table of metrics nor about the output."""
    names = [name.removeprefix(SCORE) for name in _names(rows) if name.startswith(SCORE)]
    return [name for name in names if "/" not in name and name not in METRICS and name not in DIAGNOSTICS]


def _score_curves(rows: Sequence[dict[str, Any]], prefix: str) -> list[Curve]:
    names = (*SHOWN_METRICS, *_own_metrics(rows))
    return [_curve(rows, prefix + name, name) for name in names if any(prefix + name in row for row in rows)]


def _curve(rows: Sequence[dict[str, Any]], key: str, name: str | None = None) -> Curve:
    numbers = [row.get(key) for row in rows]
    return Curve(
        name or key,
        [row["step"] for row in rows],
        [float("nan") if number is None else number for number in numbers],
    )


__all__ = ["RunSummary", "results_table", "training_chart"]
