# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth in the channels of a colour picture: the bytes of a float, 24 bits of fixed point, three equal channels."""

from __future__ import annotations

import numpy as np

from ..errors import UnreadableImageError
from ..stored_maps import decode_picture
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .scaled_integers import AS_STORED


CARLA_FAR_METRES, CARLA_LARGEST = 1000.0, (1 << 24) - 1
SYNTHIA_LARGEST = 65535
# By how much bytes of neighbouring pixels differ (of the high byte, that is 60 m), and how many must.
STEP, ROUGH_SHARE, ROUGH_RATIO = 16, 0.25, 4
# Every so many-th line is looked at for it.
LINES_APART = 16
# So few that they stay in a processor's cache.
ROWS_AT_ONCE = 64


def _channels(file: EncodedFile, encoding: str, dtype: type, counts: tuple[int, ...]) -> np.ndarray:
    """Return the channels of a picture (H, W, C) in the order blue, green, red, alpha."""
    picture = decode_picture(file.content, file.name)
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if picture.dtype != dtype or channels not in counts:
        raise UnreadableImageError(
            f"{file.name}: {encoding} is a picture of {' or '.join(map(str, counts))} channels of {np.dtype(dtype)}, "
            f"got {channels} of {picture.dtype}: another encoding, or another program has saved it"
        )
    return picture


def floats_of_bytes(picture: np.ndarray) -> np.ndarray:
    """Return the four bytes of each pixel as float32: (H, W), in the memory of the picture where that is possible."""
    floats: np.ndarray = np.ascontiguousarray(picture).view("<f4")[..., 0].astype(np.float32, copy=False)
    return floats


def decode_float_bytes(file: EncodedFile, options: Options) -> DecodedMap:
    """Take the four bytes of a pixel, in the order in which OpenCV has them (B, G, R, A), for a float32 of metres."""
    picture = _channels(file, "tartanair_rgba", np.uint8, (4,))
    values = floats_of_bytes(picture)
    values[~(values > 0)] = np.nan
    values[values >= options["sky"]] = np.inf
    return DecodedMap(values, "depth")


def _numbers_of(rows: np.ndarray) -> np.ndarray:
    """Return red + 256 * green + 65536 * blue of pixels (H, W, 3 or 4): float32, in which 24 bits are exact."""
    if rows.shape[2] == 4 and rows.flags.c_contiguous:
        # Blue, green, red, alpha: turned over, alpha is the low byte.
        codes = rows.view("<u4")[..., 0].byteswap()
        codes >>= 8
        return codes.astype(np.float32)
    values = rows[..., 0].astype(np.float32)
    for channel in (1, 2):
        values *= 256
        values += rows[..., channel]
    return values


def depth_of_colours(picture: np.ndarray, *, in_place: bool = False) -> np.ndarray:
    """Join red (low), green and blue (high) to 24 bits, of which all are 1 at the far plane of 1000 m: float32.

    Args:
        picture: uint8 (H, W, 3 or 4) in the order blue, green, red, alpha.
        in_place: put the result into the memory of the picture, where its pixels have four bytes.
    """
    fits = in_place and picture.shape[2] == 4
    depth = floats_of_bytes(picture) if fits else np.empty(picture.shape[:2], np.float32)
    for start in range(0, len(picture), ROWS_AT_ONCE):
        values = _numbers_of(picture[start : start + ROWS_AT_ONCE])
        nothing, far = values == 0, values == CARLA_LARGEST
        values *= np.float32(CARLA_FAR_METRES / CARLA_LARGEST)
        values[nothing], values[far] = np.nan, np.inf
        depth[start : start + ROWS_AT_ONCE] = values
    return depth


def _rough_share(channel: np.ndarray) -> float:
    """Return the share of neighbouring pixels of a channel (H, W) that differ by more than `STEP`."""
    lines = (channel[::LINES_APART], channel[:, ::LINES_APART].T)
    differences = [np.abs(np.diff(each.astype(np.int16), axis=1)).ravel() for each in lines]
    return float(np.mean(np.concatenate(differences) > STEP)) if channel.size > 1 else 0.0


def decode_carla(file: EncodedFile, options: Options) -> DecodedMap:
    """Read depth of CARLA's colours.

    Raises:
        UnreadableImageError: also a grey picture, as `ColorConverter.Depth` and `LogarithmicDepth` make for viewing,
            and one whose red and blue were exchanged.
    """
    picture = _channels(file, "carla", np.uint8, (3, 4))
    blue = picture[..., 0]
    is_grey = bool((blue == picture[..., 1]).all() and (blue == picture[..., 2]).all())
    low, high = _rough_share(picture[..., 2]), _rough_share(blue)
    if high >= ROUGH_SHARE and high > ROUGH_RATIO * low:
        raise UnreadableImageError(
            f"{file.name}: blue is the high byte of carla and differs from pixel to pixel, red is the low one and "
            "does not: the channels were saved in the order of the sensor, which is blue, green, red; turn them over"
        )
    depth = depth_of_colours(picture, in_place=True)
    if is_grey and np.isfinite(depth).any():
        raise UnreadableImageError(
            f"{file.name}: a grey picture for viewing, with 256 distances at most; record depth with "
            "ColorConverter.Raw, without a converter"
        )
    return DecodedMap(depth, "depth")


def decode_synthia(file: EncodedFile, options: Options) -> DecodedMap:
    """Take one of three equal channels of 16 bits: centimetres."""
    picture = _channels(file, "synthia", np.uint16, (1, 3))
    stored = picture if picture.ndim == 2 else picture[..., 0]
    if picture.ndim == 3 and not (np.array_equal(stored, picture[..., 1]) and np.array_equal(stored, picture[..., 2])):
        raise UnreadableImageError(f"{file.name}: synthia has three equal channels, these differ; is it a picture?")
    values = (stored / np.float64(100)).astype(np.float32)
    values[stored == 0] = np.nan
    values[stored == SYNTHIA_LARGEST] = np.inf
    return DecodedMap(values, "depth")


ENCODINGS = (
    Encoding(
        name="tartanair_rgba",
        writers="TartanAir V2",
        files="8-bit RGBA PNG",
        unit="metres: the bytes of a little-endian float32 in the order B, G, R, A",
        missing="0, negative and NaN missing; from sky on: sky",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="castacks/tartanairpy docs/modalities.rst:70-80, tartanair/reader.py:42-65",
        verified="made",
        decode=decode_float_bytes,
        options=(EncodingOption("sky", float, "metres from which on it is sky", 10000.0),),
    ),
    Encoding(
        name="carla",
        writers="CARLA depth camera, raw, SkyScenes",
        files="8-bit RGB or RGBA PNG",
        unit="1000/(2^24 - 1) m: red is the low byte, blue the high one",
        missing="0 missing; 2^24 - 1, the far plane, is sky",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="carla.readthedocs.io ref_sensors, depth camera",
        verified="made",
        decode=decode_carla,
    ),
    Encoding(
        name="synthia",
        writers="SYNTHIA (RAND-CITYSCAPES)",
        files="16-bit RGB PNG with three equal channels",
        unit="centimetres",
        missing="0 missing; 65535 sky",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="preprocessing scripts take one of three equal channels / 100; qinenergy/corda issue 15 (655.35)",
        verified="made",
        decode=decode_synthia,
    ),
)
