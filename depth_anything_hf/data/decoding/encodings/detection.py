# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which encoding a file has, where its content proves one; else which it may have, and what each would mean."""

from __future__ import annotations

import numpy as np

from .catalog import ENCODINGS
from .encoding import Encoding
from .packed_bits import (
    CONFIDENCE_BITS,
    LARGEST_RAW,
    MILLIMETRES,
    NO_CONFIDENCE,
    RANGE_MASK,
    blue_and_green,
    depth_of_raw,
    rotate_right,
)
from .packed_colours import depth_of_colours, floats_of_bytes


# Metres between which the middle of a map is believable.
NEAR, FAR = 0.05, 1000.0
LARGEST_HALF = 0x7C00
FEW_NUMBERS = 32
# Encodings whose numbers have bits of their own, and those for which these bits stand for sure.
BITS = ("sunrgbd", "kinect_player", "depth16", "float16_png", "midair")
ROTATED = ("sunrgbd", "kinect_player")
PROVEN_BY_BITS = (*ROTATED, "kinect_raw")


def proven_encoding(content: bytes) -> Encoding | None:
    """Return the encoding that the content itself proves, such as the header of a COLMAP map; None: it proves none."""
    return next((each for each in ENCODINGS.values() if each.proves is not None and each.proves(content)), None)


def candidates(stored: np.ndarray) -> list[tuple[str, float]]:
    """Return which encodings whole numbers may have, and the middle of the map in metres by each; none of others.

    Those that the numbers speak for come first, and of the others those with a believable distance.

    Args:
        stored: whole numbers (H, W).
    """
    numbers = stored[stored > 0]
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize < 2 or not numbers.size:
        return []
    # The largest number is mostly that of pixels without a value.
    below = numbers[numbers < np.iinfo(numbers.dtype).max]
    middle = float(np.median(below if below.size else numbers))
    found = [
        (name, float(np.median(metres))) for name, metres in encodings_by_bits(stored, numbers).items() if metres.size
    ]
    seen: set[float] = set()
    for each in ENCODINGS.values():
        if each.per_metre is not None and each.per_metre not in seen and NEAR <= middle / each.per_metre <= FAR:
            seen.add(each.per_metre)
            found.append((each.name, middle / each.per_metre))
    ranges = (below & RANGE_MASK)[below >> CONFIDENCE_BITS != NO_CONFIDENCE]
    if stored.dtype == np.uint16 and numbers.max() > RANGE_MASK and ranges.any():
        found.append(("depth16", float(np.median(ranges[ranges > 0]) / MILLIMETRES)))
    return found


def colour_candidates(picture: np.ndarray) -> list[tuple[str, float]]:
    """Return which encodings the channels of a picture speak for, and the middle of the map in metres by each.

    Args:
        picture: uint8 (H, W, 3 or 4) in the order blue, green, red, alpha.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4):
        return []
    found: dict[str, np.ndarray] = {}
    blue, red = picture[..., 0], picture[..., 2]
    if not red.any():
        found["depth16_rgba"] = (blue_and_green(picture) >> 3) / MILLIMETRES
    far = picture[..., :3].min(axis=2) == 255
    # The low byte of a depth is noise, and its high byte says that it is nearer than 250 m.
    if np.percentile(np.where(far, 0, blue), 95) <= 64 and red.std() > 50:
        depth = depth_of_colours(picture)
        found["carla"] = depth[np.isfinite(depth)]
    if picture.shape[2] == 4:
        # The highest byte of photographs, alpha, is 255, which makes a negative number.
        floats = floats_of_bytes(picture)
        if ((floats > 1e-3) & (floats < 1e6)).mean() > 0.9:
            found["tartanair_rgba"] = floats.astype(np.float64)
    middles = [(name, float(np.median(depth[depth > 0]))) for name, depth in found.items() if (depth > 0).any()]
    return [(name, middle) for name, middle in middles if NEAR <= middle <= FAR]


def describe_candidates(stored: np.ndarray) -> str:
    """Return the candidates in words: "as mm 2.0 m, as tenth_mm 0.20 m"; "" without one."""
    found = colour_candidates(stored) if stored.ndim == 3 else candidates(stored)
    return ", ".join(f"as {name} {metres:.2g} m" for name, metres in found)


def _are_multiples_of_eight(numbers: np.ndarray) -> bool:
    # The lowest bits of numbers that were rotated hold what is beyond 8.191 m, of which there is little. A few numbers
    # may be multiples by accident, and numbers of 12 bits that were moved to the upper end are multiples of 16.
    share = (numbers & 7 == 0).mean()
    return bool(share >= 0.9 and (numbers & 15 == 0).mean() < 0.9 * share) and np.unique(numbers).size >= FEW_NUMBERS


def encodings_by_bits(stored: np.ndarray, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Return metres of the encodings that the bits of numbers speak for.

    Args:
        stored: whole numbers (H, W).
        numbers: those of them that are positive, (N,).
    """
    found: dict[str, np.ndarray] = {}
    if stored.dtype != np.uint16:
        return found
    if _are_multiples_of_eight(numbers):
        found["sunrgbd"] = rotate_right(numbers) / MILLIMETRES
        found["kinect_player"] = (numbers >> 3) / MILLIMETRES
    for raw in (stored, stored.byteswap()):
        # Of a Kinect's numbers many are 2047, and none is larger.
        if raw.max() == LARGEST_RAW and (raw == LARGEST_RAW).mean() >= 1e-3:
            metres = depth_of_raw(raw)
            found["kinect_raw"] = metres[np.isfinite(metres)]
    halves = numbers.view(np.float16) if numbers.max() < LARGEST_HALF else np.empty(0)
    if halves.size and np.median(numbers) > 0x3800:
        found["float16_png"] = halves.astype(np.float64)
    return found
