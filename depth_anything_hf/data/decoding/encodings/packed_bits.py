# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers of 16 bits that hold more than a depth, or hold it otherwise: rotated, with players, confidence, halves."""

from __future__ import annotations

import numpy as np

from ..errors import UnreadableImageError
from ..stored_maps import decode_picture, read_stored_label
from .common_options import RAYS
from .encoding import MISSING, DecodedMap, EncodedFile, Encoding, EncodingOption, Options, through_table, whole_numbers
from .scaled_integers import AS_STORED, FILES, SENSOR


MILLIMETRES = np.float64(1000)
# Of a Kinect's depth stream: too near, too far, unknown (-1, of which 13 bits are left).
PLAYER_MISSING = (0, 4095, 8191)
RANGE_MASK, CONFIDENCE_BITS, CONFIDENCE_STEPS, NO_CONFIDENCE = 0x1FFF, 13, 7, 1
LARGEST_RAW, RAW_OF_INFINITY, RAW_FACTOR = 2047, 1092.5, 351.3
UNKNOWN_GEOMETRY = EncodingOption(
    "geometry", str, "what depth is measured along, where that is known", "unknown", ("unknown", "planar", "ray")
)


def _stored(file: EncodedFile, encoding: str) -> np.ndarray:
    stored = read_stored_label({"bytes": file.content, "path": file.name})[0]
    stored = whole_numbers(stored, file, encoding, (16,))
    # Signed where a program had no unsigned numbers: the bits are the same.
    return stored.view(np.uint16) if stored.dtype == np.int16 else stored


def _millimetres(codes: np.ndarray, missing: tuple[float, ...] = (0,)) -> np.ndarray:
    values = codes / MILLIMETRES
    values[np.isin(codes, missing)] = np.nan
    return values


def rotate_right(codes: np.ndarray) -> np.ndarray:
    """Rotate whole numbers of 16 bits to the right by three."""
    rotated: np.ndarray = codes >> 3 | codes << 13
    return rotated


def decode_rotated(file: EncodedFile, options: Options) -> DecodedMap:
    """Rotate 16 bits to the right by three: millimetres."""
    stored = _stored(file, "sunrgbd")
    missing = options["missing"]
    values = through_table(stored, lambda codes: _millimetres(rotate_right(codes), missing), ("sunrgbd", missing))
    return DecodedMap(values, "depth")


def decode_player_bits(file: EncodedFile, options: Options) -> DecodedMap:
    """Drop the three low bits, which number the players: millimetres."""
    stored = _stored(file, "kinect_player")
    missing = options["missing"]
    values = through_table(stored, lambda codes: _millimetres(codes >> 3, missing), ("kinect_player", missing))
    return DecodedMap(values, "depth")


def decode_depth16(file: EncodedFile, options: Options) -> DecodedMap:
    """Split Android's DEPTH16: 13 bits of millimetres, above them three of confidence, of which 0 is the best.

    A confidence of 0 % is no measurement, and such pixels have no value unless `min_confidence` is given, even as 0.
    """
    stored = _stored(file, "depth16")
    keeps_all = options["min_confidence"] is not None

    def depth_of(codes: np.ndarray) -> np.ndarray:
        values = _millimetres(codes & RANGE_MASK)
        if not keeps_all:
            values[codes >> CONFIDENCE_BITS == NO_CONFIDENCE] = np.nan
        return values

    values = through_table(stored, depth_of, ("depth16", keeps_all))
    return DecodedMap(
        values,
        "depth",
        geometry=options["geometry"],
        find_confidence=lambda: through_table(stored, _confidence, "depth16 confidence"),
    )


def _confidence(codes: np.ndarray) -> np.ndarray:
    code = codes >> CONFIDENCE_BITS
    return np.where(code == 0, 1.0, (code - 1.0) / CONFIDENCE_STEPS)


def blue_and_green(picture: np.ndarray) -> np.ndarray:
    """Join the blue (high byte) and the green (low byte) of a picture (H, W, channels) in OpenCV's order: uint16."""
    joined: np.ndarray = picture[..., 0].astype(np.uint16) << 8 | picture[..., 1]
    return joined


def decode_depth16_rgba(file: EncodedFile, options: Options) -> DecodedMap:
    """Take millimetres from the 13 upper bits of blue (high) and green (low)."""
    picture = decode_picture(file.content, file.name)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture[..., 2].any():
        raise UnreadableImageError(
            f"{file.name}: depth16_rgba is an 8-bit RGBA or RGB picture whose red is 0 everywhere, got "
            f"{picture.dtype} {picture.shape}; another program has saved it, or it is another encoding"
        )
    values = through_table(blue_and_green(picture), lambda codes: _millimetres(codes >> 3), "depth16_rgba")
    return DecodedMap(values, "depth", geometry=options["geometry"])


def depth_of_raw(codes: np.ndarray) -> np.ndarray:
    """Return metres of a Kinect's raw disparity, float64; NaN from 1093 on."""
    distance = RAW_OF_INFINITY - codes.astype(np.float64)
    return np.where(distance > 0, RAW_FACTOR / np.where(distance > 0, distance, 1), np.nan)


