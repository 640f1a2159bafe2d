# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Wrong units, wrong kinds, and distances along rays, by what the labels of a source say together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..decoding.plausibility import FLAT_SHARE, FLAT_VOTES
from .advice import HowRead
from .findings import Finding, SampleFacts


# Metres between which the middle of most labels is. What endoscopes see is nearer, and what aircraft see is farther.
NEAR, FAR = 0.02, 1000.0
# Whole numbers in metres are hardly measured; from this middle on they are of a smaller unit.
WHOLE_FAR, WHOLE_SHARE = 60.0, 0.99
# What a middle is by the right unit, metres.
USUAL_NEAR, USUAL_FAR = 0.25, 60.0
# Stored units per metre, the usual ones first.
UNITS = (
    (1000.0, "millimetres"),
    (1.0, "metres"),
    (100.0, "centimetres"),
    (256.0, "1/256 m, as of KITTI"),
    (5000.0, "1/5000 m, as of TUM"),
    (10000.0, "tenths of a millimetre"),
    (0.001, "kilometres"),
)
# Labels of another unit than the rest: by how many times their middles differ, and of how many labels they are.
MIXED, MIXED_SHARE, LEAST_OF_MIXED = 200.0, 0.05, 8
# Labels that vote, of those looked at, and how many of them agree.
LEAST_VOTES, AGREE = 3, 0.75
# Labels of the other kind among those of the right one, at least.
LEAST_OF_OTHER_KIND = 4
# Flat surfaces of all labels, and how many of them say the same.
LEAST_SURFACES, SURFACES_AGREE = 20, 0.9


def unit_finding(facts: Sequence[SampleFacts], how: HowRead) -> Finding | None:
    """Return whether metres are no metres, with the unit that would make them believable."""
    labelled = [each for each in facts if each.label == "depth" and each.quantiles]
    choice = how.choice
    if not labelled or (choice is not None and choice.encoding.geometry == "height"):
        return None
    middle = float(np.median([each.median for each in labelled]))
    are_whole = float(np.median([each.whole for each in labelled])) >= WHOLE_SHARE
    if NEAR <= middle <= FAR and not (are_whole and middle > WHOLE_FAR):
        return None
    stored = middle * how.per_metre
    usual = [(units, name) for units, name in UNITS if USUAL_NEAR <= stored / units <= USUAL_FAR]
    usual = [(units, name) for units, name in usual if units != how.per_metre]
    whole = ", and they are whole numbers" if are_whole and how.per_metre == 1 else ""
    read = f"read with {how.per_metre:g} stored units per metre, " if how.per_metre != 1 else "read as metres, "
    reason = f"{read}the middle of the labels is {middle:.4g} m{whole}"
    if not usual:
        return Finding("unit", reason, "find out their unit, and set scale: stored units per metre")
    units, name = usual[0]
    inverse = how.per_metre < 1 and abs(np.log(units * how.per_metre)) < 1e-6
    told = f"; scale is stored units per metre, and {how.per_metre:g} is its inverse" if inverse else ""
    others = "".join(f", with {each:g} (if they are {what}) {stored / each:.3g} m" for each, what in usual[1:])
    farthest = sorted(labelled, key=lambda each: -each.median)
    return Finding(
        "unit",
        f"{reason}: they are most likely {name}{told}",
        f"the middle would be {stored / units:.3g} m{others}",
        how.with_scale(units),
        tuple(each.name for each in farthest),
    )


def mixed_units_finding(facts: Sequence[SampleFacts]) -> Finding | None:
    """Return whether some labels are of another unit than the rest.

    Labels that have one largest number in more than half of their pixels, such as those of a laser with a number for
    no value, or of a sky at 1000 m, tell no unit: `value_findings` names that number.
    """
    labelled = [each for each in facts if each.label == "depth" and each.median > 0]
    labelled = [each for each in labelled if each.largest is None or each.median < each.largest.value]
    if len(labelled) < LEAST_OF_MIXED:
        return None
    middle = float(np.median([each.median for each in labelled]))
    others = [each for each in labelled if not 1 / MIXED < each.median / middle < MIXED]
    if len(others) < max(LEAST_VOTES, MIXED_SHARE * len(labelled)):
        return None
    other = float(np.median([each.median for each in others]))
    return Finding(
        "unit",
        f"{len(others)} of {len(labelled)} labels have their middle at about {other:.4g} m, the others at about "
        f"{middle:.4g} m: some are most likely of another unit",
        "divide the source into one for each unit, each with its scale; --json lists the names",
        {},
        tuple(each.name for each in others),
    )


