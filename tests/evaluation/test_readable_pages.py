# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pages can be read with the keyboard, by screen readers, by colour-blind readers, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from readable_pages import READERS, contrast, problems_of, smallest_difference

from depth_anything_hf.evaluation.html_charts import Interval, histogram, interval_chart, line_chart
from depth_anything_hf.evaluation.html_report import (
    SERIES_COLOURS,
    STYLE,
    Margin,
    MetricsRow,
    charts,
    commands,
    margins_table,
    metrics_table,
    picture_rows,
    text_table,
    times_table,
    write_report,
)


PICTURE = np.zeros((8, 8, 3), np.uint8)
LIGHT, DARK = STYLE.split("@media (prefers-color-scheme: dark)")[:2]


def colours_of(style: str) -> dict[str, list[int]]:
    """Return name -> sRGB of the variables of a style, those of its first rule."""
    found = re.findall(r"--(\w+): #([0-9a-f]{6}|[0-9a-f]{3})\b", style.split("}")[0])
    full = {name: code if len(code) == 6 else "".join(2 * digit for digit in code) for name, code in found}
    return {name: [int(code[place : place + 2], 16) for place in (0, 2, 4)] for name, code in full.items()}


@pytest.fixture
def page(tmp_path: Path) -> str:
    curve = ([0, 1, 2], [3.0, 1.0, 2.0])
    sections = {
        "Scores": [metrics_table([MetricsRow("a", {"delta1": 0.9}, "teacher")], ["delta1"]), "text"],
        "Checks": margins_table([Margin("loss", "< 0.1", 0.1, False)]),
        "Curves": charts(line_chart({str(number): curve for number in range(8)}, title="Loss")),
        "Values": [
            histogram([1.0, 2.0], title="Values", mark=1.5),
            interval_chart([Interval("a", 1, 0, 2)], title="t"),
        ],
        "Pictures": [picture_rows([("first", [("image", PICTURE)])]), picture_rows([("", [("", PICTURE)])])],
        "Time": times_table({"render": 1.0}),
        "Rest": [text_table(["", "b"], [["a", "b"]]), commands("depth-anything-hf predict")],
    }
    written = write_report(tmp_path / "page.html", title="t", headline="h", summary="s", sections=sections)
    return written.read_text(encoding="utf-8")


def test_a_page_with_all_that_pages_have_keeps_nobody_out(page: str) -> None:
    assert problems_of(page) == []
    assert 'alt="image, first"' in page and 'alt="picture"' in page and ":focus-visible" in page


@pytest.mark.parametrize(
    ("there", "instead", "problem"),
    [
        (' lang="en"', "", "no language"),
        ('alt="image, first"', 'alt=""', "a picture has no text"),
        ('role="img" aria-label="Loss"', 'aria-label="Loss"', "a drawing has no text"),
        ('<th scope="row">', "<th>", "a heading of a table"),
        ("<pre tabindex=", "<pre class=", "the keyboard does not reach it"),
        ("<h1>", "<h2>", "0 first headings"),
        ("<h2>", "<h3>", "<h3> follows"),
        (' aria-label="Table"', "", "has no name"),
    ],
)
def test_what_would_keep_somebody_out_is_found(page: str, there: str, instead: str, problem: str) -> None:
    assert there in page
    assert problem in "; ".join(problems_of(page.replace(there, instead)))


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_what_is_behind(style: str) -> None:
    colours = colours_of(style)
    for ground in ("page", "card", "mark", "mark2", "code"):
        for text in ("text", "soft", "accent", "pass", "fail"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for number in range(SERIES_COLOURS):
        assert contrast(colours[f"s{number}"], colours["card"]) >= 3, number


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
def test_curves_differ_for_all_readers(style: str, reader: str) -> None:
    colours = colours_of(style)
    assert smallest_difference([colours[f"s{number}"] for number in range(SERIES_COLOURS)], reader) > 14


def test_curves_differ_without_colour_too() -> None:
    dashes = dict(re.findall(r"path\.(s\d) \{ stroke-dasharray: ([^;]*);", STYLE))
    patterns = [dashes.get(f"s{number}", "") for number in range(SERIES_COLOURS)]
    # Two are whole lines: blue, and that of the text, which differ in brightness.
    assert len(set(patterns)) == SERIES_COLOURS - 1 and patterns[0] == patterns[4] == ""
