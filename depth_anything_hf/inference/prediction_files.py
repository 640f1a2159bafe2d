# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of one prediction in the formats that are asked for, and how they are read back."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.decoding.errors import BrokenSampleError, UnreadableImageError
from ..data.decoding.files import in_memory
from ..data.decoding.map_meaning import (
    MEANING_KEYWORD,
    MEANING_VERSION,
    NPY_HEADERS,
    NPZ_MAGIC,
    describe_map,
    describe_picture,
    meaning_of,
)
from ..data.decoding.stored_maps import LABELS, PNG_END, PNG_START, read_stored_label
from ..geometry.disparity import depth_to_disparity
from ..utils.paths import local_path
from ..visualization.colour_maps import colour_limits, colour_map, to_uint16
from ..visualization.encode import encode_png
from ..visualization.encode_maps import encode_exr, encode_float_tiff, encode_npy
from ..visualization.figures import side_by_side
from ..visualization.legend import add_legend
from .pixel_shares import PixelShares
from .prediction_formats import FORMATS, OutputSettings, to_metric_codes


FORMULA = "minimum + (code - 1) / 65534 * (maximum - minimum); code 0 has no value"
METRIC_FORMULA = "code / {scale:g}; code 0 has no value, code 65535 is farther than 65534 / {scale:g}"
EXR_CHANNELS = {"depth": "Z", "disparity": "disparity"}


