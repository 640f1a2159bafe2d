# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML page about a training run: numbers, margins, curves, pictures, times, next steps.

The page loads nothing and runs no script, so it opens from a disk, a mail or a server alike. What scrolls is reached
by the keyboard, pictures have texts, and no colour is the only sign of anything. Every function returns HTML and
escapes the texts it is given; `write_report` joins them.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeGuard

import cv2
import numpy as np

from ..metrics.table import METRICS
from ..utils.files import atomic_write
from ..visualization.encode import encode_jpeg, encode_png


class Html(str):
    """Markup made by this module; `write_report` takes it as it is and escapes every other text."""


class Column(NamedTuple):
    """A column of `metrics_table`.

    Attributes:
        key: entry of each row's values.
        heading: text above the column; default: the key.
        higher_is_better: direction, for the arrow and the best value; None: no best. By default it is known for the
            names in `metrics.METRICS`, also with "_mean" or "_median" behind them.
        digits: decimals.
    """

    key: str
    heading: str = ""
    higher_is_better: bool | None = None
    digits: int = 3


class MetricsRow(NamedTuple):
    """A row of `metrics_table`: name, values by column key, and "teacher", "student", "baseline" or "" as role."""

    name: str
    values: Mapping[str, float | None]
    role: str = ""


class Margin(NamedTuple):
    """A demanded result, e.g. `Margin("delta1 above the best baseline", ">= 0.05", 0.12, True)`."""

    check: str
    demanded: str | float
    reached: str | float
    passed: bool


def write_report(
    path: str | Path,
    *,
    title: str,
    headline: str,
    summary: str,
    sections: Mapping[str, str | Sequence[str]],
) -> Path:
    """Write the page.

    Args:
        path: the HTML file; its folder is made if missing, an older file is replaced.
        title: name of the run, over the headline and in the browser's tab.
        headline: the one result to remember.
        summary: one paragraph of plain words.
        sections: heading to one or several contents; `Html` from this module stays as it is, any other text becomes
            an escaped paragraph.

    Returns:
        The path.
    """
    body = "\n".join(_section(heading, contents) for heading, contents in sections.items())
    page = PAGE.format(
        generator=GENERATOR,
        style=STYLE,
        title=escape(title),
        headline=escape(headline),
        summary=escape(summary),
        body=body,
    )
    path = Path(path)
    atomic_write(path, page)
    return path


def metrics_table(rows: Sequence[MetricsRow], columns: Sequence[Column | str]) -> Html:
    """Return a table of predictors against metrics: best values bold, teacher and student marked, baselines muted.

    Args:
        rows: predictors, in the order to show.
        columns: columns or only their keys. A missing or NaN value shows as a dash.
    """
    full = [_known_direction(Column(column) if isinstance(column, str) else column) for column in columns]
    best = [_best(rows, column) for column in full]
    arrows = {True: " ↑", False: " ↓", None: ""}
    heading = _headings(["Predictor", *((c.heading or c.key) + arrows[c.higher_is_better] for c in full)])
    lines = []
    for row in rows:
        cells = [_row_name(row.name)]
        for column, best_text in zip(full, best, strict=True):
            text = _number(row.values.get(column.key), column.digits)
            cells.append(f"<td><strong>{text}</strong></td>" if text == best_text else f"<td>{text}</td>")
        lines.append(f'<tr class="{escape(row.role)}">{"".join(cells)}</tr>')
    return _table("numbers", heading, lines)


def margins_table(margins: Sequence[Margin]) -> Html:
    """Return a table of what was demanded, what was reached, and whether it passed."""
    lines = []
    for margin in margins:
        verdict = '<td class="pass">✓ pass</td>' if margin.passed else '<td class="fail">✗ fail</td>'
        reached = f"<td>{escape(_value(margin.demanded))}</td><td>{escape(_value(margin.reached))}</td>"
        lines.append(f"<tr>{_row_name(margin.check)}{reached}{verdict}</tr>")
    return _table("numbers", _headings(["Check", "Demanded", "Reached", "Result"]), lines)


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, marked: Sequence[int] = ()) -> Html:
    """Return a table of texts, the first of each row as its name.

    Args:
        headings: one for each column.
        rows: as many texts each.
        marked: numbers of the rows that are highlighted.

    Raises:
        ValueError: a row has another number of texts.
    """
    lines = []
    for number, (name, *cells) in enumerate(rows):
        if len(cells) + 1 != len(headings):
            raise ValueError(f"row {name!r} has {len(cells) + 1} texts, expected {len(headings)}")
        role = ' class="teacher"' if number in marked else ""
        lines.append(f"<tr{role}>{_row_name(name)}{_cells('td', cells)}</tr>")
    return _table("numbers", _headings(headings), lines)


