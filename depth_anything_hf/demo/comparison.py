# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Two results of one picture beside each other: brought to one scale, their difference in a picture and a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry.alignment import fit_scale_and_shift
from ..visualization.colour_maps import colour_map, error_map
from .result import DemoResult
from .settings import model_label


@dataclass(frozen=True)
class SideBySide:
    """Two predictions of one picture.

    Attributes:
        first, second: in colours of common limits, uint8 (H, W, 3).
        difference: bright where they differ, uint8 (H, W, 3); None where they cannot be brought together.
        text: how they were brought together, and how far they differ.
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray | None
    text: str


def compare_results(first: DemoResult, second: DemoResult, colormap: str) -> SideBySide:
    """Compare two results of one picture.

    Two of metres are compared as they are, by 1 / metres, which the colours show. Else the second is brought to the
    first's disparity by least squares, for scale and shift of a relative model are free.

    Args:
        first: of one model.
        second: of another model, or the same at another input size.
        colormap: as in `colour_table`.

    Raises:
        ValueError: the pictures have other sizes, or no pixel has a value in both.
    """
    mine, theirs = (np.asarray(each.shown(), dtype=np.float64) for each in (first, second))
    if mine.shape != theirs.shape:
        raise ValueError(f"results of one picture are expected, got {mine.shape} and {theirs.shape} pixels")
    both = np.isfinite(mine) & np.isfinite(theirs)
    if not both.any():
        raise ValueError("no pixel has a value in both results, so that there is nothing to compare")
    names = [model_label(each.model) for each in (first, second)]
    if names[0] == names[1]:
        names = [f"{name} at {each.input_size}" for name, each in zip(names, (first, second), strict=True)]
    if first.kind == second.kind == "depth":
        metres = [each.values[both] for each in (first, second)]
        share = float(np.median(np.abs(metres[1] - metres[0]) / metres[0]))
        text = (
            f"Metres of both as they are: half of the pixels differ by less than {share:.1%} of the first's distance."
        )
    else:
        scale, shift = fit_scale_and_shift(theirs, mine, both)
        if not scale > 0:
            text = (
                f"**{names[1]} is reversed** against {names[0]}: what is nearer in one is farther in the other, or "
                f"one shows hardly any depth (fitted scale {scale:.3g}). It is shown as it is."
            )
            pictures = [colour_map(each, name=colormap) for each in (mine, theirs)]
            return SideBySide(pictures[0], pictures[1], None, text)
        theirs = scale * theirs + shift
        spread = float(np.ptp(np.percentile(mine[both], (2, 98)))) or 1.0
        share = float(np.mean(np.abs(theirs - mine)[both])) / spread
        text = (
            f"{names[1]} brought to the disparity of {names[0]} by least squares: mean difference {share:.1%} of the "
            "range of values (2nd to 98th percentile). Which one is right, a picture without truth does not tell."
        )
    low, high = np.percentile(mine[both], (2, 98))
    colours = [colour_map(each, low, high, name=colormap) for each in (mine, theirs)]
    return SideBySide(colours[0], colours[1], error_map(theirs, mine), text)
