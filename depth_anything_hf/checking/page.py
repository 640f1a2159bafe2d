# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks as one self-contained HTML page: findings with what to do, numbers, a histogram, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.checks.findings import HISTOGRAM_EDGES
from ..data.checks.source_check import SourceCheck
from ..evaluation.html_charts import line_chart
from ..evaluation.html_report import Html, picture_rows, text_table, write_report
from ..utils.messages import counted
from .sheet import rows_of
from .text import advice_of, heading, numbers_of


NAMES_SHOWN = 20
PICTURE_PIXELS = 320


def write_page(path: Path, checks: Sequence[SourceCheck]) -> None:
    """Write the page of checks.

    Args:
        path: of the HTML file.
        checks: at least one.
    """
    count = sum(len(check.findings) for check in checks)
    names = ", ".join(check.name for check in checks)
    sections: dict[str, Any] = {}
    for check in checks:
        before = f"{check.name}: " if len(checks) > 1 else ""
        sections |= {before + title: contents for title, contents in _sections(check).items()}
    write_report(
        path,
        title=f"Check of {names}",
        headline=counted(count, "finding") if count else "Nothing found",
        summary="; ".join(f"{check.name}: {heading(check)}" for check in checks) + ".",
        sections=sections,
    )


def _sections(check: SourceCheck) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    if check.findings:
        rows = [[each.code, each.reason, advice_of(each)] for each in check.findings]
        sections["Findings"] = _wrapped(text_table(["What", "Seen", "To do"], rows))
    sections["Numbers"] = [
        text_table(["Number", "Value"], [[name, text] for name, text in numbers_of(check).items()]),
        *(f"Note: {note}" for note in check.notes),
    ]
    chart = _histogram(check)
    if chart is not None:
        sections["Values"] = chart
    pictures = rows_of(check)
    if pictures:
        sections["Samples"] = [
            "Edges of the label in orange over grey ones of the picture: where they lie on each other, the two fit.",
            picture_rows(pictures, max_side=PICTURE_PIXELS),
        ]
    named = [(each.code, each.names) for each in check.findings if each.names]
    if named:
        rows = [[code, ", ".join(names[:NAMES_SHOWN]) + _more(names)] for code, names in named]
        sections["Where"] = _wrapped(text_table(["What", "Samples"], rows))
    return sections


def _wrapped(table: Html) -> Html:
    """Let the cells of a table of sentences break their lines."""
    left = 'style="white-space:normal;text-align:left"'
    return Html(table.replace("<td>", f"<td {left}>").replace("<th ", f"<th {left} "))


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - NAMES_SHOWN} more, see check.json" if len(names) > NAMES_SHOWN else ""


def _histogram(check: SourceCheck) -> Html | None:
    total = check.histogram
    if total is None:
        return None
    used = np.flatnonzero(total)
    part = slice(max(0, used[0] - 1), used[-1] + 2)
    middles = (np.log10(HISTOGRAM_EDGES[:-1]) + np.log10(HISTOGRAM_EDGES[1:])) / 2
    shares = 100 * total / total.sum()
    unit = "metres" if check.label == "depth" else "disparity"
    title = f"How often each {'depth' if check.label == 'depth' else 'disparity'} is"
    return line_chart(
        {"all labels": (middles[part], shares[part])},
        title=title,
        x_label=f"logarithm to base 10 of {unit}",
        y_label="% of the values",
    )


__all__ = ["write_page"]
