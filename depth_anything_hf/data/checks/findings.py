# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a finding is, and the numbers of one sample that findings are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .registration import RegistrationVote


@dataclass(frozen=True)
class Finding:
    """Something in a source that is most likely wrong.

    Attributes:
        code: what it is, one of `CODES`.
        reason: what was seen, with numbers.
        advice: what to do.
        settings: fields of a data source that mend it, such as {"scale": 1000}; empty where no field does.
        names: of samples that show it, the clearest first.
    """

    code: str
    reason: str
    advice: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


CODES = {
    "broken": "files that cannot be read, or a label of another size than its picture",
    "unit": "the labels are not in metres as they are read",
    "kind": "disparity read as depth, or depth as disparity",
    "ray": "distances along the rays, where depth along the optical axis is meant",
    "missing": "a number that stands for no value is read as a distance",
    "sky": "a number that stands for sky is read as a distance",
    "levels": "labels with no more than 256 levels",
    "empty": "labels without values, or with a part cut off",
    "noise": "numbers put together wrongly",
    "doubt": "what the numbers of a file say against how it is read",
    "registration": "labels that are moved, mirrored or turned",
    "pairing": "labels of other pictures",
    "duplicates": "pictures that are there twice",
    "leak": "pictures that are in the other source too",
    "same_labels": "one label for several pictures",
}


@dataclass(frozen=True)
class LargestValue:
    """The pixels of a label at exactly its largest finite value.

    Attributes:
        value: metres, or disparity.
        stored: the number in the file; the value itself where that is not known.
        share: of all pixels, 0..1.
        next: the largest of the other values; NaN without one.
        is_above: whether they are mostly in the upper half, and one piece that touches the upper border, as sky is.
    """

    value: float
    stored: float
    share: float
    next: float
    is_above: bool


@dataclass
class SampleFacts:
    """The numbers of one sample.

    Attributes:
        index: of the sample.
        name: of the sample.
        error: why it could not be read; None where it could.
        height, width: of the picture, pixels.
        picture_hash: 64 bits, see `picture_hashes.hash_of`.
        label: "depth", "disparity" or None.
        label_hash: of the values of the label; None without.
        valid: share of the pixels with a finite value, 0..1.
        sky: share of the pixels that are infinitely far.
        quantiles: of the finite values, at `QUANTILES`; NaN without one.
        histogram: how many finite values are in each of the bins of `HISTOGRAM_EDGES`.
        whole: share of the finite values that are whole numbers.
        levels: how many levels the label has, where these are equal steps from 0 of at most 255; else None.
        step: between two such levels, metres or disparity; NaN where there are none.
        stored_type: of the numbers in the file, such as "uint16"; "" where that is not known.
        doubt: what the bits of the numbers say against how they are read.
        noise: what says that neighbouring pixels have nothing in common.
        saturated: the largest number of its bits, where many pixels have it.
        largest: the largest value, where many pixels have it.
        zeros: share of the pixels with disparity 0, which is infinitely far.
        least_positive: the smallest of the values above 0; NaN without one.
        cut: side and share of a part without values, such as ("top", 0.5); None without one.
        even_lines: lines of flat surfaces along which the numbers change evenly, their inverses, and how many count.
        rays: by degrees of a lens, how many flat surfaces are flat by distances along rays, and how many by depth.
        registration: how label and picture fit; None where the label has too few values.
        sizes: height and width of a label that does not fit its picture; None where it does.
    """

    index: int
    name: str
    error: str | None = None
    height: int = 0
    width: int = 0
    picture_hash: int = 0
    label: str | None = None
    label_hash: int | None = None
    valid: float = 0.0
    sky: float = 0.0
    quantiles: tuple[float, ...] = ()
    histogram: np.ndarray | None = None
    whole: float = 0.0
    levels: int | None = None
    step: float = float("nan")
    stored_type: str = ""
    doubt: str | None = None
    noise: str | None = None
    saturated: int | None = None
    largest: LargestValue | None = None
    zeros: float = 0.0
    least_positive: float = float("nan")
    cut: tuple[str, float] | None = None
    even_lines: tuple[int, int, int] = (0, 0, 0)
    rays: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    registration: RegistrationVote | None = None
    sizes: tuple[int, int] | None = None

    @property
    def median(self) -> float:
        """Median of the finite values; NaN without one."""
        return self.quantiles[QUANTILES.index(0.5)] if self.quantiles else float("nan")


QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
# Eight bins for each factor of ten.
HISTOGRAM_EDGES = 10.0 ** np.linspace(-4, 7, 11 * 8 + 1)
