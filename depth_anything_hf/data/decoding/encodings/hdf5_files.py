# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps in HDF5 files of data sets: the disparity of Spring, the ray distance of Hypersim."""

from __future__ import annotations

import io

import numpy as np

from ..errors import UnreadableImageError
from ..optional import import_optional
from ..stored_maps import single_channel
from .common_options import RAYS, stereo_options
from .encoding import DecodedMap, EncodedFile, Encoding, Options
from .float_files import depth_of_floats, disparity_of_floats
from .scaled_integers import AS_STORED


HDF5_START = b"\x89HDF\r\n\x1a\n"


def _array(file: EncodedFile, key: str) -> np.ndarray:
    h5py = import_optional("h5py")
    try:
        with h5py.File(io.BytesIO(file.content), "r") as opened:
            return single_channel(np.asarray(opened[key][()]), file.name)
    except (OSError, KeyError, ValueError, RuntimeError, OverflowError) as error:
        raise UnreadableImageError(f"{file.name}: expected an HDF5 file with the array {key!r}: {error}") from error


def decode_spring(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a `.dsp5` of Spring, which has twice the rows and columns of the picture, of which every other is taken."""
    stored = _array(file, "disparity")
    return DecodedMap(disparity_of_floats(stored[::2, ::2]), "disparity", "px")


def decode_hypersim(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a `depth_meters.hdf5` of Hypersim: metres from the camera's centre."""
    return DecodedMap(depth_of_floats(_array(file, "dataset"), may_change=True), "depth", geometry="ray")


ENCODINGS = (
    Encoding(
        name="spring",
        writers="Spring (.dsp5)",
        files="HDF5",
        unit="pixels of disparity of the picture; baseline 0.065 m",
        missing="NaN, inf and negative missing; 0 infinitely far",
        kind="disparity",
        geometry="planar",
        orientation="twice the picture's rows and columns; every other is taken",
        source="cv-stuttgart/flow_library flow_IO.py:400-409; spring_utils dataloader.py:120-128, pointcloud.py:12-26",
        verified="made",
        decode=decode_spring,
        options=stereo_options(0.065),
    ),
    Encoding(
        name="hypersim",
        writers="Hypersim (depth_meters.hdf5)",
        files="HDF5",
        unit="metres, float16",
        missing="NaN and 0 missing",
        kind="depth",
        geometry="ray",
        orientation=AS_STORED,
        source="apple/ml-hypersim README: distance to the optical centre; a pinhole of fx = fy = 886.81 at 1024 x 768",
        verified="genuine",
        decode=decode_hypersim,
        options=RAYS,
    ),
)