def encode_prediction(
    values: np.ndarray,
    kind: str,
    settings: OutputSettings | None = None,
    extrapolated: float | None = None,
    image: np.ndarray | None = None,
    further: Mapping[str, str] | None = None,
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return suffix -> content of the files of one prediction, and what is to be known of its pixels.

    The grey picture `png16` has code 0 where there is no value (NaN, and depth that is not positive). The other codes
    run in equal steps over all values, but for outliers: values farther beyond the 2nd or 98th percentile than four
    times the distance of these two have the code of the range's end.

    Args:
        values: float32 (H, W), disparity or metres; NaN is unknown.
        kind: "disparity" or "depth".
        settings: formats and their settings; None: those by default.
        extrapolated: share of the pixels outside the range of a calibration, if there is one.
        image: uint8 (H, W, 3), upright, for the format `side_by_side`.
        further: what else the files say of the values; npy has no room for it.

    Returns:
        The files, and JSON values: the shares of `PixelShares`, and how codes of the grey pictures become values.

    Raises:
        ValueError: a format of metres for disparity, or `side_by_side` without an image.
    """
    settings = settings or OutputSettings()
    settings.check_kind(kind, "the model")
    further = further or {}
    invalid = float(np.isnan(_with_values(values, kind)).mean())
    pixels: dict[str, Any] = {"invalid": invalid, "extrapolated": extrapolated, "clipped": None}
    if settings.limits:
        values = settings.limit(values)
        pixels["limited"] = float(np.isnan(_with_values(values, kind)).mean()) - invalid
    valid = _with_values(values, kind)
    contents: dict[str, bytes] = {}
    for name in settings.formats:
        suffix, scale = FORMATS[name].suffix, FORMATS[name].scale
        if name == "npz":
            contents[suffix] = _encode_npz(values, kind, further)
        elif name == "npy":
            contents[suffix] = encode_npy(valid, NPY_HEADERS[kind])
        elif name == "tiff":
            contents[suffix] = encode_float_tiff(valid, f'{{"{MEANING_KEYWORD}": {describe_map(kind, **further)}}}')
        elif name == "exr":
            contents[suffix] = encode_exr(valid, EXR_CHANNELS[kind], {MEANING_KEYWORD: describe_map(kind, **further)})
        elif name == "png16":
            codes, minimum, maximum = to_uint16(valid)
            pixels["clipped"] = float(((valid < minimum) | (valid > maximum)).mean())
            pixels["grey"] = {"minimum": minimum, "maximum": maximum, "formula": FORMULA}
            contents[suffix] = encode_png(codes, {MEANING_KEYWORD: describe_map(kind, **pixels["grey"], **further)})
        elif scale is not None:
            codes, clipped = to_metric_codes(valid, scale)
            told = {"scale": scale, "clipped": clipped, "formula": METRIC_FORMULA.format(scale=scale)}
            pixels.setdefault("codes", {})[name] = told
            contents[suffix] = encode_png(codes, {MEANING_KEYWORD: describe_map(kind, **told, **further)})
        else:
            picture = _picture(values, kind, settings, image if name == "side_by_side" else None)
            if name == "side_by_side" and image is None:
                raise ValueError("the format side_by_side needs the image, got none")
            shown = "colours" if name == "color" else "side by side"
            contents[suffix] = encode_png(picture, {MEANING_KEYWORD: describe_picture(kind, shown)})
    return contents, pixels


def _with_values(values: np.ndarray, kind: str) -> np.ndarray:
    return np.where(values > 0, values, np.float32(np.nan)) if kind == "depth" else values


def _encode_npz(values: np.ndarray, kind: str, further: Mapping[str, str]) -> bytes:
    arrays: dict[str, Any] = {kind: values, "kind": np.array(kind), **{k: np.array(v) for k, v in further.items()}}
    numbers = io.BytesIO()
    # Not compressed: that would take most of the command's time and save a tenth of the size.
    np.savez(numbers, **arrays)
    return numbers.getvalue()


def _picture(values: np.ndarray, kind: str, settings: OutputSettings, image: np.ndarray | None) -> np.ndarray:
    is_depth = kind == "depth"
    disparity = depth_to_disparity(values) if is_depth else values
    ends = [None if depth is None else 1 / depth for depth in (settings.max_depth, settings.min_depth)]
    low, high = colour_limits(disparity, *ends)
    colours = colour_map(disparity, low, high, name=settings.colormap)
    if image is not None:
        colours = side_by_side([image, colours])
    return add_legend(colours, low, high, settings.colormap, is_depth=is_depth) if settings.legend else colours


def shares_of(pixels: dict[str, Any]) -> PixelShares:
    """Return the shares in what `encode_prediction` says of the pixels."""
    return PixelShares(pixels["invalid"], pixels["extrapolated"], pixels["clipped"], pixels.get("limited"))


def read_prediction(path: str | os.PathLike[str]) -> tuple[np.ndarray, str]:
    """Read the numbers that `predict` has written: npz, npy, TIFF and EXR exactly, 16-bit PNG to half a step.

    Args:
        path: any of the files but the coloured pictures. A PNG that another program has saved again has mostly lost
            its text.

    Returns:
        Values float32 (H, W), NaN where there is none, and their kind: "depth" (metres) or "disparity". Values that
        the range of NAME_16bit.png does not hold are those of its end; depth that NAME_mm.png or NAME_kitti.png cannot
        hold is NaN.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: none of the files, damaged, or a PNG without its text; the message names it.
    """
    path = local_path(path)
    cell = in_memory(path)
    content = cell["bytes"]
    if content.startswith(NPZ_MAGIC):
        kind = _kind_in_numbers(path)
        values = read_stored_label(cell, kind)[0].astype(np.float32)
        return _with_values(values, kind), kind
    if content.startswith(PNG_START) and PNG_END not in content[-64:]:
        raise UnreadableImageError(f"{path}: not a readable PNG: its end is missing; predict again")
    try:
        meaning = meaning_of(content, str(path))
        if meaning is not None:
            return _with_values(meaning.decode(read_stored_label(cell)[0], str(path)), meaning.kind), meaning.kind
        reason = "it has none"
    except BrokenSampleError as error:
        reason = str(error).removeprefix(f"{path}: ")
    raise UnreadableImageError(
        f"{path}: expected NAME.npz, or NAME_16bit.png with the text {MEANING_KEYWORD!r} of version "
        f"{MEANING_VERSION}, or another file of numbers as `predict` writes them, but {reason}; read the .npz, or "
        "predict again (the range is also in predictions.json)"
    )


def _kind_in_numbers(path: os.PathLike[str]) -> str:
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = [name for name in LABELS if name in stored.files]
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(f"{path}: not a readable npz: {error}; predict again") from error
    if len(found) != 1:
        raise UnreadableImageError(f"{path}: expected an .npz that `predict` has written, with depth or disparity")
    return found[0]
