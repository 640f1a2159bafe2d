# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Missing values and sky that are read as distances, few levels, empty labels, noise."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...utils.messages import counted
from .advice import HowRead
from .findings import Finding, LargestValue, SampleFacts
from .label_values import LARGEST_RATIO, MOST_LEVELS


# A largest value that is nearer is seldom a number for no value.
WALL_METRES = 20.0
# Labels that show the same, of those looked at.
SEVERAL, SHARE = 3, 0.1
# Disparity 0 is infinitely far; beside labels whose least other value is this share of their middle it is none.
GAP_TO_ZERO, ZEROS = 0.1, 1e-3
# Of stereo: fractions of a pixel that are a step, whose labels may have few levels.
PIXEL_FRACTIONS = (1.0, 0.5, 0.25, 0.125, 0.0625)
# Values up to this share of the largest number of all: distances beyond it were cut off.
CUT_OFF = 0.99
# Sky at the largest distance of all, without a gap: its share.
CLAMPED_SHARE = 0.02


def largest_findings(facts: Sequence[SampleFacts], how: HowRead) -> list[Finding]:
    """Return whether a number for no value, or for sky, is read as a distance."""
    labelled = [each for each in facts if each.quantiles]
    groups: dict[float, list[tuple[SampleFacts, LargestValue]]] = defaultdict(list)
    for each in labelled:
        if each.largest is not None and _is_wall(each, each.largest):
            groups[each.largest.stored].append((each, each.largest))
    found = []
    for number, group in groups.items():
        if len(group) < min(SEVERAL, len(labelled)) or len(group) < SHARE * len(labelled):
            continue
        share = float(np.mean([largest.share for _, largest in group]))
        # The largest number of 16 bits is what depth cameras write where they see nothing, the sky or else.
        is_saturated = all(each.saturated == number for each, _ in group)
        is_sky = not is_saturated and np.mean([largest.is_above for _, largest in group]) > 0.5
        code = "sky" if is_sky else "missing"
        value = group[0][1].value
        unit = " m" if how.label == "depth" else ""
        nearest = float(np.nanmax([largest.next for _, largest in group] or [math.nan]))
        read_as = f", read as {value:.6g}{unit}," if value != number else unit
        told = f"the number {number:.10g}{read_as}"
        what = "one piece at the upper border, as sky is" if code == "sky" else "most likely pixels without a value"
        if is_saturated and how.label == "depth" and nearest >= CUT_OFF * value:
            what += (
                ", or distances that are cut off there, as the others go up to it: then the files count in a finer "
                f"unit than this scale, {how.per_metre:g} a metre"
            )
        reason = (
            f"{told} stands in {share:.1%} of the pixels of {len(group)} of {len(labelled)} labels, and nothing else "
            f"is beyond {nearest:.4g}{unit}: {what}"
        )
        settings = how.with_sky(number) if code == "sky" else how.with_missing(number)
        names = [each.name for each, largest in sorted(group, key=lambda pair: -pair[1].share)]
        advice = "say so" if settings else "say so where the source is written: NaN for no value, inf for sky"
        found.append(Finding(code, reason, advice, settings, tuple(names)))
    return found


def _is_wall(facts: SampleFacts, largest: LargestValue) -> bool:
    if facts.saturated is not None and largest.stored == facts.saturated:
        return True
    is_alone = math.isnan(largest.next) or largest.value >= LARGEST_RATIO * largest.next
    if facts.label == "depth":
        is_clamped_sky = largest.is_above and largest.share >= CLAMPED_SHARE and largest.value == round(largest.value)
        return largest.value >= WALL_METRES and (is_alone or is_clamped_sky)
    return is_alone and not math.isnan(largest.next)


