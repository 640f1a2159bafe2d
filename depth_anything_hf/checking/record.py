# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks as JSON: sources, findings with all names and the fields that mend them, and a row for each sample."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ..data.checks.findings import CODES, QUANTILES, SampleFacts
from ..data.checks.source_check import SourceCheck
from ..version import __version__
from .text import numbers_of


CHECK_FORMAT = 1
MARK_KEY, MARK = "written_by", "depth_anything_hf.check"


def record_of(checks: Sequence[SourceCheck]) -> dict[str, Any]:
    """Return checks as JSON values; a number that is not finite is None."""
    return {
        "depth_anything_hf": __version__,
        MARK_KEY: MARK,
        "format": CHECK_FORMAT,
        "sources": [_source(check) for check in checks],
    }


def text_of(checks: Sequence[SourceCheck]) -> str:
    """Return checks as text of JSON."""
    return json.dumps(record_of(checks), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _source(check: SourceCheck) -> dict[str, Any]:
    verdict = check.registration
    return {
        "name": check.name,
        "label": check.label,
        "samples": check.count,
        "looked_at": len(check.facts),
        "numbers": numbers_of(check),
        "registration": {
            "judged": verdict.judged,
            "voted": verdict.voted,
            "agree": verdict.agree,
            "of_a_part": verdict.is_part,
            "transform": verdict.transform,
            "right": _number(verdict.right),
            "down": _number(verdict.down),
        },
        "findings": [
            {
                "code": each.code,
                "meaning": CODES[each.code],
                "reason": each.reason,
                "advice": each.advice,
                "settings": {name: _value(value) for name, value in each.settings.items()},
                "names": list(each.names),
            }
            for each in check.findings
        ],
        "notes": list(check.notes),
        "rows": [_row(each) for each in check.facts],
    }


def _row(facts: SampleFacts) -> dict[str, Any]:
    row: dict[str, Any] = {"index": facts.index, "name": facts.name}
    if facts.error is not None:
        return {**row, "error": facts.error}
    row |= {"height": facts.height, "width": facts.width, "picture_hash": f"{facts.picture_hash:016x}"}
    if facts.label is None:
        return row
    vote = facts.registration
    return row | {
        "valid": _number(facts.valid),
        "sky": _number(facts.sky),
        "quantiles": {f"{share:g}": _number(value) for share, value in zip(QUANTILES, facts.quantiles, strict=False)},
        "levels": facts.levels,
        "stored_as": facts.stored_type or None,
        "fits": None if vote is None else {"transform": vote.transform, "score": _number(vote.score)},
    }


def _value(value: Any) -> Any:
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


__all__ = ["MARK", "MARK_KEY", "record_of", "text_of"]
