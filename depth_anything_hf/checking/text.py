# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A check as lines of text: what the source holds, then what is most likely wrong and what to do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..data.checks.advice import describe_settings
from ..data.checks.findings import HISTOGRAM_EDGES, Finding, SampleFacts
from ..data.checks.source_check import SourceCheck
from ..data.checks.unit_findings import UNITS
from ..utils.messages import counted


SIZES_SHOWN, NAMES_SHOWN, LARGEST_SHOWN = 4, 3, 2
# Metres between which the middle of rooms and streets is; beyond, other units are named beside the given one.
USUAL_NEAR, USUAL_FAR = 0.5, 10.0
# Encodings of whole numbers with the units of `UNITS`, by stored units per metre.
ENCODINGS = {1000.0: "mm", 100.0: "cm", 256.0: "kitti", 5000.0: "tum", 10000.0: "tenth_mm"}
SHARES = (0.05, 0.5, 0.95)


def lines_of(check: SourceCheck) -> list[str]:
    """Return a check as lines."""
    head = f"{check.name}: {heading(check)}"
    found_numbers = numbers_of(check)
    numbers = [f"  {name:<14} {text}" for name, text in found_numbers.items()]
    notes = [f"  note: {note}" for note in check.notes]
    if not check.findings:
        doubt = "; see whether the unit is right, which only you know" if "unit" in found_numbers else ""
        return [head, *numbers, *notes, f"  nothing found{_how_sure(check)}{doubt}"]
    found = [counted(len(check.findings), "finding") + ":"]
    for finding in check.findings:
        found += [f"  {finding.code}: {finding.reason}", f"      -> {advice_of(finding)}"]
        if finding.names:
            found.append(f"      {_names(finding)}")
    return [head, *numbers, *notes, *found]


def heading(check: SourceCheck) -> str:
    """Return how many samples there are, and of how many this is known."""
    what = f"with {check.label}" if check.label else "without labels"
    if check.count is None:
        return f"a stream {what}, {counted(len(check.facts), 'sample')} looked at"
    looked = f"{len(check.facts)} looked at (--all for all)" if check.is_sampled else "all looked at"
    return f"{counted(check.count, 'sample')} {what}, {looked}"


def _how_sure(check: SourceCheck) -> str:
    return f" in {len(check.facts)} of {check.count} samples" if check.is_sampled and check.count else ""


def advice_of(finding: Finding) -> str:
    """Return what to do, with the fields and flags."""
    settings = describe_settings(finding.settings)
    return f"set {settings}; {finding.advice}" if settings else finding.advice


def _names(finding: Finding) -> str:
    shown = ", ".join(finding.names[:NAMES_SHOWN])
    more = len(finding.names) - NAMES_SHOWN
    return f"in {shown}" + (f" and {more} more" if more > 0 else "")


def numbers_of(check: SourceCheck) -> dict[str, str]:
    """Return what a source holds, in numbers, by their names."""
    read = [each for each in check.facts if each.error is None]
    labelled = [each for each in read if each.label is not None]
    found = {"pictures": _sizes(read)}
    if len(read) < len(check.facts):
        found["broken"] = f"{len(check.facts) - len(read)} of {len(check.facts)}"
    if not labelled:
        return found
    unit = " m" if check.label == "depth" else ""
    shares = quantiles_of(check)
    if shares is not None:
        low, middle, high = (f"{value:.3g}" for value in shares)
        found[str(check.label)] = f"{low} / {middle} / {high}{unit} (5 / 50 / 95 % of all values)"
    valid = [each.valid + (each.sky if check.label == "depth" else 0) for each in labelled]
    least, most = min(valid), max(valid)
    units = _other_units(check, labelled)
    if units:
        found["unit"] = units
    found["valid"] = f"{np.mean(valid):.1%} of the pixels, {least:.1%} to {most:.1%} of a label"
    found["sky"] = sky_convention(labelled, check.label)
    stored = Counter(each.stored_type for each in labelled if each.stored_type)
    if stored:
        found["stored as"] = ", ".join(f"{kind} ({count})" for kind, count in stored.most_common())
    found["edges"] = _registration(check)
    return found


def _other_units(check: SourceCheck, labelled: Sequence[SampleFacts]) -> str:
    """Return where the middle would be by other units; "" where it is usual, or the files tell the unit themselves."""
    how = None if check.reader is None else check.reader.how
    middles = [each.median for each in labelled if each.quantiles]
    if how is None or not how.is_unit_given or check.label != "depth" or not middles:
        return ""
    middle = float(np.median(middles))
    if USUAL_NEAR <= middle <= USUAL_FAR:
        return ""
    others = [(units, middle * how.per_metre / units, name) for units, name in UNITS if units != how.per_metre]
    believable = [each for each in others if USUAL_NEAR <= each[1] <= USUAL_FAR]
    if not believable:
        return ""
    names = ENCODINGS if how.encoding is not None else {}
    would = ", ".join(
        f"{there:.3g} m by {f'encoding {names[units]}' if units in names else f'scale {units:g}'} ({name})"
        for units, there, name in believable
    )
    return f"as given, {how.per_metre:g} a metre; the middle would be {would}"


def quantiles_of(check: SourceCheck) -> tuple[float, ...] | None:
    """Return the quantiles `SHARES` of the values of all labels, by their histogram; None without a value."""
    total = check.histogram
    if total is None:
        return None
    below = np.concatenate([[0], np.cumsum(total)]) / total.sum()
    logarithms = np.interp(SHARES, below, np.log10(HISTOGRAM_EDGES))
    # A bin reaches beyond the values in it, as where many of them are one number.
    known = [each.quantiles for each in check.facts if each.quantiles]
    least, most = min(each[0] for each in known), max(each[-1] for each in known)
    return tuple(float(np.clip(10**each, least, most)) for each in logarithms)


def sky_convention(facts: Sequence[SampleFacts], label: str | None) -> str:
    """Return how the labels say that a pixel is sky, as far as they do."""
    sky = [each for each in facts if each.sky > 0]
    number = "inf" if label == "depth" else "0"
    if sky:
        return f"{number}, {np.mean([each.sky for each in sky]):.1%} of {len(sky)} of {len(facts)} labels"
    clamped = Counter(each.largest.value for each in facts if each.largest is not None)
    value, count = clamped.most_common(1)[0] if clamped else (math.nan, 0)
    if label == "depth" and count >= LARGEST_SHOWN:
        return f"none as {number}; {count} of {len(facts)} labels end at exactly {value:g} m"
    return f"none as {number}"


def _sizes(facts: Sequence[SampleFacts]) -> str:
    sizes = Counter((each.width, each.height) for each in facts)
    shown = [f"{width} x {height} ({count})" for (width, height), count in sizes.most_common(SIZES_SHOWN)]
    more = len(sizes) - len(shown)
    return (", ".join(shown) or "none") + (f" and {counted(more, 'other size')}" if more > 0 else "")


def _registration(check: SourceCheck) -> str:
    verdict = check.registration
    if not verdict.judged:
        return "not compared: the labels have too few values"
    fit = "as they are" if not verdict.is_off else "otherwise (registration)"
    return (
        f"of {counted(verdict.judged, 'label')} compared with their pictures {verdict.voted} tell, and "
        f"{verdict.agree} of these fit {fit}"
    )


__all__ = ["advice_of", "heading", "lines_of", "numbers_of", "quantiles_of", "sky_convention"]