def times_table(seconds: Mapping[str, float]) -> Html:
    """Return a table of stages with their duration, their share as a bar, and the total.

    Args:
        seconds: stage to its wall time in seconds, in the order to show.
    """
    total = sum(seconds.values())
    lines = []
    for stage, duration in seconds.items():
        share = 100 * duration / total if total > 0 else 0.0
        bar = f'<td class="bar"><span style="width:{share:.1f}%"></span></td><td>{share:.0f} %</td>'
        lines.append(f"<tr>{_row_name(stage)}<td>{duration_text(duration)}</td>{bar}</tr>")
    lines.append(f'<tr class="total">{_row_name("Total")}<td>{duration_text(total)}</td><td></td><td></td></tr>')
    return _table("numbers times", _headings(["Stage", "Time", "", "Share"]), lines)


def commands(lines: Sequence[str] | str) -> Html:
    """Return command lines or other text in fixed width, one per line."""
    return Html(f'<pre tabindex="0">{escape(lines if isinstance(lines, str) else chr(10).join(lines))}</pre>')


def picture_rows(
    rows: Sequence[tuple[str, Sequence[tuple[str, np.ndarray]]]], *, max_side: int = 360, lossless: bool = False
) -> Html:
    """Return rows of captioned pictures, e.g. image, truth, teacher, student.

    Args:
        rows: (name of the row, [(caption, uint8 (H, W, 3) RGB image), ...]); the text of a picture is both.
        max_side: larger pictures are shrunk to this many pixels on their longer side, to keep the page small.
        lossless: PNG instead of JPEG.
    """
    parts = []
    for name, pictures in rows:
        heading = f"<h3>{escape(name)}</h3>" if name else ""
        parts.append(heading + picture_row(name, pictures, max_side=max_side, lossless=lossless))
    return Html("\n".join(parts))


def picture_row(
    name: str, pictures: Sequence[tuple[str, np.ndarray]], *, max_side: int = 360, lossless: bool = False
) -> Html:
    """Return a row of `picture_rows` without its name above, which stands in the texts of its pictures alone."""
    figures = "".join(_picture(caption, name, image, max_side, lossless) for caption, image in pictures)
    label = escape(f"Pictures of {name}" if name else "Pictures")
    return Html(f'<div class="pictures" {_SCROLLS} aria-label="{label}">{figures}</div>')


def charts(*line_charts: Html) -> Html:
    """Put charts beside each other where the window is wide enough."""
    return Html(f'<div class="charts">{"".join(line_charts)}</div>')


def duration_text(seconds: float) -> str:
    """Return a duration for people: "0.42 s", "12.3 s", "3 min 05 s", "2 h 07 min"."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 3599.5:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"
    return f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60:02d} min"


def _known_direction(column: Column) -> Column:
    name = re.sub(r"_(mean|median)$", "", column.key)
    if column.higher_is_better is None and name in METRICS:
        return column._replace(higher_is_better=METRICS[name].higher_is_better)
    return column


def _best(rows: Sequence[MetricsRow], column: Column) -> str | None:
    values = [value for row in rows if _is_number(value := row.values.get(column.key))]
    if column.higher_is_better is None or len(values) < 2:
        return None
    return _number(max(values) if column.higher_is_better else min(values), column.digits)


def _picture(caption: str, name: str, image: np.ndarray, max_side: int, lossless: bool) -> str:
    height, width = image.shape[:2]
    if max(height, width) > max_side:
        scale = max_side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    kind, data = ("png", encode_png(image)) if lossless else ("jpeg", encode_jpeg(image))
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    size_text = f'width="{image.shape[1]}" height="{image.shape[0]}"'
    text = escape(", ".join(part for part in (caption, name) if part) or "picture")
    return f'<figure><img src="{source}" alt="{text}" {size_text}><figcaption>{escape(caption)}</figcaption></figure>'


def _section(heading: str, contents: str | Sequence[str]) -> str:
    parts = [contents] if isinstance(contents, str) else contents
    body = "\n".join(part if isinstance(part, Html) else f"<p>{escape(part)}</p>" for part in parts)
    return f"<section>\n<h2>{escape(heading)}</h2>\n{body}\n</section>"


def _table(kind: str, heading: str, lines: Sequence[str]) -> Html:
    body = f"<thead><tr>{heading}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return Html(f'<div class="scroll" {_SCROLLS} aria-label="Table"><table class="{kind}">{body}</table></div>')


def _headings(texts: Sequence[str]) -> str:
    # A column without a name has nothing to be read out.
    return "".join(f'<th scope="col">{escape(text)}</th>' if text else "<td></td>" for text in texts)


def _row_name(text: str) -> str:
    return f'<th scope="row">{escape(text)}</th>'


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _number(value: float | None, digits: int) -> str:
    return f"{value:.{digits}f}" if _is_number(value) else "\N{EN DASH}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


# What scrolls sideways is reached by the keyboard only with a place in its order.
_SCROLLS = 'tabindex="0" role="group"'
SERIES_COLOURS = 6
# By which a page is known to be one of this module.
GENERATOR = '<meta name="generator" content="depth_anything_hf">'

STYLE = """
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --text: #1d2126; --soft: #646b73; --line: #e2e4e6;
  --accent: #2b62c9; --mark: #eaf1fd; --mark2: #e8f6ee; --pass: #17794a; --fail: #b9302a; --code: #f2f3f4;
  --s0: #1f5fbf; --s1: #d9661a; --s2: #17936a; --s3: #c2559f; --s4: #1d2126; --s5: #8a3b12; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --card: #1b1f23; --text: #e6e8ea; --soft: #9aa3ab;
  --line: #30363c; --accent: #7aa8f7; --mark: #1e2c45; --mark2: #1b3327; --pass: #56c48c; --fail: #f08078;
  --code: #22272c; --s0: #4fa3f7; --s1: #f0b04a; --s2: #2fb886; --s3: #df7fc0; --s4: #f4f5f6; --s5: #c65a1e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
