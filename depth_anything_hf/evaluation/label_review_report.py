# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A review of labels as it is saved: a page and a sheet of the worst rows, and the list of rows to drop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..data.drop_list import DroppedRow, text_of_row, write_drop_list
from ..utils.files import atomic_write
from ..utils.messages import counted
from ..visualization.encode import encode_png
from ..visualization.figures import add_caption, resize_to_height, side_by_side, stack
from .html_charts import histogram
from .html_report import Html, commands, picture_row, write_report
from .label_review import MEANINGS, Review, ReviewedRow


PAGE, SHEET, LIST, LINES = "review.html", "worst.png", "drop.txt", "drop.jsonl"
REVIEW_FILES = (PAGE, SHEET, LIST, LINES)
# By which the sheet is not taken for a photograph where it lies among some.
_MARK = {"written_by": "depth_anything_hf.review"}
PANEL_HEIGHT_PIXELS, SHEET_ROWS, LINKED_ROWS = 200, 40, 100
_DIGITS = 4
SHORT = {"teachers": "share of pixels", "fit": "relative residual", "flip": "share of pixels", "model": "AbsRel"}


@dataclass(frozen=True)
class ShownRow:
    """A row with its pictures.

    Attributes:
        row: what is known of it.
        pictures: (caption, uint8 (H, W, 3)).
        place: "shard, row" where it is stored; "" if it is not in shards.
    """

    row: ReviewedRow
    pictures: Sequence[tuple[str, np.ndarray]]
    place: str = ""