def kind_finding(facts: Sequence[SampleFacts], how: HowRead) -> Finding | None:
    """Return whether disparity was read as depth or the other way round, by flat surfaces; in all labels or some."""
    votes: dict[str, list[SampleFacts]] = {"depth": [], "disparity": []}
    for each in facts:
        even, inverse, pixels = each.even_lines
        if each.label != how.label or even + inverse < max(1, FLAT_SHARE * pixels):
            continue
        # Along a straight line on a plane disparity is even, and the inverse of depth is.
        if even >= FLAT_VOTES * (even + inverse):
            votes["disparity"].append(each)
        if inverse >= FLAT_VOTES * (even + inverse):
            votes["depth"].append(each)
    count, other = sum(map(len, votes.values())), "disparity" if how.label == "depth" else "depth"
    labelled = sum(bool(each.quantiles) for each in facts)
    if how.label is None or count < min(LEAST_VOTES, labelled) or not votes[other]:
        return None
    is_part = len(votes[other]) < AGREE * count
    if is_part and len(votes[other]) < max(LEAST_OF_OTHER_KIND, MIXED_SHARE * count):
        return None
    what = "the numbers" if other == "disparity" else "the inverses of the numbers"
    who = "some are" if is_part else "they are"
    reason = f"{what} of {len(votes[other])} of {count} labels with flat surfaces change evenly along these, as " + (
        f"disparity does and depth does not: {who} most likely disparity, read as depth"
        if other == "disparity"
        else f"those of depth do: {who} most likely depth, read as disparity"
    )
    if is_part:
        advice = f"divide the source into one of depth and one of disparity; --json lists those of {other}"
        return Finding("kind", reason, advice, {}, tuple(each.name for each in votes[other]))
    return Finding("kind", reason, *_other_kind(other, how))


def _other_kind(other: str, how: HowRead) -> tuple[str, dict[str, str | None]]:
    # An encoding of the one kind refuses the other.
    without: dict[str, str | None] = {} if how.choice is None or how.choice.kind == other else {"encoding": None}
    if how.kind == "table":
        return "set label, and label_column to the name of the column", {"label": other, **without}
    if how.kind == "folder":
        return (
            f"rename the folder of labels to {other}/ (in metadata depth_file_name to {other}_file_name, or the other "
            "way round), and set label; in a text list label alone does",
            {"label": other, **without},
        )
    return f"see whether the files are of this data set: its labels are {how.label}", {}


def ray_finding(facts: Sequence[SampleFacts], how: HowRead) -> Finding | None:
    """Return whether depth is distance along rays, by flat surfaces of which it makes bowls."""
    labelled = [each for each in facts if each.label == "depth" and each.rays]
    choice = how.choice
    if not labelled or (choice is not None and choice.encoding.geometry in ("panorama", "height")):
        return None
    lenses = sorted({fov for each in labelled for fov in each.rays})
    rays = {fov: sum(each.rays.get(fov, (0, 0))[0] for each in labelled) for fov in lenses}
    fov = max(lenses, key=lambda each: rays[each])
    planar = sum(max((planar for _, planar in each.rays.values()), default=0) for each in labelled)
    # Cameras differ: each label by the lens that suits it, as far as it has one.
    best = sum(max((ray for ray, _ in each.rays.values()), default=0) for each in labelled)
    voting = [each for each in labelled if max(map(sum, each.rays.values())) > 0]
    bowls = [each for each in voting if _ray_share(each) >= SURFACES_AGREE]
    if best < LEAST_SURFACES or len(voting) < min(LEAST_VOTES, len(facts)) or len(bowls) < AGREE * len(voting):
        return None
    told = f"{best} of {best + planar} flat surfaces in {len(voting)} labels"
    return Finding(
        "ray",
        f"{told} are flat if the numbers are distances along the rays of the lens, and are not if they are depth "
        f"along the optical axis; they are flattest for a lens of about {fov} degrees from left to right",
        "name the lens, by the true fx or fov if you know it (and geometry=ray)",
        how.with_rays(fov),
        tuple(each.name for each in sorted(bowls, key=lambda each: -_ray_share(each))),
    )


def _ray_share(facts: SampleFacts) -> float:
    """Return how many of the flat surfaces of a label, by the lens that suits it, are so by distances along rays."""
    rays = max(ray for ray, _ in facts.rays.values())
    planar = max(planar for _, planar in facts.rays.values())
    return rays / max(1, rays + planar)
