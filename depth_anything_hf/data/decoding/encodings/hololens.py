# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth of HoloLens 2 in research mode: distance along rays, whose directions lie in a table beside the frames."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import UnreadableImageError
from ..stored_maps import read_stored_label
from .common_options import RAYS
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options, through_table, whole_numbers
from .scaled_integers import SENSOR


MILLIMETRES = 1000.0
# The near camera (AHAT) has 512 x 512 pixels, and its numbers from 4090 on are no distance; the far one has 320 x 288.
AHAT_SHAPE, AHAT_INVALID = (512, 512), 4090.0
UNIT_TOLERANCE = 1e-3


def decode_hololens(file: EncodedFile, options: Options) -> DecodedMap:
    """Decode millimetres along rays; with the table of their directions planar depth.

    Raises:
        UnreadableImageError: no whole numbers of 16 bits, a table of another size, or none where nothing else tells
            the camera.
    """
    stored = whole_numbers(read_stored_label({"bytes": file.content, "path": file.name})[0], file, "hololens", (16,))
    invalid = options["invalid"]
    if invalid is None and stored.shape == AHAT_SHAPE:
        invalid = AHAT_INVALID

    def distance_of(codes: np.ndarray) -> np.ndarray:
        values = codes / np.float64(MILLIMETRES)
        values[(codes <= 0) | (False if invalid is None else codes >= invalid)] = np.nan
        return values

    values = through_table(stored, distance_of, ("hololens", invalid))
    table = _table_beside(file, options["rays"])
    if table is None:
        if options["fx"] is None and options["fov"] is None and options["ray"] != "keep":
            raise UnreadableImageError(
                f"{file.name}: hololens holds distance along rays, whose directions are in a table, expected "
                f"{_place_of_table(file) or 'beside the map, which lies nowhere'}; name it with "
                "'hololens:rays=FILE', give a camera (fx=...), or take the distance as it is (ray=keep)"
            )
        return DecodedMap(values, "depth", geometry="ray")
    along_axis = _directions_along_axis(table, table.stat().st_mtime_ns)
    if along_axis.size != values.size:
        raise UnreadableImageError(
            f"{file.name}: {values.size} pixels, and {table} has {along_axis.size} rays; it is of the other camera"
        )
    values *= along_axis.reshape(values.shape)
    return DecodedMap(values, "depth")


def _place_of_table(file: EncodedFile) -> Path | None:
    """Return where StreamRecorder writes the table: `Depth Long Throw/N.pgm` has `Depth Long Throw_lut.bin`."""
    place = file.place
    return None if place is None else place.resolve().parent.with_name(f"{place.resolve().parent.name}_lut.bin")


def _table_beside(file: EncodedFile, name: str | None) -> Path | None:
    place = file.place
    if name is None:
        found = _place_of_table(file)
        return found if found is not None and found.is_file() else None
    found = Path(name) if place is None else place.parent / name
    if not found.is_file():
        raise UnreadableImageError(f"{found}: no such table of rays")
    return found


@lru_cache(maxsize=4)
def _directions_along_axis(table: Path, _changed: int) -> np.ndarray:
    """Read the third number of the unit vectors of all pixels: float32 (N,); NaN where there is none."""
    content = table.read_bytes()
    numbers = np.frombuffer(content, "<f4", count=len(content) // 12 * 3).reshape(-1, 3)
    along_axis = numbers[:, 2].astype(np.float32)
    along_axis[~(along_axis > 0)] = np.nan
    is_known = np.isfinite(along_axis)
    lengths = np.linalg.norm(numbers[is_known].astype(np.float64), axis=1)
    if len(content) % 12 or not is_known.any() or np.abs(lengths - 1).max() > UNIT_TOLERANCE:
        raise UnreadableImageError(f"{table}: expected unit vectors, three float32 for each pixel, row by row")
    return along_axis


ENCODINGS = (
    Encoding(
        name="hololens",
        writers="HoloLens 2 research mode (StreamRecorder): Depth Long Throw, Depth AHaT",
        files="16-bit PGM, and NAME_lut.bin beside its folder",
        unit="millimetres along the rays of the table",
        missing="0 missing, and from 4090 on where it is AHaT (512 x 512); AHaT repeats itself beyond about 1 m",
        kind="depth",
        geometry="ray",
        orientation=f"{SENSOR}; the colour camera (PV) is another one",
        source=(
            "microsoft/HoloLens2ForCV StreamRecorderApp/RMCameraReader.cpp (DumpCalibration, SaveDepth), "
            "StreamRecorderConverter/save_pclouds.py"
        ),
        verified="made",
        decode=decode_hololens,
        options=(
            EncodingOption("rays", str, "file of the table beside the map; otherwise ../FOLDER_lut.bin"),
            EncodingOption("invalid", float, "stored numbers from which on there is no value"),
            *RAYS,
        ),
    ),
)
