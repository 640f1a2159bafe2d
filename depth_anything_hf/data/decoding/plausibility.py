# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What in the numbers of a map speaks against how they are read; each rule knows why, and none guesses a unit."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .encodings.detection import (
    BITS,
    FAR,
    NEAR,
    PROVEN_BY_BITS,
    ROTATED,
    describe_candidates,
    encodings_by_bits,
)
from .encodings.encoding import Encoding
from .encodings.scaled_integers import LARGEST


# How many files of a folder are looked at, of how many folders, and how often one way of reading is warned of.
LOOKED_AT, MOST_FOLDERS, MOST_WARNINGS = 2, 1000, 3
FEW_PIXELS, HALF, HUNDRED = 100, 0.5, 100
# Of floating-point numbers in metres, which also endoscopes and microscopes with a depth of field have.
NEAREST = 0.005
# Of pixels beside each other, how many have the same low byte and not the same high one where bytes are swapped.
SAME_BYTE, FEW_BYTES = 0.5, 3
# Pixels with one and the same largest number: hardly a distance, from these shares on.
WALL_SHARE, SATURATED_SHARE = 1e-3, 1e-4
WALL_METRES, WALL_RATIO = 20.0, 2.0
# Lines of pixels that are looked at for flat surfaces: their lengths as shares of the larger side, and how much nearer
# one end is than the other.
LARGEST_SIDE, SMALLEST_SIDE, LINES = 320, 64, (1 / 6, 1 / 10)
SLOPES = (1.1, 3.0)
FLAT_SHARE, FLAT_VOTES = 0.01, 0.95
# By how much of their distance pixels beside each other differ in the middle where they are noise, and how many pixels
# of a map have to be beside each other: points of a laser are not.
NOISE, LEAST_PAIRS, FEW_ROWS = 0.15, 0.1, 60
_looked: Counter[tuple[str, str]] = Counter()
_warned: Counter[str] = Counter()


@dataclass(frozen=True)
class Reading:
    """How the numbers of a file were read.

    Attributes:
        told: in words, such as "as 'mm'" or "with scale 1000".
        label: "depth" or "disparity", as which.
        encoding: by which; None: by a scale, or as they are.
    """

    told: str
    label: str
    encoding: Encoding | None = None

    @property
    def is_certain(self) -> bool:
        """Whether the file itself says what it is, or what it holds has no flat surfaces to be known by."""
        own = self.encoding
        return own is not None and (own.proves is not None or own.geometry in ("panorama", "height"))

    @property
    def has_whole_numbers(self) -> bool:
        """Whether it is of whole numbers that become metres, which have bits and a largest number of their own."""
        own = self.encoding
        return self.label == "depth" and (own is None or own.per_metre is not None or own.name in BITS)


def warn_of_doubts(name: str, reading: Reading, values: np.ndarray, stored: Callable[[], np.ndarray]) -> None:
    """Warn of what in the first files of a folder speaks against how they are read.

    Args:
        name: of the file.
        reading: how.
        values: what its numbers became (H, W): metres, or disparity.
        stored: returns the numbers as they are in the file (H, W); asked for only where they tell something.
    """
    place = (reading.told, os.path.dirname(name))
    is_enough = _looked[place] >= LOOKED_AT or len(_looked) > MOST_FOLDERS or _warned[reading.told] >= MOST_WARNINGS
    if reading.is_certain or is_enough:
        return
    _looked[place] += 1
    found = doubts(reading, values, stored() if reading.has_whole_numbers else None)
    if found is not None:
        _looked[place] = LOOKED_AT
        _warned[reading.told] += 1
        warnings.warn(f"{name}: read {reading.told}, and {found}", stacklevel=3)


def doubts(reading: Reading, values: np.ndarray, stored: np.ndarray | None = None) -> str | None:
    """Return what speaks against a reading; None: nothing.

    Args:
        reading: how the numbers were read.
        values: what they became (H, W), metres or disparity.
        stored: as they are in the file (H, W), whole numbers or others; None: not known.
    """
    found = None
    if stored is not None and stored.dtype.kind in "iu" and np.count_nonzero(stored > 0) >= FEW_PIXELS:
        found = other_bits(reading, stored) or saturated(reading, stored, values)
    if found is None and reading.label == "depth" and reading.encoding is not None:
        found = _middle(reading.encoding, values, stored)
    if found is None and reading.label == "depth":
        found = noise(values)
    if found is None:
        found = _other_kind(reading, values)
    return _far_wall(values) if found is None and reading.label == "depth" else found


