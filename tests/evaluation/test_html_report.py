# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the report page: it is whole, loads nothing, shows every number, and trusts no text."""

from __future__ import annotations

import base64
import io
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.evaluation.html_charts import Interval, interval_chart, line_chart
from depth_anything_hf.evaluation.html_report import (
    Column,
    Margin,
    MetricsRow,
    charts,
    commands,
    duration_text,
    margins_table,
    metrics_table,
    picture_rows,
    text_table,
    times_table,
    write_report,
)


NASTY = '<img src="x" onerror="alert(1)"> & \'quoted\''
VOID_TAGS = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Parses a page or a part of it; tags must be balanced."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(markup)
        self.close()
        assert not self.open_tags, f"never closed: {self.open_tags}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags and self.open_tags.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def full_report(path: Path, text: str = "plain") -> Page:
    rows = [
        MetricsRow(f"Teacher {text}", {"delta1": 0.951, "abs_rel_mean": 0.0625}, "teacher"),
        MetricsRow("Constant", {"delta1": 0.402}, "baseline"),
    ]
    curve = (np.arange(50), np.exp(-np.arange(50) / 10))
    sections = {
        f"Results {text}": [metrics_table(rows, ["delta1", Column("abs_rel_mean", f"AbsRel {text}")]), text],
        "Margins": margins_table([Margin(f"check {text}", text, 0.549, True)]),
        "Curves": charts(line_chart({text: curve}, title=text, x_label=text, y_label=text, logarithmic=True)),
        "Pictures": picture_rows([(text, [(text, picture())])]),
        "Time": times_table({f"Render {text}": 12.34, "Train": 100.0}),
        "Next": commands([text, "depth-anything-hf predict"]),
    }
    written = write_report(path, title=f"Run {text}", headline=text, summary=text, sections=sections)
    return Page(written.read_text(encoding="utf-8"))


