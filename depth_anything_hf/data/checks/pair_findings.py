# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Broken files, labels that are not of their pictures, pictures and labels that are there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from ...utils.messages import counted
from .findings import Finding, SampleFacts
from .registration import (
    IDENTITY,
    TRANSFORMS,
    PairingVerdict,
    RegistrationVerdict,
    verdict_of,
)


NO_UNIT = "has no unit"
MATCHES_SHOWN = 3


def broken_findings(facts: Sequence[SampleFacts]) -> list[Finding]:
    """Return what cannot be read, and whole numbers without a unit, which the source has to say."""
    broken = [each for each in facts if each.error is not None and each.sizes is None]
    unitless = [each for each in broken if NO_UNIT in (each.error or "")]
    found = []
    if unitless:
        found.append(
            Finding("unit", str(unitless[0].error), "set scale or encoding", {}, tuple(each.name for each in unitless))
        )
    others = [each for each in broken if NO_UNIT not in (each.error or "")]
    if others:
        found.append(
            Finding(
                "broken",
                f"{counted(len(others), 'sample')} of {len(facts)} cannot be read, e.g. {others[0].error}",
                "mend or remove these files; training passes them over and counts them",
                {},
                tuple(each.name for each in others),
            )
        )
    return found


def exchanged_finding(names: Sequence[str], count: int) -> Finding | None:
    """Return whether pictures stand in the place of labels.

    Args:
        names: of samples whose label is a photograph.
        count: samples that were looked at.
    """
    if not names:
        return None
    return Finding(
        "pairing",
        f"labels are photographs in colours, e.g. of {names[0]} ({count} were looked at): pictures and labels were "
        "most likely exchanged, or depth was saved as a picture in colours",
        "exchange the two folders or columns; of a coloured depth map take the file of numbers",
        {},
        tuple(names),
    )


def registration_finding(facts: Sequence[SampleFacts], has_exif: Callable[[], bool] = bool) -> Finding | None:
    """Return whether labels are moved, mirrored or turned; also those whose size is that of the turned picture.

    Args:
        facts: of the samples.
        has_exif: tells whether pictures have an EXIF orientation.
    """
    turned = [each for each in facts if each.sizes is not None]
    compared = [each for each in facts if each.registration is not None]
    verdict = verdict_of([each.registration for each in compared if each.registration is not None])
    names = tuple(each.name for each in compared if each.registration is not None and each.registration.is_sure)
    if verdict.is_part:
        names = tuple(compared[place].name for place in verdict.places)
    if turned:
        return _turned_sizes(
            turned, len(facts), verdict_of([each.registration for each in turned if each.registration])
        )
    if not verdict.is_off:
        return None
    who = f"{verdict.agree} of {verdict.voted} images that tell ({verdict.judged} were judged)"
    labels = "some labels" if verdict.is_part else "labels"
    these = "these labels" if verdict.is_part else "the labels"
    listed = "; --json lists them all" if verdict.is_part else ""
    if verdict.transform != IDENTITY:
        function = TRANSFORMS[verdict.transform][0]
        exif = "; the pictures have an EXIF orientation: set exif: apply, or exif: ignore" if has_exif() else ""
        return Finding(
            "registration",
            f"{labels} fit their pictures when they are {verdict.transform}, by the edges of {who}",
            f"save {these} again as {function}{exif}{listed}",
            {},
            names,
        )
    across = f"{abs(verdict.right):.0f} pixels to the {'right' if verdict.right > 0 else 'left'}"
    down = f"{abs(verdict.down):.0f} pixels {'down' if verdict.down > 0 else 'up'}"
    parts = [text for text, size in ((across, verdict.right), (down, verdict.down)) if abs(size) >= 1]
    return Finding(
        "registration",
        f"{labels} fit their pictures when they are moved {' and '.join(parts)}, by the edges of {who}",
        f"move them so and save them again, or register depth and picture by the calibration of both cameras{listed}",
        {},
        names,
    )