def other_bits(reading: Reading, stored: np.ndarray) -> str | None:
    """Return what the bits of whole numbers say against a reading; None: nothing.

    Rotated numbers are multiples of eight, raw ones of a Kinect have 11 bits: nothing else is like that.
    """
    numbers, own = stored[stored > 0], reading.encoding.name if reading.encoding is not None else ""
    by_bits = [name for name in encodings_by_bits(stored, numbers) if name in PROVEN_BY_BITS]
    if by_bits and own not in by_bits:
        return f"its bits are those of {' or '.join(by_bits)}: {describe_candidates(stored)}"
    if own in ROTATED and not by_bits and (numbers % 8 != 0).mean() > HALF:
        return f"most of its numbers are no multiples of 8, as those of {own} are: {describe_candidates(stored)}"
    if not by_bits and _are_swapped(stored):
        return (
            "the two bytes of its numbers are in the other order: the low one changes less from pixel to pixel than "
            "the high one; save it again with its bytes swapped"
        )
    return None


def _are_swapped(stored: np.ndarray) -> bool:
    """Tell whether the low bytes of numbers of 16 bits are even over the picture, and the high ones are noise."""
    if stored.dtype.itemsize != 2:
        return False
    rows = stored[:: max(1, len(stored) // FEW_ROWS)]
    left, right = rows[:, :-1], rows[:, 1:]
    # Equal numbers tell nothing, and neither do pixels without a value.
    differ = (left != right) & (left > 0) & (right > 0)
    if np.count_nonzero(differ) < FEW_PIXELS or np.unique(rows & 255).size < FEW_BYTES:
        return False
    changes = (left ^ right)[differ]
    return bool((changes & 255 == 0).mean() >= SAME_BYTE)


def saturated(reading: Reading, stored: np.ndarray, values: np.ndarray) -> str | None:
    """Return what the largest number says against a reading; None: nothing.

    Many pixels with the largest number that so many bits have are seldom at one distance.
    """
    largest = int(stored.max())
    bits = largest.bit_length()
    are_largest = stored == largest
    share, is_distance = float(are_largest.mean()), bool(np.isfinite(values[are_largest]).any())
    if largest != (1 << bits) - 1 or not 10 <= bits <= 16 or not is_distance:
        return None
    # That a distance happens to be the largest of 16 bits is less likely than of fewer.
    least = SATURATED_SHARE if bits == 16 and np.count_nonzero(are_largest) >= FEW_PIXELS else WALL_SHARE
    if share < least:
        return None
    own, advice = reading.encoding, ""
    if own is None:
        advice = f" (invalid_values: [0, {largest}])"
    elif _option_of(own, "missing"):
        advice = f" ('{own.name}:missing=0/{largest}')"
    return (
        f"{share:.2%} of its pixels have the number {largest}, which is 2^{bits} - 1: mostly that of pixels without a "
        f"value{advice}"
    )


def _option_of(encoding: Encoding, *names: str) -> str | None:
    """Return which of these options an encoding has."""
    return next((each.name for each in encoding.options if each.name in names), None)


def _far_wall(values: np.ndarray) -> str | None:
    """Many pixels at exactly one distance, twice as far as all else, are sky or have no value."""
    metres = values[np.isfinite(values)]
    if metres.size < FEW_PIXELS:
        return None
    largest = metres.max()
    nearer = metres[metres < largest]
    share = (metres.size - nearer.size) / values.size
    if largest >= WALL_METRES and nearer.size and share >= WALL_SHARE and nearer.max() <= largest / WALL_RATIO:
        return (
            f"{share:.1%} of its pixels are at exactly {largest:g} m, and nothing else beyond {nearer.max():.3g} m: "
            "sky, or pixels without a value? Say so by sky or missing of the encoding, or sky_value or invalid_values"
        )
    return None


def _middle(own: Encoding, values: np.ndarray, stored: np.ndarray | None) -> str | None:
    """Nobody takes pictures of what is nearer than a few centimetres, or as a whole farther than a kilometre."""
    metres = values[np.isfinite(values)]
    if not metres.size:
        # All that confidence left out, or a frame of which nothing was measured.
        return None
    middle = float(np.median(metres))
    if stored is None or stored.dtype.kind not in "iu":
        if metres.size < FEW_PIXELS or NEAREST <= middle <= FAR:
            return None
        unit = _option_of(own, "scale", "per_metre")
        advice = f"if its numbers are no metres, say how many are one, '{own.name}:{unit}=...': 1000 for millimetres"
        return f"its middle is {middle:.3g} m; {advice if unit else 'is it written by another encoding?'}"
    # Some encodings, as of endoscopes, reach no farther than 10 cm at all.
    near = NEAR if own.per_metre is None else min(NEAR, LARGEST / own.per_metre / HUNDRED)
    return None if near <= middle <= FAR else f"its middle is {middle:.3g} m: {describe_candidates(stored)}"


def noise(values: np.ndarray) -> str | None:
    """Return whether depth (H, W) is noise, in words; None: it is not, or cannot be told.

    Depth is even over the picture but for edges; numbers whose bytes are put together wrongly are not.
    """
    if min(values.shape) < SMALLEST_SIDE:
        return None
    rows = values[:: max(1, len(values) // FEW_ROWS)]
    left, right = rows[:, :-1], rows[:, 1:]
    are_pairs = np.isfinite(left) & np.isfinite(right)
    if np.count_nonzero(are_pairs) < LEAST_PAIRS * rows.size:
        return None
    left, right = left[are_pairs], right[are_pairs]
    with np.errstate(over="ignore"):
        middle = float(np.median(np.abs(left - right) / np.maximum(left, right)))
    if middle < NOISE:
        return None
    return (
        f"half of its pixels differ from those beside them by {middle:.0%} of their distance or more: noise, as where "
        "bytes or channels were put together in another order than they were written in"
    )


def _other_kind(reading: Reading, values: np.ndarray) -> str | None:
    """Say where a map is of the other kind, by its flat surfaces.

    Along a straight line of pixels on a flat surface disparity changes evenly, and so does whatever differs from it by
    scale and shift; depth does not, its inverse does (a plane n . X = d seen by a pinhole: 1 / z = n . ray / d, which
    is linear in the pixel).
    """
    evenly, inverse_evenly = flat_lines(values)
    votes = evenly + inverse_evenly
    if votes < FLAT_SHARE * _thinned(values).size:
        return None
    if reading.label == "depth" and evenly >= FLAT_VOTES * votes:
        return (
            f"its numbers change evenly along {evenly / votes:.0%} of the flat surfaces in it, as disparity does and "
            "depth does not: if it is disparity, set label: disparity, or name an encoding of disparity"
        )
    if reading.label == "disparity" and inverse_evenly >= FLAT_VOTES * votes:
        return (
            f"the inverse of its numbers changes evenly along {inverse_evenly / votes:.0%} of the flat surfaces in "
            "it, as that of depth does: if it is depth, set label: depth, or name an encoding of depth"
        )
    return None


def flat_lines(values: np.ndarray) -> tuple[int, int]:
    """Count straight lines of pixels along which numbers, or their inverses, change evenly.

    Args:
        values: (H, W), positive numbers; others are no part of a line.

    Returns:
        How many lines are even in the numbers, and how many in their inverses; never one line in both.
    """
    thin = _thinned(values).astype(np.float32)
    thin = np.where(np.isfinite(thin) & (thin > 0), thin, np.float32(np.nan))
    evenly = inverse_evenly = 0
    if min(values.shape) < SMALLEST_SIDE:
        return 0, 0
    for part in LINES:
        quarter = max(1, round(max(thin.shape) * part / 4))
        for lines in (thin, thin.T):
            count = len(lines) - 4 * quarter
            if count < 1:
                continue
            points = [lines[start * quarter : start * quarter + count] for start in range(5)]
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                slope = points[0] / points[4]
                slope = np.maximum(slope, 1 / slope)
                # By how much of the whole the middle of a line is off that is even in the other one: a quarter of it.
                tolerance = (slope - 1) / (slope + 1) / 8
                is_sloped = (slope > SLOPES[0]) & (slope < SLOPES[1])
                evenly += int((is_sloped & (_unevenness(points) < tolerance)).sum())
                inverse_evenly += int((is_sloped & (_unevenness([1 / each for each in points]) < tolerance)).sum())
    return evenly, inverse_evenly


def _unevenness(points: list[np.ndarray]) -> np.ndarray:
    """Return by how much of the whole change five points in equal steps are off a straight line, at most."""
    first, second, middle, fourth, last = points
    off = np.abs(first - 2 * middle + last)
    for one, between, other in ((first, second, middle), (middle, fourth, last)):
        off = np.maximum(off, np.abs(one - 2 * between + other))
    unevenness: np.ndarray = off / 2 / np.abs(first - last)
    return unevenness


def _thinned(values: np.ndarray) -> np.ndarray:
    step = -(-max(values.shape) // LARGEST_SIDE)
    return values[::step, ::step]
