# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Gain and loss of a run: its scores on the new and on the old domain, before the first step and now."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.files import atomic_write


# How the log names scores on the held-out set of the new domain, and on that of the old one.
NEW, OLD = "eval_", "forgetting_"
FORGETTING_FILE = "forgetting.json"

# metric -> {"new_before", "new_after", "old_before", "old_after"}; None where it was not measured or is not finite.
GainAndLoss = dict[str, dict[str, float | None]]


def gain_and_loss(
    before: Mapping[str, Mapping[str, float]], new: Mapping[str, float], old: Mapping[str, float]
) -> GainAndLoss:
    """Put scores side by side, of the metrics that both domains are scored by.

    Args:
        before: means before the run, of "new" and "old".
        new: means on the new domain now.
        old: means on the old domain now.
    """
    pairs = {"new": (before.get("new", {}), new), "old": (before.get("old", {}), old)}
    return {
        metric: {
            f"{domain}_{time}": _finite(scores.get(metric))
            for domain, both in pairs.items()
            for time, scores in zip(("before", "after"), both, strict=True)
        }
        for metric in new
        if metric in old and "/" not in metric and any(_finite(each.get(metric)) is not None for each in (new, old))
    }


def describe(scores: GainAndLoss, metrics: Sequence[str]) -> list[str]:
    """Return gain and loss by some metrics as lines of text, one for each domain."""
    lines = []
    for domain, title in (("new", "new domain (held-out set)"), ("old", "old domain (forgetting data)")):
        shown = [
            _change(name, *(scores[name][f"{domain}_{time}"] for time in ("before", "after"))) for name in metrics
        ]
        lines.append(f"{title}: {', '.join(shown)}")
    return lines


def save(scores: GainAndLoss, folder: Path) -> None:
    """Write `forgetting.json` into the folder of a model."""
    atomic_write(folder / FORGETTING_FILE, json.dumps(scores, indent=2) + "\n")


def from_log(entries: Sequence[Mapping[str, Any]]) -> GainAndLoss:
    """Return gain and loss at the last evaluation of a log; empty where nothing was scored before the run."""
    scored = [entry for entry in entries if any(name.startswith(OLD) for name in entry)]
    if len(scored) < 2 or scored[0]["step"] != 0:
        return {}
    (new_before, old_before), (new, old) = (scores_of(entry) for entry in (scored[0], scored[-1]))
    return gain_and_loss({"new": new_before, "old": old_before}, new, old)


def scores_of(entry: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the means on the new and on the old domain that an entry of a log has; the log's null is NaN."""
    new, old = (
        {
            name.removeprefix(prefix): math.nan if value is None else float(value)
            for name, value in entry.items()
            if name.startswith(prefix)
        }
        for prefix in (NEW, OLD)
    )
    return new, old


def _change(name: str, before: float | None, after: float | None) -> str:
    shown = ["-" if each is None else f"{each:.4f}" for each in (before, after)]
    by = "" if before is None or after is None else f" ({after - before:+.4f})"
    return f"{name} {shown[0]} -> {shown[1]}{by}"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


__all__ = [
    "FORGETTING_FILE",
    "NEW",
    "OLD",
    "GainAndLoss",
    "describe",
    "from_log",
    "gain_and_loss",
    "save",
    "scores_of",
]
