# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which labels are the worst: by what was stored when they were made, or by another model's prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.datasets import DepthTable
from ..data.decoding.label_masks import SHARE_COLUMNS
from ..data.row_filter import FIT_OK, NAME, SOURCE_ROW
from ..data.rows_left_out import ROWS_AT_ONCE, name_in
from ..data.samples import SampleDataset
from ..utils.image_names import Naming


MODEL = "model"
# What rows are ranked by -> its column, where a larger value is worse.
STORED = {"teachers": SHARE_COLUMNS["teachers"], "fit": "fit_residual", "flip": SHARE_COLUMNS["flip"]}
CHOICES = (*STORED, MODEL)
MEANINGS = {
    "teachers": "share of the pixels at which the two teachers disagree",
    "fit": "median relative residual of the fit of one teacher to the other",
    "flip": "share of the pixels at which the prediction of the mirrored picture disagrees",
    MODEL: "mean absolute relative error of a model's prediction, aligned to the label",
}
FURTHER = ("fit_inliers", "fit_scale", "fit_shift")
# Tukey's outer fence; fewer rows have no quartiles to speak of.
FENCE, FEWEST_FOR_CUT = 3.0, 20


@dataclass(frozen=True)
class ReviewedRow:
    """A row of labels that is shown or listed.

    Attributes:
        index: position in the dataset.
        name: relative to the labels.
        source_row: its row in what was labelled; None where labels do not say.
        value: by which it is ranked; larger is worse.
        numbers: what else is known of it.
    """

    index: int
    name: str
    source_row: int | None
    value: float
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Review:
    """Labels, ranked.

    Attributes:
        by: one of `CHOICES`.
        values: float (rows,), larger is worse; NaN where nothing is known of a row.
        numbers: further columns, each with a value per row.
        skipped: (name, reason) of rows that the model could not be compared on.
    """

    by: str
    values: np.ndarray
    numbers: dict[str, Sequence[Any]] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bad_fits(self) -> int:
        """Rows that say themselves that one teacher could not be fitted to the other."""
        return sum(each is False for each in self.numbers.get(FIT_OK, ()))

    def order(self) -> np.ndarray:
        """Return the positions of the rows with a value, worst first; of equal ones the earlier first."""
        known = np.flatnonzero(~np.isnan(self.values))
        order: np.ndarray = known[np.argsort(-self.values[known], kind="stable")]
        return order

    def rows(self, samples: SampleDataset, positions: Sequence[int]) -> list[ReviewedRow]:
        """Return rows with their names, in the given order."""
        identities = _identities(samples, positions)
        return [
            ReviewedRow(
                int(index),
                *identities[int(index)],
                float(self.values[index]),
                {name: column[index] for name, column in self.numbers.items() if column[index] is not None},
            )
            for index in positions
        ]


def review_stored(samples: SampleDataset, by: str | None = None) -> Review:
    """Rank labels by what was stored when they were made.

    Args:
        samples: opened labels.
        by: "teachers", "fit" or "flip"; None takes the first of them that is there.

    Raises:
        ValueError: the labels have no such numbers; the message says how to make them.
    """
    wanted = [*STORED.values(), *FURTHER, FIT_OK]
    present = [name for name in wanted if isinstance(samples, DepthTable) and name in samples.columns]
    columns: dict[str, list[Any]] = {name: [] for name in present}
    if isinstance(samples, DepthTable) and present:
        for block in samples.read_columns(present, ROWS_AT_ONCE):
            for name in present:
                columns[name] += block[name]
    known = [each for each in STORED if any(value is not None for value in columns.get(STORED[each], ()))]
    if by is None and not known:
        raise ValueError(
            "these labels have no numbers to review them by: give --model, a model that they are compared with, or "
            "label with --scale_teacher or --masks, whose labels say where they are in doubt"
        )
    if by is not None and by not in known:
        has = f"; they have {', '.join(known)}" if known else ""
        raise ValueError(
            f"--by {by} needs the column {STORED[by]}, which these labels do not have{has}: label with "
            f"{'--scale_teacher' if by == 'fit' else f'--masks {by}'}, or give --model"
        )
    by = by or known[0]
    values = np.asarray([math.nan if each is None else each for each in columns[STORED[by]]], dtype=np.float64)
    return Review(by, values, {name: column for name, column in columns.items() if name != STORED[by]})


def suggest_cut(values: np.ndarray) -> float | None:
    """Return the value above which rows stand out: Tukey's outer fence, the third quartile + 3 quartile distances.

    Args:
        values: float (N,); NaN is left out.

    Returns:
        None for fewer than 20 values, or where none stands out.
    """
    known = values[~np.isnan(values)]
    if len(known) < FEWEST_FOR_CUT:
        return None
    first, third = np.quantile(known, (0.25, 0.75))
    cut = float(third + FENCE * (third - first))
    return cut if (known > cut).any() else None


def _identities(samples: Any, positions: Sequence[int]) -> dict[int, tuple[str, int | None]]:
    """Return name and source row by position; of tables only these columns are read."""
    naming = Naming.of_source(samples)
    wanted = {int(index) for index in positions}
    if not isinstance(samples, DepthTable) or NAME not in samples.columns:
        return {index: (naming.name(name_in(samples, index)), None) for index in wanted}
    found, first = {}, 0
    names = [each for each in (NAME, SOURCE_ROW) if each in samples.columns]
    for block in samples.read_columns(names, ROWS_AT_ONCE):
        rows = len(block[NAME])
        for index in range(first, first + rows):
            if index in wanted:
                row = block[SOURCE_ROW][index - first] if SOURCE_ROW in block else None
                found[index] = (str(block[NAME][index - first] or name_in(samples, index)), row)
        first += rows
    return found


__all__ = ["CHOICES", "MEANINGS", "Review", "ReviewedRow", "review_stored", "suggest_cut"]