def save_lists(
    folder: Path, labels: str, review: Review, dropped: Sequence[ShownRow], others: Sequence[ShownRow], why: str
) -> None:
    """Save the rows to drop as text, to be edited, and as JSON lines.

    Args:
        folder: is there.
        labels: what was reviewed.
        review: of the labels.
        dropped: rows to drop, worst first; pictures are not looked at.
        others: the next ones, which stand in the text as comments.
        why: how the cut was found.
    """
    comments = [
        f"rows of {labels} to leave out of training: distill --train_data {labels} --drop {folder / LIST}",
        f"by {review.by}: {MEANINGS[review.by]}, worst first; {why}",
        "one row a line: name, or name<TAB>source_row; lines that begin with # are comments",
    ]
    after = [text_of_row(_dropped(each)) for each in others]
    if after:
        after.insert(0, " The next ones in the order; without the # they are dropped as well:")
    write_drop_list(folder / LIST, [_dropped(each) for each in dropped], comments, after)
    entries = [
        {
            "name": each.row.name,
            "source_row": each.row.source_row,
            "place": each.place or None,
            review.by: each.row.value,
        }
        for each in dropped
    ]
    atomic_write(folder / LINES, "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries))


def save_sheet(path: Path, review: Review, shown: Sequence[ShownRow]) -> None:
    """Save the first rows as one PNG, each below its name and numbers."""
    pictures = []
    for number, each in enumerate(shown[:SHEET_ROWS], start=1):
        if each.pictures:
            panels = side_by_side([resize_to_height(picture, PANEL_HEIGHT_PIXELS) for _, picture in each.pictures])
            pictures.append(add_caption(panels, f"{number}. {Path(each.row.name).name}  {_numbers(review, each.row)}"))
    if pictures:
        captions = " | ".join(caption for caption, _ in next(each for each in shown if each.pictures).pictures)
        atomic_write(path, encode_png(add_caption(stack(pictures), captions), _MARK))


def save_page(
    path: Path,
    labels: str,
    review: Review,
    shown: Sequence[ShownRow],
    *,
    cut: float | None,
    why: str,
    dropped: int,
    list_place: str,
) -> None:
    """Save the page: the distribution with the cut, every shown row with pictures and numbers, and what to do next.

    Args:
        path: of the HTML file.
        labels: what was reviewed.
        review: of the labels.
        shown: the worst rows, worst first.
        cut: above which rows are listed; None lists none.
        why: how the cut was found.
        dropped: rows in the list.
        list_place: path of the list, for the command.
    """
    known = review.values[~np.isnan(review.values)]
    rows = len(review.values)
    missing = rows - len(known) - len(review.skipped)
    unknown = [f"{counted(missing, 'row')} without this number."] if missing else []
    left = [f"Not compared: {name}: {reason}" for name, reason in review.skipped[:LINKED_ROWS]]
    stand = "stands" if dropped == 1 else "stand"
    headline = f"{dropped or 'None'} of {counted(rows, 'label')} {stand if dropped else 'stands'} out"
    quantiles = "; ".join(f"{100 * q:g} %: {np.quantile(known, q):.{_DIGITS}f}" for q in (0.5, 0.9, 0.99, 1.0))
    sections: dict[str, Any] = {
        "Distribution": [
            f"Ranked by {MEANINGS[review.by]}. Quantiles of the labels: {quantiles}.",
            f"{why[0].upper()}{why[1:]}.",
            histogram(known, title=f"Labels by {review.by}", x_label=SHORT[review.by], mark=cut),
            *unknown,
        ],
        "Worst rows": [
            _links(review, shown),
            *(_article(number, review, each) for number, each in enumerate(shown, 1)),
        ],
        "What to do": [
            f"Look at the rows, and edit {LIST}: what stands in it is left out of training.",
            commands([f"depth-anything-hf distill --train_data {labels} --drop {list_place} ..."]),
        ],
    }
    if left:
        sections["Not compared"] = left
    write_report(
        path, title=f"Review of {labels}", headline=headline, summary=_summary(review, dropped, why), sections=sections
    )


def _summary(review: Review, dropped: int, why: str) -> str:
    listed = f"{LIST} lists {counted(dropped, 'row')}" if dropped else f"{LIST} lists no row"
    bad_fits = f" {bad_fits_of(review)}." if review.bad_fits else ""
    return f"The worst labels by {MEANINGS[review.by]}. {listed}: {why}.{bad_fits}"


def bad_fits_of(review: Review) -> str:
    """Return how many rows have a bad fit, which are left out of training without standing in the list."""
    rows = counted(len(review.values), "label")
    return (
        f"{review.bad_fits} of {rows} have a bad fit of the two teachers (fit_ok false): training leaves these out "
        "whatever the list says, unless keep_bad_fits is set"
    )


def _links(review: Review, shown: Sequence[ShownRow]) -> Html:
    """Return a table with a link to each row, which the keyboard reaches."""
    lines = [
        f'<tr><th scope="row"><a href="#row-{number}">{number}. {escape(each.row.name)}</a></th>'
        f"<td>{each.row.value:.{_DIGITS}f}</td></tr>"
        for number, each in enumerate(shown, start=1)
    ]
    heading = f'<thead><tr><th scope="col">Row</th><th scope="col">{escape(review.by)}</th></tr></thead>'
    table = f'<table class="numbers">{heading}<tbody>{"".join(lines)}</tbody></table>'
    return Html(f"<details><summary>All {len(shown)} as a list</summary>{table}</details>")


def _article(number: int, review: Review, shown: ShownRow) -> Html:
    row = shown.row
    details = [f"source row {row.source_row}"] if row.source_row is not None else []
    details += [shown.place] if shown.place else []
    pictures = picture_row(Path(row.name).name, shown.pictures)
    return Html(
        f'<article id="row-{number}"><h3>{number}. {escape(row.name)}</h3>'
        f"<p>{escape('; '.join([_numbers(review, row), *details]))}</p>{pictures}</article>"
    )


def _numbers(review: Review, row: ReviewedRow) -> str:
    parts = [f"{review.by} {row.value:.{_DIGITS}f}"]
    for name, value in row.numbers.items():
        if isinstance(value, bool | np.bool_):
            parts += [] if value else ["the fit is marked as bad"]
        else:
            parts.append(f"{name.removeprefix('fit_').replace('_', ' ')} {value:.3g}")
    return ", ".join(parts)


def _dropped(shown: ShownRow) -> DroppedRow:
    return DroppedRow(shown.row.name, shown.row.source_row)


__all__ = ["REVIEW_FILES", "ShownRow", "save_lists", "save_page", "save_sheet"]
