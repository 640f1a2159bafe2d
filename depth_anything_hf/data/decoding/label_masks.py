# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Masks of a label as the bits of one 8-bit grey PNG: sky, disagreement of two teachers, of the mirrored picture.

A mask that was not made is not "nothing to mask": whoever asks for it gets an error that says how to make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np

from ...utils.option_errors import OptionError, check_choice
from .errors import BrokenSampleError
from .stored_maps import read_stored_label


# Name -> its bit in the PNG. The order is that of messages and columns.
MASK_BITS = {"sky": 1, "teachers": 2, "flip": 4}
MASK_NAMES = tuple(MASK_BITS)
MASK_MEANINGS = {
    "sky": "the pixel is sky",
    "teachers": "the two teachers disagree after the fit",
    "flip": "the prediction of the mirrored picture disagrees",
}
# Column of the PNG, and name -> column of the share of masked pixels, which is null where the mask was not made.
MASKS_COLUMN = "masks"
SHARE_COLUMNS = {name: f"{name}_share" for name in MASK_NAMES}


class MissingMaskError(ValueError):
    """A mask is asked for that labels do not have; the message says how to make it."""


def parse_mask_names(given: str | Iterable[str] | None, field: str = "masks") -> tuple[str, ...]:
    """Return names of masks in their usual order.

    Args:
        given: names, or one text with commas between them, which a name may be too, as flags of several values have;
            None or "" are no masks.
        field: what gives them, for messages.

    Raises:
        OptionError: an unknown name, or one that is given twice.
    """
    listed = [given] if isinstance(given, str) else list(given or ())
    names = [name.strip() for each in listed for name in str(each).split(",")]
    if names == [""]:
        return ()
    for name in names:
        check_choice(field, name, MASK_NAMES)
    repeated = [name for name in MASK_NAMES if names.count(name) > 1]
    if repeated:
        raise OptionError(f"{field} names {repeated[0]!r} more than once; name every mask once")
    return tuple(name for name in MASK_NAMES if name in names)


def encode_masks(masks: Mapping[str, np.ndarray]) -> bytes:
    """Encode masks of one label as an 8-bit grey PNG; bit `MASK_BITS[name]` of a pixel is set where a mask is true.

    Args:
        masks: name -> bool (H, W), all of one shape.

    Raises:
        ValueError: no mask, an unknown name, or masks of several shapes or other types.
    """
    if not masks:
        raise ValueError("expected at least one mask to encode, got none; labels without masks have null in `masks`")
    names = parse_mask_names(masks)
    shape = np.shape(masks[names[0]])
    bits = np.zeros(shape, dtype=np.uint8)
    for name in names:
        mask = np.asarray(masks[name])
        if mask.ndim != 2 or mask.dtype != bool or mask.shape != shape:
            raise ValueError(
                f"expected masks of type bool and one shape (H, W), got {name!r} of type {mask.dtype} and shape "
                f"{mask.shape} beside {names[0]!r} of shape {shape}"
            )
        bits[mask] |= MASK_BITS[name]
    written, png = cv2.imencode(".png", bits)
    if not written:
        raise ValueError(f"OpenCV could not encode masks of shape {shape} as PNG")
    return png.tobytes()


def decode_masks(content: bytes, made: Iterable[str]) -> dict[str, np.ndarray]:
    """Decode the masks of one label; the inverse of `encode_masks`.

    Args:
        content: an 8-bit grey PNG.
        made: names of the masks that it holds: those of the provenance, or `masks_of_row`.

    Returns:
        name -> bool (H, W), for the names in `made`.

    Raises:
        OptionError: an unknown name.
        BrokenSampleError: not an 8-bit grey image, or with bits of masks that are not in `made`.
        UnreadableImageError: it cannot be decoded.
    """
    names = parse_mask_names(made)
    bits = _read_bits(content, names)
    return {name: (bits & MASK_BITS[name]) != 0 for name in names}


def masked_pixels(content: bytes, wanted: Iterable[str], made: Iterable[str]) -> np.ndarray:
    """Return the pixels of a label that are in any of several masks: bool (H, W).

    Args:
        content: an 8-bit grey PNG.
        wanted: names of masks.
        made: names of the masks that it holds.

    Raises:
        MissingMaskError: a wanted mask was not made.
        OptionError, BrokenSampleError, UnreadableImageError: see `decode_masks`.
    """
    names, held = parse_mask_names(wanted), parse_mask_names(made)
    require_masks(names, held)
    wanted_bits = np.uint8(sum(MASK_BITS[name] for name in names))
    masked: np.ndarray = (_read_bits(content, held) & wanted_bits) != 0
    return masked


def require_masks(wanted: Iterable[str], made: Iterable[str], place: str = "the labels") -> None:
    """Check that masks were made.

    Args:
        wanted: names of masks.
        made: names of the masks that labels have.
        place: what has these masks, for the message.

    Raises:
        MissingMaskError: a wanted mask was not made.
        OptionError: an unknown name.
    """
    names, held = parse_mask_names(wanted), parse_mask_names(made)
    missing = [name for name in names if name not in held]
    if missing:
        have = f"only {', '.join(held)}" if held else "no masks"
        every = ",".join(name for name in MASK_NAMES if name in {*names, *held})
        raise MissingMaskError(
            f"{place}: expected the mask {missing[0]!r} ({MASK_MEANINGS[missing[0]]}), got {have}. Label the "
            f"photographs into a new folder with `depth-anything-hf pseudo-label --masks {every}`, or ask for the "
            "masks that are there"
        )


def masks_of_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which masks the row of a label shard has: those whose share of pixels is stored."""
    return tuple(name for name, column in SHARE_COLUMNS.items() if row.get(column) is not None)


def mask_shares(masks: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Return the columns `SHARE_COLUMNS` of a row: the share of masked pixels, None of a mask that was not made."""
    return {column: float(masks[name].mean()) if name in masks else None for name, column in SHARE_COLUMNS.items()}


def _read_bits(content: bytes, made: tuple[str, ...]) -> np.ndarray:
    bits, name = read_stored_label(content)
    if bits.dtype != np.uint8:
        raise BrokenSampleError(f"{name}: expected masks as an 8-bit grey PNG, got {bits.dtype}; see encode_masks")
    unknown = int(np.bitwise_or.reduce(bits, axis=None)) & ~sum(MASK_BITS[each] for each in made)
    if unknown:
        raise BrokenSampleError(
            f"{name}: expected masks with the bits of {', '.join(made) or 'no mask'} alone, got bits {unknown:#x} as "
            "well; the PNG belongs to other labels, or a newer version of this package has written it"
        )
    return bits
