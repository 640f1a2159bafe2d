# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of one prediction: numbers, colours, and 16-bit grey; and how they are read back."""

from __future__ import annotations

import io
import json
import math
import os
from typing import Any

import numpy as np

from ..data.decoding.depth_maps import LABELS, read_label
from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.limits import open_picture
from ..data.decoding.map_meaning import MEANING_KEYWORD as PICTURE_KEYWORD
from ..geometry.disparity import depth_to_disparity
from ..utils.paths import local_path
from ..visualization.colour_maps import colour_map, from_uint16, to_uint16
from ..visualization.encode import encode_png
from .pixel_shares import PixelShares


NUMBERS, COLOURS, GREY = ".npz", "_depth.png", "_16bit.png"
# Of the text that pictures hold, and of what the codes of a grey one mean.
GREY_VERSION = 1
FORMULA = "minimum + (code - 1) / 65534 * (maximum - minimum); code 0 has no value"
UNITS = {"depth": "metres", "disparity": "none: scale and shift of each image are free"}


def suffixes_of(pictures: bool) -> tuple[str, ...]:
    """Return the suffixes of the files of one prediction."""
    return (NUMBERS, COLOURS, GREY) if pictures else (NUMBERS,)


def encode_prediction(
    values: np.ndarray, kind: str, pictures: bool, extrapolated: float | None = None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return suffix -> content of the files of one prediction, and what is to be known of its pixels.

    The grey picture has code 0 where there is no value (NaN, and depth that is not positive). The other codes run in
    equal steps over all values, but for outliers: values farther beyond the 2nd or 98th percentile than four times the
    distance of these two have the code of the range's end.

    Args:
        values: float32 (H, W), disparity or metres; NaN is unknown.
        kind: "disparity" or "depth".
        pictures: whether to make the pictures too.
        extrapolated: share of the pixels outside the range of a calibration, if there is one.

    Returns:
        The files, and JSON values: the shares of `PixelShares`, and how codes of the grey picture become values.
    """
    arrays: dict[str, Any] = {kind: values, "kind": np.array(kind)}
    numbers = io.BytesIO()
    # Not compressed: that would take most of the command's time and save a tenth of the size.
    np.savez(numbers, **arrays)
    contents = {NUMBERS: numbers.getvalue()}
    valid = np.where(values > 0, values, np.float32(np.nan)) if kind == "depth" else values
    invalid = float(np.isnan(valid).mean())
    pixels: dict[str, Any] = {"invalid": invalid, "extrapolated": extrapolated, "clipped": None}
    if pictures:
        colours = colour_map(depth_to_disparity(values) if kind == "depth" else values)
        contents[COLOURS] = encode_png(colours, {PICTURE_KEYWORD: json.dumps({"kind": kind, "picture": "colours"})})
        codes, minimum, maximum = to_uint16(valid)
        pixels["clipped"] = float(((valid < minimum) | (valid > maximum)).mean())
        grey = {"minimum": minimum, "maximum": maximum, "formula": FORMULA}
        text = {"version": GREY_VERSION, "kind": kind, "unit": UNITS[kind], **grey}
        contents[GREY] = encode_png(codes, {PICTURE_KEYWORD: json.dumps(text)})
        pixels["grey"] = grey
    return contents, pixels


def shares_of(pixels: dict[str, Any]) -> PixelShares:
    """Return the shares in what `encode_prediction` says of the pixels."""
    return PixelShares(pixels["invalid"], pixels["extrapolated"], pixels["clipped"])


def read_prediction(path: str | os.PathLike[str]) -> tuple[np.ndarray, str]:
    """Read the numbers that `predict` has written, from NAME.npz exactly, or from NAME_16bit.png to half a step.

    Args:
        path: the .npz or the 16-bit PNG. A PNG that another program has saved again has mostly lost its text.

    Returns:
        Values float32 (H, W), NaN where there is none, and their kind: "depth" (metres) or "disparity". Values that
        the range of the PNG does not hold are those of its end.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: neither of the two files, damaged, or a PNG without its text; the message names it.
    """
    path = local_path(path)
    if path.suffix.lower() == NUMBERS:
        values, kind = read_label(path), _kind_in_numbers(path)
        return (np.where(values > 0, values, np.float32(np.nan)) if kind == "depth" else values), kind
    try:
        with open_picture(path, str(path)) as picture:
            text, codes = picture.info.get(PICTURE_KEYWORD), np.asarray(picture)
    except (FileNotFoundError, IsADirectoryError, UnreadableImageError):
        raise
    except Exception as error:
        # Pillow's decoders raise many kinds of exceptions on damaged files.
        raise UnreadableImageError(f"{path}: not a readable PNG: {error}") from error
    try:
        record = json.loads(text or "")
        kind, ends = record["kind"], (float(record["minimum"]), float(record["maximum"]))
        is_known = record["version"] == GREY_VERSION and kind in UNITS and all(map(math.isfinite, ends))
    except (ValueError, TypeError, KeyError):
        is_known = False
    if codes.dtype.kind not in "ui" or codes.ndim != 2 or not is_known:
        raise UnreadableImageError(
            f"{path}: expected NAME.npz, or NAME_16bit.png with the text {PICTURE_KEYWORD!r} of version "
            f"{GREY_VERSION}, as `predict` writes them; read the .npz, or predict again (the range is also in "
            "predictions.json)"
        )
    return from_uint16(codes, *ends), kind


def _kind_in_numbers(path: os.PathLike[str]) -> str:
    with np.load(path, allow_pickle=False) as stored:
        found = [name for name in LABELS if name in stored.files]
    if len(found) != 1:
        raise UnreadableImageError(f"{path}: expected an .npz that `predict` has written, with depth or disparity")
    return found[0]