header { margin-bottom: 28px; }
header p.title { margin: 0; color: var(--soft); font-size: 15px; }
h1 { margin: 4px 0 12px; font-size: clamp(24px, 4vw, 34px); line-height: 1.2; text-wrap: balance; }
header p.summary { margin: 0; max-width: 72ch; font-size: 17px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 22px 22px;
  margin-bottom: 18px; }
section > p { max-width: 72ch; margin: 0 0 12px; }
h2 { margin: 0 0 12px; font-size: 20px; }
h3 { margin: 16px 0 6px; font-size: 15px; font-weight: 600; }
.scroll { overflow-x: auto; margin: 0 0 12px; }
table { border-collapse: collapse; font-size: 15px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; border-bottom: 1px solid var(--line); text-align: left; }
tbody th { font-weight: 500; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; white-space: nowrap; }
table.numbers { width: 100%; }
table.numbers tbody th { min-width: 9em; }
table.numbers td, table.numbers thead th:not(:first-child) { text-align: right; white-space: nowrap; }
tr.teacher { background: var(--mark); }
tr.student { background: var(--mark2); }
tr.teacher th, tr.student th, tr.total th { font-weight: 650; }
tr.baseline { color: var(--soft); }
.pass { color: var(--pass); font-weight: 600; }
.fail { color: var(--fail); font-weight: 600; }
td.bar { width: 40%; min-width: 90px; }
td.bar span { display: block; height: 10px; min-width: 1px; border-radius: 3px; background: var(--accent); }
pre { background: var(--code); border-radius: 8px; padding: 12px 14px; margin: 0 0 12px; overflow-x: auto;
  font: 13.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 13px; color: var(--soft); }
.charts { display: grid; gap: 22px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
figure.chart figcaption { color: var(--text); font-size: 15px; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; font-weight: 400; color: var(--soft); }
.legend i { display: inline-block; width: 30px; height: 3px; margin-right: 6px; vertical-align: middle;
  background: repeating-linear-gradient(90deg, currentColor 0 var(--on), transparent 0 var(--every)); }
svg { display: block; width: 100%; max-width: 560px; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
svg path { fill: none; stroke: var(--line); }
svg path.tick { stroke: var(--soft); }
svg path.curve { stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.s0 { color: var(--s0); --on: 1px; --every: 1px; } .s1 { color: var(--s1); --on: 7px; --every: 10px; }
.s2 { color: var(--s2); --on: 3px; --every: 6px; } .s3 { color: var(--s3); --on: 12px; --every: 18px; }
.s4 { color: var(--s4); --on: 1px; --every: 1px; } .s5 { color: var(--s5); --on: 5px; --every: 12px; }
.weak { color: var(--soft); }
path.s1 { stroke-dasharray: 7 3; } path.s2 { stroke-dasharray: 1.5 3.5; } path.s3 { stroke-dasharray: 12 6; }
path.s5 { stroke-dasharray: 5 7; }
.pictures { display: grid; gap: 10px; grid-auto-flow: column; grid-auto-columns: minmax(130px, 480px);
  justify-content: start; overflow-x: auto; padding-bottom: 6px; }
.pictures img { display: block; width: 100%; height: auto; border-radius: 5px; }
@media (max-width: 600px) { main { padding: 20px 12px 40px; } section { padding: 14px; } th, td { padding: 5px 8px; } }
@media print { section { break-inside: avoid; } }
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
{generator}
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<p class="title">{title}</p>
<h1>{headline}</h1>
<p class="summary">{summary}</p>
</header>
{body}
</main>
</body>
</html>
"""