def zero_finding(facts: Sequence[SampleFacts], how: HowRead) -> Finding | None:
    """Return whether 0 is no value in disparity, where it is read as infinitely far."""
    labelled = [each for each in facts if each.label == "disparity" and each.quantiles]
    with_zeros = [each for each in labelled if each.zeros >= ZEROS]
    gaps = [each for each in with_zeros if each.least_positive >= GAP_TO_ZERO * each.median]
    if not gaps or len(gaps) < SHARE * len(labelled) or len(gaps) < 0.75 * len(with_zeros):
        return None
    share = float(np.mean([each.zeros for each in gaps]))
    least = min(each.least_positive for each in gaps)
    return Finding(
        "missing",
        f"0 stands in {share:.1%} of the pixels of {len(gaps)} of {len(labelled)} labels, which is infinitely far in "
        f"disparity, and nothing else is below {least:.3g}: most likely pixels without a value",
        "say so",
        {"invalid_values": [0]} if how.encoding is None else how.with_missing(0),
        tuple(each.name for each in sorted(gaps, key=lambda each: -each.zeros)),
    )


def levels_finding(facts: Sequence[SampleFacts], how: HowRead) -> Finding | None:
    """Return whether labels have no more than 256 levels."""
    labelled = [each for each in facts if each.quantiles]
    few = [each for each in labelled if each.levels is not None and not _are_pixels(each)]
    if not few or len(few) < max(min(SEVERAL, len(labelled)), SHARE * len(labelled)):
        return None
    step = float(np.median([each.step for each in few]))
    share = float(np.median([each.step / each.median for each in few]))
    unit = " m" if how.label == "depth" else ""
    stored = "; the files have 8 bits" if all(each.stored_type == "uint8" for each in few) else ""
    return Finding(
        "levels",
        f"{len(few)} of {len(labelled)} labels have at most {max(each.levels or 0 for each in few)} levels in equal "
        f"steps of {step:.3g}{unit}, {share:.1%} of their middle, as numbers of 8 bits{stored}",
        "write them again with 16 bits or as floating-point numbers, from where they had more; no field brings the "
        "rest back",
        {},
        tuple(each.name for each in few),
    )


def _are_pixels(facts: SampleFacts) -> bool:
    """Tell whether disparity has the steps of a stereo method, which are a pixel or a part of one."""
    is_step = any(math.isclose(facts.step, fraction, rel_tol=1e-3) for fraction in PIXEL_FRACTIONS)
    uses_all = bool(facts.quantiles) and facts.quantiles[-1] / facts.step > MOST_LEVELS - 0.5
    return facts.label == "disparity" and is_step and not uses_all


def empty_findings(facts: Sequence[SampleFacts]) -> list[Finding]:
    """Return labels without any value, and labels of which a part is cut off."""
    labelled = [each for each in facts if each.label is not None and each.sizes is None]
    found = []
    empty = [each for each in labelled if not each.quantiles and each.sky < 1]
    if empty:
        found.append(
            Finding(
                "empty",
                f"{counted(len(empty), 'label')} of {len(labelled)} without any value",
                "leave these pairs out, or see whether scale, invalid_values and max_depth are right",
                {},
                tuple(each.name for each in empty),
            )
        )
    cut = sorted((each for each in labelled if each.cut), key=lambda each: -(each.cut or ("", 0.0))[1])
    if cut:
        side, share = cut[0].cut or ("", 0.0)
        found.append(
            Finding(
                "empty",
                f"{counted(len(cut), 'label')} of {len(labelled)} end in a straight line, without a value beyond it: "
                f"up to {share:.0%} of a label at its {side}",
                "write them again, or leave these pairs out: they were cut off or not written to the end",
                {},
                tuple(each.name for each in cut),
            )
        )
    return found


def noise_findings(facts: Sequence[SampleFacts]) -> list[Finding]:
    """Return labels whose numbers were put together wrongly, and bits that speak for another encoding."""
    labelled = [each for each in facts if each.quantiles]
    found = []
    for code, name in (("doubt", "doubt"), ("noise", "noise")):
        having = [each for each in labelled if getattr(each, name) is not None]
        if having and len(having) >= max(min(SEVERAL, len(labelled)), SHARE * len(labelled)):
            reason = f"{len(having)} of {len(labelled)} labels: {getattr(having[0], name)}"
            advice = "name the encoding that wrote them (`depth-anything-hf encodings --file FILE` lists candidates)"
            found.append(Finding(code, reason, advice, {}, tuple(each.name for each in having)))
    return found
