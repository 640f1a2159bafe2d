# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Results of evaluations in a model card, in its metadata, and beside it for leaderboards."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, eval_result_entries_to_yaml

from ..metrics.table import METRICS
from ..utils.files import atomic_write
from ..utils.printable_names import one_line
from ..utils.redaction import is_hub_id, redact_name, redact_values
from .markdown import inline, slug, table


EVALUATION_FOLDER = ".eval_results"


def published_results(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return results whose names and texts hold no local path; two sets of one name are numbered."""
    published: dict[str, Mapping[str, Any]] = {}
    for given_name, given in results.items():
        name = first = one_line(redact_name(given_name))
        number = 1
        while name in published:
            number += 1
            name = f"{first} ({number})"
        published[name] = {key: value if key == "metrics" else redact_values(value) for key, value in given.items()}
    return published


def evaluation_results(name: str, given: Mapping[str, Any]) -> list[EvalResult]:
    """Return the finite numbers of an evaluation set in the form of a card's metadata."""
    identifier = _protocol_identifier(given)
    return [
        EvalResult(
            task_type="depth-estimation",
            dataset_type=given.get("dataset") or slug(name),
            dataset_name=name,
            dataset_split=given.get("split"),
            dataset_revision=given.get("revision"),
            dataset_args={"protocol": identifier} if identifier else None,
            metric_type=metric,
            metric_name=metric,
            metric_value=round(float(value), 6),
        )
        for metric, value in given["metrics"].items()
        if math.isfinite(value)
    ]


def write_evaluations(folder: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `.eval_results/*.yaml`, from which the Hub fills leaderboards; they need a dataset of the Hub."""
    for name, given in results.items():
        if not is_hub_id(given.get("dataset")):
            continue
        identifier = _protocol_identifier(given)
        entries = [
            EvalResultEntry(
                dataset_id=given["dataset"],
                task_id=f"{identifier}/{result.metric_type}" if identifier else result.metric_type,
                value=result.metric_value,
                dataset_revision=given.get("revision"),
                notes=given.get("protocol"),
            )
            for result in evaluation_results(name, given)
        ]
        if entries:
            text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
            atomic_write(folder / EVALUATION_FOLDER / f"{slug(name)}.yaml", text)


def _protocol_identifier(given: Mapping[str, Any]) -> str | None:
    """Return e.g. "nyu@1", also where only the description of the protocol, which begins with it, is given."""
    found = re.match(r"[\w.-]+@\d+(?=,|$)(?!, (?:modified|unknown))", given.get("protocol") or "")
    return given.get("identifier") or (found[0] if found else None)


def results_text(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of a card, the protocols below it, and what the metrics mean."""
    metrics = list(dict.fromkeys(metric for given in results.values() for metric in given["metrics"]))
    rows = []
    for name, given in results.items():
        numbers = [given["metrics"].get(metric, math.nan) for metric in metrics]
        rows.append((name, given.get("images", ""), *(f"{n:.4f}" if math.isfinite(n) else "-" for n in numbers)))
    scores = table(("Evaluation set", "Images", *map(_with_direction, metrics)), rows)
    protocols = [inline(f"- {name}: {given['protocol']}") for name, given in results.items() if given.get("protocol")]
    meanings = [f"- `{name}`: {METRICS[name].description}" for name in metrics if name in METRICS]
    return "\n\n".join([scores, *("\n".join(lines) for lines in (protocols, meanings) if lines)])


def gain_and_loss_text(scores: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return the scores of both domains side by side, as a table under a heading; empty without scores."""
    if not scores:
        return ""
    names = (
        "Metric",
        *(f"{domain} domain: {time}" for domain in ("new", "old") for time in ("before", "after", "change")),
    )
    rows = [
        (_with_direction(metric), *_numbers(each, "new"), *_numbers(each, "old")) for metric, each in scores.items()
    ]
    return (
        "### Gain and forgetting\n\nScores on held-out images of the domain that this model was trained for, and of "
        f"the one that it comes from, before training and after it.\n\n{table(names, rows)}"
    )


def _numbers(scores: Mapping[str, float | None], domain: str) -> tuple[str, str, str]:
    before, after = (scores.get(f"{domain}_{time}") for time in ("before", "after"))
    change = "-" if before is None or after is None else f"{after - before:+.4f}"
    return "-" if before is None else f"{before:.4f}", "-" if after is None else f"{after:.4f}", change


def _with_direction(metric: str) -> str:
    return f"{metric} {'↑' if METRICS[metric].higher_is_better else '↓'}" if metric in METRICS else metric
