# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the parts have written, as one JSON and one Markdown file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .processes import DONE, Outcome


FIRST_CHARACTERS = 300


def read_json(path: Path) -> Any:
    """Return what a part wrote; None where it did not come to that."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def read_tests(path: Path) -> list[dict[str, Any]]:
    """Return the outcome of each test, as far as they came."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]


def gather(outcomes: Sequence[Outcome], folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Return all that is known.

    Args:
        outcomes: of the parts that have ended.
        folder: of the results.
        facts: about the run: its settings and its time.
    """
    return {
        **facts,
        "parts": [asdict(outcome) for outcome in outcomes],
        "tests": read_tests(folder / "tests.jsonl"),
        "speed": read_json(folder / "speed.json"),
        "student": read_json(folder / "student.json"),
    }


def as_cell(text: str) -> str:
    """Return a text as a cell of a table."""
    line = " ".join(text.split())
    return line.replace("|", "\\|")[:FIRST_CHARACTERS]


def as_markdown(found: dict[str, Any]) -> str:
    """Return the summary for people."""
    lines = ["# GPU run" + (" (dry: tiny, on the CPU)" if found["dry"] else ""), ""]
    lines += ["| part | | seconds | of | |", "|---|---|---|---|---|"]
    for part in found["parts"]:
        seconds, limit = f"{part['seconds']:.0f}", f"{part['limit']:.0f}"
        lines.append(f"| {part['name']} | {part['status']} | {seconds} | {limit} | {as_cell(part['reason'])} |")
    for title, section in (("Tests", _tests(found["tests"])), ("Speed", _speed(found["speed"]))):
        lines += ["", f"## {title}", "", *section]
    return "\n".join([*lines, "", "## Student", "", *_student(found["student"])]) + "\n"


def _tests(tests: list[dict[str, Any]]) -> list[str]:
    if not tests:
        return ["None came to its end."]
    counts = Counter(test["outcome"] for test in tests)
    lines = [", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))]
    told = [test for test in tests if test["outcome"] != "passed" or test["figures"]]
    if told:
        lines += ["", "| test | | figures, or why not |", "|---|---|---|"]
    for test in told:
        figures = ", ".join(f"{name} {_figure(value)}" for name, value in test["figures"].items())
        # What went wrong stands at the end of a traceback.
        reason = test["reason"].strip()[-FIRST_CHARACTERS:]
        lines.append(f"| {test['test'].removeprefix('tests/')} | {test['outcome']} | {figures} {as_cell(reason)} |")
    return lines


def _figure(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _speed(speed: dict[str, Any] | None) -> list[str]:
    if speed is None:
        return ["Nothing was measured."]
    rate = speed["matrix_operations_per_second"] / 1e12
    lines = [f"{speed['card']}, {rate:.1f} TFLOP/s in bf16 matrix products, torch {speed['machine']['torch']}", ""]
    left_out = [f"Left out for time: {'; '.join(speed['left_out'])}."] if speed["left_out"] else []
    return [*lines, speed["table"], *left_out]


def _student(student: dict[str, Any] | None) -> list[str]:
    if student is None:
        return ["Nothing was trained."]
    lines = ["| stage | seconds | |", "|---|---|---|"]
    for stage in student["stages"]:
        facts = {name: value for name, value in stage.items() if name not in ("name", "seconds")}
        told = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in facts.items())
        lines.append(f"| {stage['name']} | {stage['seconds']} | {told} |")
    scores = student.get("scores", {})
    if scores:
        metrics = list(next(iter(scores.values())))
        lines += ["", f"| | {' | '.join(metrics)} |", "|---" * (len(metrics) + 1) + "|"]
        lines += [
            f"| {name} | {' | '.join(str(found[metric]) for metric in metrics)} |" for name, found in scores.items()
        ]
        passed = sum(check["passed"] for check in student["checks"])
        lines += ["", f"{passed} of {len(student['checks'])} of the quickstart's checks passed; pictures: student.png"]
    return lines


def write(outcomes: Sequence[Outcome], folder: Path, facts: dict[str, Any]) -> str:
    """Write summary.json and summary.md, and return the latter's text."""
    found = gather(outcomes, folder, facts)
    (folder / "summary.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = as_markdown(found)
    (folder / "summary.md").write_text(text, encoding="utf-8")
    return text


def all_done(outcomes: Sequence[Outcome]) -> bool:
    """Return whether every part was done."""
    return all(outcome.status == DONE for outcome in outcomes)