def _turned_sizes(turned: Sequence[SampleFacts], count: int, verdict: RegistrationVerdict) -> Finding:
    first = turned[0]
    rows, columns = first.sizes or (0, 0)
    is_known = verdict.transform != IDENTITY
    function = TRANSFORMS[verdict.transform][0] if is_known else "numpy.rot90(label) or numpy.rot90(label, -1)"
    by_edges = f", by the edges of {verdict.agree} of {verdict.voted} images that tell" if is_known else ""
    how = f"; they fit when {verdict.transform}{by_edges}" if is_known else ""
    return Finding(
        "registration",
        f"{counted(len(turned), 'label')} of {count} have the height of their picture for their width (e.g. "
        f"{rows} x {columns}, the picture {first.height} x {first.width}): they are turned by 90 degrees{how}",
        f"save the labels again as {function}",
        {},
        tuple(each.name for each in turned),
    )


def pairing_finding(verdict: PairingVerdict | None, names: Sequence[str]) -> Finding | None:
    """Return whether labels are of other pictures.

    Args:
        verdict: of the images whose edges were kept.
        names: of these images.
    """
    if verdict is None:
        return None
    examples = [f"the label of {names[label]} fits {names[picture]}" for picture, label in verdict.matches]
    told = f"; e.g. {', '.join(examples[:MATCHES_SHOWN])}" if examples else ""
    return Finding(
        "pairing",
        f"labels fit their pictures no better ({verdict.own:.1f} standard deviations) than labels of other pictures "
        f"({verdict.others:.1f}), by the edges of {verdict.judged} images: they are most likely of others{told}",
        "see how names are paired: whether folders were exchanged, or files are numbered or sorted in another way",
        {},
        tuple(names),
    )


def same_label_finding(facts: Sequence[SampleFacts]) -> Finding | None:
    """Return whether pictures that differ have one and the same label."""
    groups: dict[int, list[SampleFacts]] = defaultdict(list)
    for each in facts:
        if each.label_hash is not None and each.quantiles:
            groups[each.label_hash].append(each)
    same = [group for group in groups.values() if len({each.picture_hash for each in group}) > 1]
    if not same:
        return None
    largest = max(same, key=len)
    return Finding(
        "same_labels",
        f"{counted(len(largest), 'picture')} that differ have one and the same label, e.g. {largest[0].name} and "
        f"{largest[1].name}",
        "see how names are paired, and leave these pairs out",
        {},
        tuple(each.name for group in same for each in group),
    )


def duplicates_finding(pairs: Sequence[tuple[str, str]], looked_at: int, equal: int) -> Finding | None:
    """Return whether pictures are there twice.

    Args:
        pairs: names of a picture and its copy.
        looked_at: pictures that were compared by what they show.
        equal: how many of the pairs are files of equal content.
    """
    if not pairs:
        return None
    first, second = pairs[0]
    kinds = (
        f"{equal} of them as files of equal content, the others by what they show" if equal else "by what they show"
    )
    return Finding(
        "duplicates",
        f"{counted(len(pairs), 'copy', 'copies')} of other pictures ({kinds}, of {looked_at} that were compared), "
        f"e.g. {second} of {first}",
        "leave the copies out; --json lists them all",
        {},
        tuple(copy for _, copy in pairs),
    )


def leak_finding(pairs: Sequence[tuple[str, str]], other: str, looked_at: tuple[int, int]) -> Finding | None:
    """Return whether pictures are in the other source too.

    Args:
        pairs: names of a picture, and of its copy in the other source.
        other: name of the other source.
        looked_at: pictures of both that were compared by what they show.
    """
    if not pairs:
        return None
    first, second = pairs[0]
    return Finding(
        "leak",
        f"{counted(len(pairs), 'picture')} of {other} also in this source, e.g. {second} is {first} "
        f"({looked_at[0]} and {looked_at[1]} pictures were compared by what they show)",
        f"leave them out of one of the two, or scores on {other} are too good; --json lists them all",
        {},
        tuple(copy for _, copy in pairs),
    )


__all__ = [
    "broken_findings",
    "duplicates_finding",
    "exchanged_finding",
    "leak_finding",
    "pairing_finding",
    "registration_finding",
    "same_label_finding",
]