def decode_kinect_raw(file: EncodedFile, options: Options) -> DecodedMap:
    """Turn 11 bits of raw disparity of a Kinect v1 into metres: 351.3 / (1092.5 - raw).

    The bytes are in the order in which no number has more than 11 bits; PGM files of NYU have the other one than PGM.
    """
    stored = _stored(file, "kinect_raw")
    if stored.max() > LARGEST_RAW:
        swapped = stored.byteswap()
        if swapped.max() > LARGEST_RAW:
            raise UnreadableImageError(
                f"{file.name}: kinect_raw has numbers of 11 bits, got up to {stored.max()} (bytes swapped: "
                f"{swapped.max()}); it is another encoding, such as mm"
            )
        stored = swapped
    return DecodedMap(through_table(stored, depth_of_raw, "kinect_raw"), "depth")


def decode_half_bits(file: EncodedFile, options: Options) -> DecodedMap:
    """Take 16 bits for those of a floating-point number of half precision."""
    return DecodedMap(_halves(_stored(file, "float16_png"), options["scale"], np.inf), "depth")


def decode_midair(file: EncodedFile, options: Options) -> DecodedMap:
    """Take 16 bits for those of a half: metres along the ray, from `sky` on the sphere that is the sky."""
    return DecodedMap(_halves(_stored(file, "midair"), 1.0, options["sky"]), "depth", geometry="ray")


def _halves(stored: np.ndarray, scale: float, sky: float) -> np.ndarray:
    divisor = np.float64(scale)

    def depth_of(codes: np.ndarray) -> np.ndarray:
        values = codes.view(np.float16).astype(np.float64) / divisor
        values[~(values > 0)] = np.nan
        values[values >= sky] = np.inf
        return values

    return through_table(stored, depth_of, ("float16_png", divisor, sky))


ENCODINGS = (
    Encoding(
        name="sunrgbd",
        writers="SUN3D, SUN RGB-D",
        files=FILES,
        unit="millimetres, rotated to the left by three bits",
        missing="0 missing",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="Open3D src/Open3D/Geometry/RGBDImageFactory.cpp:85; PrincetonVision/SUN3Dsfm depthRead.m",
        verified="genuine",
        decode=decode_rotated,
        options=(EncodingOption("missing", tuple, f"{MISSING}; after the rotation", (0,)),),
    ),
    Encoding(
        name="kinect_player",
        writers="Kinect SDK 1 with players",
        files=FILES,
        unit="millimetres times 8, plus the number of a player",
        missing="0, 4095 and 8191 millimetres: too near, too far, unknown",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="Microsoft.Kinect DepthImageFrame.PlayerIndexBitmaskWidth (3), DepthImageStream.TooFarDepth (4095)",
        verified="made",
        decode=decode_player_bits,
        options=(EncodingOption("missing", tuple, f"{MISSING}; in millimetres", PLAYER_MISSING),),
    ),
    Encoding(
        name="kinect_raw",
        writers="Kinect v1 raw disparity (libfreenect), NYU Depth v2 raw, in the order of bytes that fits",
        files=FILES,
        unit="11-bit raw disparity; depth = 351.3 / (1092.5 - raw)",
        missing="1093 and more (2047) missing",
        kind="depth",
        geometry="planar",
        orientation="as the sensor, not undistorted",
        source="Open3D src/Open3D/Geometry/RGBDImageFactory.cpp:103-116; NYU Depth v2 toolbox",
        verified="genuine",
        decode=decode_kinect_raw,
    ),
    Encoding(
        name="depth16",
        writers="Android DEPTH16 (ARCore raw depth, ToF cameras), saved as 16 bits",
        files=FILES,
        unit="millimetres in the 13 low bits; confidence above them: 0 is 100 %, 1 is 0 %, 2..7 are 1/7..6/7",
        missing="0 millimetres missing, and so is 0 % confidence, which min_confidence=0 keeps",
        kind="depth",
        geometry="unknown",
        orientation=SENSOR,
        source="Android ImageFormat.DEPTH16",
        verified="made",
        decode=decode_depth16,
        options=(UNKNOWN_GEOMETRY, *RAYS),
    ),
    Encoding(
        name="depth16_rgba",
        writers="Android apps that put DEPTH16 into the blue and green of a PNG",
        files="8-bit RGBA PNG, red 0",
        unit="millimetres times 8: blue is the high byte, green the low one",
        missing="0 missing; the low three bits are a constant of the device",
        kind="depth",
        geometry="unknown",
        orientation=SENSOR,
        source="a recording of an Android app, and the program beside it",
        verified="made",
        decode=decode_depth16_rgba,
        options=(UNKNOWN_GEOMETRY, *RAYS),
    ),
    Encoding(
        name="float16_png",
        writers="CO3D, Dynamic Replica",
        files=FILES,
        unit="metres (CO3D: of the scene) as the bits of float16",
        missing="0, negative and NaN missing; inf sky",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="facebookresearch/map-anything dynamicreplica.py:116-120",
        verified="made",
        decode=decode_half_bits,
        options=(EncodingOption("scale", float, "stored units per metre", 1.0),),
    ),
    Encoding(
        name="midair",
        writers="Mid-Air (depth, not stereo_disparity)",
        files=FILES,
        unit="metres from the camera's centre as the bits of float16",
        missing="0, negative and NaN missing; from sky on: sky, a sphere 32 km away",
        kind="depth",
        geometry="ray",
        orientation=AS_STORED,
        source=(
            "montefiore-institute/midair-dataset hdf5-depth_viewer.py and issue 4 (sky); michael-fonder/M4Depth issue "
            "6 (distance along rays)"
        ),
        verified="made",
        decode=decode_midair,
        options=(EncodingOption("sky", float, "metres from which on it is sky", 10000.0), *RAYS),
    ),
)
