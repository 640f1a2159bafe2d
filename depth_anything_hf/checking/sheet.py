# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Typical and worst samples of a source as pictures: the photograph, its label, and both edges over each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..data.checks.edges import edges_of_label, edges_of_picture
from ..data.checks.findings import SampleFacts
from ..data.checks.source_check import SourceCheck
from ..visualization.colour_maps import colour_map
from ..visualization.figures import ORANGE, sheet, thicken


PANEL_PIXELS = 200
TYPICAL, WORST = 3, 3


def rows_of(check: SourceCheck) -> list[tuple[str, list[tuple[str, np.ndarray]]]]:
    """Return rows of captioned pictures: samples of each finding, then typical ones.

    Returns:
        (title of the row, [(caption, uint8 (H, W, 3)), ...]).
    """
    rows: list[tuple[str, list[tuple[str, np.ndarray]]]] = []
    for title, facts in _chosen(check):
        panels = _panels(check, facts)
        if panels:
            rows.append((f"{title}: {'/'.join(Path(facts.name).parts[-2:])}", panels))
    return rows


def picture_of(checks: Sequence[SourceCheck]) -> np.ndarray | None:
    """Return the sheet of checks, uint8 (H, W, 3); None where no sample could be read."""
    rows, captions = [], []
    for check in checks:
        for title, panels in rows_of(check):
            rows.append([picture for _, picture in panels])
            captions.append([title, *(text for text, _ in panels[1:])])
    return sheet(rows, PANEL_PIXELS, captions) if rows else None


def _chosen(check: SourceCheck) -> list[tuple[str, SampleFacts]]:
    by_name = {each.name: each for each in check.facts if each.error is None}
    chosen: list[tuple[str, SampleFacts]] = []
    for finding in check.findings:
        named = [by_name[name] for name in finding.names if name in by_name]
        chosen += [(finding.code, each) for each in named[:WORST]]
    readable = list(by_name.values())
    step = max(1, len(readable) // TYPICAL)
    return chosen + [("typical", each) for each in readable[step // 2 :: step][:TYPICAL]]


def _panels(check: SourceCheck, facts: SampleFacts) -> list[tuple[str, np.ndarray]]:
    if check.reader is None or facts.sizes is not None:
        return []
    try:
        sample = check.reader.sample(facts.index)
    except (OSError, ValueError):
        return []
    image = sample["image"]
    panels = [("picture", image)]
    if facts.label is None or facts.label not in sample:
        return panels
    values = sample[facts.label]
    unit = " m" if facts.label == "depth" else ""
    low, high = (facts.quantiles[1], facts.quantiles[-2]) if facts.quantiles else (0.0, 0.0)
    # Sky has a value in both kinds; that of disparity is finite.
    known = facts.valid + (facts.sky if facts.label == "depth" else 0)
    text = f"{low:.2g} to {high:.2g}{unit}, {known:.0%} valid"
    if facts.quantiles:
        # Near is bright in both kinds.
        near = -np.log(np.maximum(values, 1e-6)) if facts.label == "depth" else values
        panels.append((text, colour_map(thicken(near))))
    edges = edges_of_label(values, facts.label)
    if edges is not None:
        fit = facts.registration
        score = "" if fit is None else f", fits {fit.transform} ({fit.score:.1f})"
        panels.append((f"edges{score}", _overlaid(image, edges[0])))
    return panels


def _overlaid(image: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Draw the edges of a label in orange over the grey edges of its picture."""
    own = edges_of_picture(image)
    grey = 255 - np.clip(own / max(float(np.percentile(own, 99)), 1e-6) * 160, 0, 160)
    share = np.clip(edges / max(float(np.percentile(edges, 98)), 1e-6), 0, 1)[..., None]
    drawn = np.repeat(grey[..., None], 3, axis=2) * (1 - share) + np.array(ORANGE, dtype=np.float64) * share
    small = drawn.astype(np.uint8)
    return cv2.resize(small, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


__all__ = ["picture_of", "rows_of"]