def test_the_page_is_whole_and_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "report.html"
    page = full_report(path)
    markup = path.read_text(encoding="utf-8")
    assert markup.startswith("<!DOCTYPE html>") and not page.all("script")
    for attributes in (attributes for _, attributes in page.tags):
        for name in ("src", "href", "srcset", "action", "data", "xlink:href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"https?:|@import|url\(|\bon\w+=", markup)


def test_every_number_is_on_the_page(tmp_path: Path) -> None:
    texts = full_report(tmp_path / "report.html").texts
    for number in ("0.951", "0.402", "0.062", "\N{EN DASH}", "0.549", "✓ pass", "12.3 s", "1 min 40 s", "1 min 52 s"):
        assert number in texts


def test_texts_are_escaped_everywhere(tmp_path: Path) -> None:
    page = full_report(tmp_path / "report.html", NASTY)
    assert len(page.all("img")) == 1 and not any("onerror" in attributes for _, attributes in page.tags)
    assert (
        NASTY in page.texts
        and page.all("img")[0]["alt"] == f"{NASTY}, {NASTY}"
        and page.all("svg")[0]["aria-label"] == NASTY
    )


def test_the_best_value_follows_the_direction_and_ties_share_it() -> None:
    rows = [
        MetricsRow("a", {"delta1": 0.9, "abs_rel_median": 0.2, "mine": 1.0, "seconds": 4.0}),
        MetricsRow("b", {"delta1": 0.90004, "abs_rel_median": 0.1, "mine": 2.0, "seconds": 3.0}),
        MetricsRow("c", {"delta1": math.nan, "abs_rel_median": 0.3, "mine": 3.0}),
    ]
    table = metrics_table(rows, ["delta1", "abs_rel_median", "mine", Column("seconds", "Time", False, 1)])
    assert re.findall("<strong>(.*?)</strong>", table) == ["0.900", "0.900", "0.100", "3.0"]
    headings = re.findall('<th scope="col">(.*?)</th>', table)
    assert headings == ["Predictor", "delta1 ↑", "abs_rel_median ↓", "mine", "Time ↓"]


def test_roles_are_marked() -> None:
    page = Page(metrics_table([MetricsRow(role, {}, role) for role in ("teacher", "student", "baseline")], ["delta1"]))
    assert [row.get("class") for row in page.all("tr")] == [None, "teacher", "student", "baseline"]


def test_a_missed_margin_is_a_fail() -> None:
    table = margins_table([Margin("loss", "< 0.1", 0.123456, False)])
    assert "✗ fail" in table and "0.1235" in table and "pass" not in table


def curve_points(chart: str) -> np.ndarray:
    path = re.search(r'class="curve s0" d="M([^"]*)"', chart)
    assert path
    return np.array([pair.split() for pair in path[1].split("L")], dtype=float)


def test_a_line_is_straight_on_its_axis_and_stays_inside() -> None:
    x = np.arange(20)
    for y, logarithmic in ((3.0 * x - 7, False), (10.0 ** (x / 5), True)):
        points = curve_points(line_chart({"line": (x, y)}, title="t", logarithmic=logarithmic))
        assert np.ptp(np.diff(points[:, 1])) <= 0.21 and (np.diff(points[:, 1]) < 0).all()
        assert points.min() >= 0 and points[:, 0].max() <= 400 and points[:, 1].max() <= 250


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "expected"),
    [
        (0.0, 1.0, False, ["0", "0.25", "0.5", "0.75", "1"]),
        (0.0, 1e-4, False, ["0", "2.5e-5", "5e-5", "7.5e-5", "1e-4"]),
        (1e-6, 1.0, True, ["1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]),
        (0.31, 0.38, True, ["0.32", "0.34", "0.36", "0.38"]),
        (-5e5, 5e5, False, ["-5e5", "-2.5e5", "0", "2.5e5", "5e5"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, logarithmic: bool, expected: list[str]) -> None:
    chart = line_chart({"a": ([0, 1], [low, high])}, title="t", logarithmic=logarithmic)
    assert re.findall(r'text-anchor="end">(.*?)</text>', chart) == expected


def test_broken_points_break_the_line_and_long_curves_are_thinned() -> None:
    values = [1.0, 2.0, math.nan, 3.0, -1.0, 4.0, 5.0]
    chart = line_chart({"a": (range(7), values)}, title="t", logarithmic=True)
    assert chart.count('class="curve s0"') == 3
    points = curve_points(line_chart({"a": (np.arange(10_001), np.arange(10_001))}, title="t", max_points=101))
    assert len(points) == 101 and np.ptp(np.diff(points[:, 0])) <= 0.21


def test_flat_single_and_empty_curves_are_drawn_or_said() -> None:
    for y in ([0.0, 0.0], [3.0, 3.0]):
        assert len(curve_points(line_chart({"a": ([0, 1], y)}, title="t"))) == 2
    assert "h0" in line_chart({"a": ([5], [0.1])}, title="t", logarithmic=True)
    assert "No finite values" in line_chart({}, title="t")
    for y in ([], [math.inf]):
        assert "No finite values" in line_chart({"a": (range(len(y)), y)}, title="t")
    with pytest.raises(ValueError, match="2 x values and 1 y"):
        line_chart({"a": ([0, 1], [1.0])}, title="t")


def test_pictures_are_embedded_and_shrunk() -> None:
    image = picture(100, 200)
    kept = Page(picture_rows([("row", [("one", image)])], lossless=True)).all("img")[0]
    data = base64.b64decode((kept["src"] or "").removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)
    shrunk = Page(picture_rows([("row", [("one", image)])], max_side=50)).all("img")[0]
    data = base64.b64decode((shrunk["src"] or "").removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(data)).size == (50, 25) and (shrunk["width"], shrunk["height"]) == ("50", "25")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (0.42, "0.42 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_texts_stand_in_their_columns_and_a_short_row_is_refused() -> None:
    page = Page(text_table(["name", "value"], [[NASTY, "1 [0, 2]"], ["b", "2"]], marked=[1]))
    assert NASTY in page.texts and "1 [0, 2]" in page.texts
    assert [row.get("class") for row in page.all("tr")] == [None, None, "teacher"]
    with pytest.raises(ValueError, match="row 'a' has 1 texts, expected 2"):
        text_table(["name", "value"], [["a"]])


def test_intervals_lie_on_one_axis_around_zero() -> None:
    rows = [Interval(NASTY, 1.0, -1.0, 3.0), Interval("b", -4.0, -5.0, -3.0, True), Interval("c", math.nan, 0.0, 1.0)]
    chart = interval_chart(rows, title="t", x_label="points")
    page = Page(chart)
    assert NASTY in page.texts and "c" not in page.texts and not any("onerror" in each for _, each in page.tags)
    dots = [float(each["cx"] or "") for each in page.all("circle")]
    ends = [tuple(map(float, each)) for each in re.findall(r'class="curve" d="M([\d.]+) [\d.]+H([\d.]+)"', chart)]
    zero = float(re.findall(r'class="tick" d="M([\d.]+)', chart)[0])
    assert [row.get("class") for row in page.all("g")] == ["weak", "s0"]
    for dot, (low, high), row in zip(dots, ends, rows, strict=False):
        assert low < dot < high
        # One scale for all: pixels for each point.
        assert (dot - zero) / row.value == pytest.approx((ends[0][1] - ends[0][0]) / 4, abs=0.2)
    assert "No finite values" in interval_chart(rows[2:], title="t")


def test_a_chart_has_room_for_its_longest_name() -> None:
    for name in ("a", "rehearsal 30 %, longer, labels of the start"):
        chart = interval_chart([Interval(name, 1.0, 0.5, 2.0)], title="t")
        end = next(float(x) for x in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="end"', chart))
        assert end > 6 * len(name), "letters of 13 pixels are 6 wide"
