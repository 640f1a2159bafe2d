# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoders of file formats that only one or two official data sets use."""

from __future__ import annotations

import csv
import importlib
import math
import os
import re
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from ..decoding.disparity_codec import LARGEST_CODE
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image


PathLike = str | os.PathLike[str]

# Focal length in pixels of a Hypersim picture of 1024 x 768, for cameras without a row in the table.
HYPERSIM_FOCAL, HYPERSIM_WIDTH = 886.81, 1024
SINTEL_TAG = 202021.25
METRES_PER_MILLIMETRE = 1e-3


def import_optional(package: str) -> ModuleType:
    """Imports a package of the extra "readers".

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{package} is needed to read this data set; install it with: pip install 'depth_anything_hf[readers]'"
        ) from error


def pinhole_matrix(focal_x: float, focal_y: float, centre_x: float, centre_y: float) -> np.ndarray:
    """Intrinsics (3, 3) float64 in pixels; integer indices are pixel centres."""
    return np.array([[focal_x, 0.0, centre_x], [0.0, focal_y, centre_y], [0.0, 0.0, 1.0]])


def centred_matrix(focal: float, height: int, width: int) -> np.ndarray:
    """Intrinsics (3, 3) float64 of square pixels with the principal point in the middle of the picture."""
    return pinhole_matrix(focal, focal, width / 2 - 0.5, height / 2 - 0.5)


# HDF5 and MATLAB


def read_hdf5(path: PathLike, key: str, index: int | None = None) -> np.ndarray:
    """Reads a data set of an HDF5 file (also MATLAB 7.3), or the entry `index` of its first axis.

    Raises:
        FileNotFoundError: no such file.
        ImportError: h5py is not installed.
        UnreadableImageError: damaged, or without the key or the index; the message names the file.
    """
    h5py = import_optional("h5py")
    _check_exists(path)
    try:
        with h5py.File(path, "r") as file:
            stored = file[key]
            return np.asarray(stored[()] if index is None else stored[index])
    except (OSError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise UnreadableImageError(f"{path}: no readable HDF5 file with {key!r}: {error}") from error


def read_matlab(path: PathLike) -> dict[str, Any]:
    """Reads the variables of a MATLAB 5 file; structures become objects with attributes.

    Raises:
        FileNotFoundError, ImportError, UnreadableImageError: as `read_hdf5`.
    """
    scipy_io = import_optional("scipy.io")
    _check_exists(path)
    try:
        return scipy_io.loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:
        # The decoder raises many kinds of exceptions on damaged files.
        raise UnreadableImageError(f"{path}: not a readable MATLAB 5 file: {error}") from error


def _check_exists(path: PathLike) -> None:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")


# Hypersim


def read_hypersim_projections(table: PathLike) -> dict[str, np.ndarray]:
    """Reads `metadata_camera_parameters.csv`: scene -> projection (4, 4) from camera space to clip space.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a column is missing or no number.
    """
    _check_exists(table)
    with open(table, newline="", encoding="utf-8") as rows:
        try:
            return {row["scene_name"]: _projection_of_row(row) for row in csv.DictReader(rows)}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{table}: expected the columns scene_name and M_proj_00 .. M_proj_33 with numbers, got {error!r}"
            ) from error


def _projection_of_row(row: dict[str, str]) -> np.ndarray:
    return np.array([[float(row[f"M_proj_{i}{j}"]) for j in range(4)] for i in range(4)])


def intrinsics_of_projection(projection: np.ndarray, height: int, width: int) -> np.ndarray:
    """Intrinsics of an OpenGL projection matrix, also of a tilt-shift camera.

    Tilting the image plane equals turning the camera and moving its principal point: pixels = intrinsics @ rotation
    @ point. The intrinsics are the upper triangular factor, so that depth along the normal of the image plane
    and these intrinsics fit together.

    Args:
        projection: (4, 4) from camera space (x right, y up, z backwards) to clip space.
        height: of the picture, pixels.
        width: of the picture, pixels.

    Returns:
        (3, 3) float64, integer indices are pixel centres.
    """
    clip_to_pixels = np.array([[width / 2, 0, width / 2 - 0.5], [0, -height / 2, height / 2 - 0.5], [0, 0, 1]])
    camera_to_pixels = clip_to_pixels @ projection[[0, 1, 3], :3] @ np.diag([1, -1, -1])
    # camera_to_pixels @ its transpose loses the rotation; Cholesky with both axes reversed gives the upper factor.
    squared = camera_to_pixels @ camera_to_pixels.T
    upper = np.linalg.cholesky(squared[::-1, ::-1])[::-1, ::-1]
    return upper / upper[2, 2]


def hypersim_tone_map(colour: np.ndarray, rendered: np.ndarray | None = None) -> np.ndarray:
    """Turns linear radiance into a picture: the 90th percentile of brightness becomes 0.8, gamma 1 / 2.2.

    The rule is that of Hypersim's own previews (apple/ml-hypersim, scene_generate_images_tonemap).

    Args:
        colour: (H, W, 3) linear, >= 0; what is not finite becomes black.
        rendered: bool (H, W), pixels that show a surface and so decide the brightness. Default: all.

    Returns:
        uint8 (H, W, 3).
    """
    gamma, percentile, target = 1 / 2.2, 90, 0.8
    colour = np.nan_to_num(colour.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    brightness = colour @ np.array([0.3, 0.59, 0.11])
    seen = brightness if rendered is None else brightness[rendered]
    reference = float(np.percentile(seen, percentile)) if seen.size else 0.0
    # A picture that is black almost everywhere has no reference and stays black.
    scale = target ** (1 / gamma) / reference if reference > 1e-4 else 0.0
    return np.rint(np.clip(scale * colour, 0, 1) ** gamma * 255).astype(np.uint8)


# Bare and tagged arrays


def read_bare_floats(path: PathLike, height: int, width: int) -> np.ndarray:
    """Reads little-endian float32 values without any header (ETH3D), as many as the picture has pixels.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: empty, or another number of values.
    """
    content, name = read_bytes(path)
    if len(content) != 4 * height * width:
        raise UnreadableImageError(
            f"{name}: expected {4 * height * width} bytes, float32 of {height} x {width} (height x width), "
            f"got {len(content)}"
        )
    return np.frombuffer(content, dtype="<f4").reshape(height, width).astype(np.float32)


def read_sintel_depth(path: PathLike) -> np.ndarray:
    """Reads a `.dpt` file of MPI Sintel: tag, width, height, float32 metres.

    Returns:
        float32 (H, W).

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: another tag, or another number of values than the header says.
    """
    content, name = read_bytes(path)
    _check_sintel_tag(content, name)
    width, height = struct.unpack_from("<ii", content, 4) if len(content) >= 12 else (0, 0)
    if width < 1 or height < 1 or len(content) != 12 + 4 * width * height:
        raise UnreadableImageError(f"{name}: {len(content)} bytes do not fit a depth map of {height} x {width}")
    return np.frombuffer(content, dtype="<f4", offset=12).reshape(height, width).astype(np.float32)


def read_sintel_intrinsics(path: PathLike) -> np.ndarray:
    """Reads the intrinsics (3, 3) float64 of a `.cam` file of MPI Sintel.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: another tag or too short.
    """
    content, name = read_bytes(path)
    _check_sintel_tag(content, name)
    if len(content) < 4 + 9 * 8:
        raise UnreadableImageError(f"{name}: truncated camera file of {len(content)} bytes")
    return np.frombuffer(content, dtype="<f8", count=9, offset=4).reshape(3, 3).copy()


def _check_sintel_tag(content: bytes, name: str) -> None:
    if len(content) < 4 or struct.unpack_from("<f", content)[0] != SINTEL_TAG:
        raise UnreadableImageError(f"{name}: not a Sintel file: starts with {content[:4]!r}, not with the tag")


# MoGe's bundle


def read_log_depth(path: PathLike) -> np.ndarray:
    """Reads depth in MoGe's 16-bit logarithmic code (microsoft/MoGe, moge/utils/io.py).

    Code 0 is invalid and 65535 infinitely far; codes 1 .. 65534 run in equal ratios from the PNG text "near" to
    "far". A text "unit" multiplies the result.

    Returns:
        float32 (H, W); NaN invalid, +inf infinitely far.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not a 16-bit PNG, or without the texts.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with Image.open(path) as picture:
            codes, text = np.asarray(picture), dict(picture.info)
        near, far, unit = float(text["near"]), float(text["far"]), float(text.get("unit") or 1.0)
    except Exception as error:
        # Pillow raises many kinds of exceptions on damaged files.
        raise UnreadableImageError(f"{path}: no PNG with the texts near and far: {error!r}") from error
    if codes.ndim != 2 or codes.dtype.kind not in "iu" or not 0 < near <= far < math.inf:
        raise UnreadableImageError(
            f"{path}: expected 16-bit grey and 0 < near <= far, got {codes.dtype} {codes.shape}, {near} and {far}"
        )
    share = (codes.astype(np.float64) - 1) / (LARGEST_CODE - 2)
    depth = near * (far / near) ** np.clip(share, 0, 1) * unit
    depth[codes == 0] = np.nan
    depth[codes == LARGEST_CODE] = np.inf
    return depth.astype(np.float32)


# Text files with cameras


def read_middlebury_calibration(path: PathLike) -> dict[str, Any]:
    """Reads a `calib.txt` of Middlebury 2014 and MiddEval3.

    Returns:
        "intrinsics" (3, 3) float64 of the left camera, "baseline_metres", and "offset" (`doffs`): the pixels between
        the principal points of both cameras, to be added to a disparity before it is inverted.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: a line is missing.
    """
    content, name = read_bytes(path)
    lines = dict(line.split("=", 1) for line in content.decode("utf-8", "replace").splitlines() if "=" in line)
    try:
        camera = numbers_in(lines["cam0"])
        return {
            "intrinsics": np.array(camera).reshape(3, 3),
            "baseline_metres": float(lines["baseline"]) * METRES_PER_MILLIMETRE,
            "offset": float(lines["doffs"]),
        }
    except (KeyError, ValueError) as error:
        raise UnreadableImageError(f"{name}: expected lines cam0=, doffs= and baseline=, got {error!r}") from error


def read_kitti_intrinsics(path: PathLike, camera: str) -> np.ndarray:
    """Intrinsics (3, 3) float64 of rectified pictures from a `calib_cam_to_cam.txt`; `camera` is "image_02" or so.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: the camera's line is missing.
    """
    content, name = read_bytes(path)
    key = f"P_rect_{camera[-2:]}:"
    for line in content.decode("utf-8", "replace").splitlines():
        if line.startswith(key) and len(numbers := numbers_in(line[len(key) :])) == 12:
            return np.array(numbers).reshape(3, 4)[:, :3]
    raise UnreadableImageError(f"{name}: no line {key} with 12 numbers")


def read_matrix(path: PathLike, after: str = "") -> np.ndarray:
    """The first nine numbers of a text file, or of what follows the word `after`, as (3, 3) float64.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: fewer numbers.
    """
    content, name = read_bytes(path)
    text = content.decode("utf-8", "replace")
    numbers = numbers_in(text[text.index(after) + len(after) :]) if after in text else []
    if len(numbers) < 9:
        raise UnreadableImageError(f"{name}: expected nine numbers {'after ' + after if after else ''}")
    return np.array(numbers[:9]).reshape(3, 3)


def numbers_in(text: str) -> list[float]:
    """All numbers of a text, in order."""
    return [float(number) for number in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]


# Pictures


def read_stored_image(path: PathLike) -> np.ndarray:
    """Decodes a picture as its pixels are stored, whatever its EXIF orientation says: uint8 (H, W, 3).

    Labels that were made for the stored pixels do not turn with the EXIF orientation.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not a picture, or damaged.
    """
    _check_exists(path)
    try:
        with Image.open(path) as picture:
            picture.load()
            upright = picture.getexif().get(0x0112, 1) == 1
            pixels = None if upright else np.array(picture.convert("RGB"))
    except Exception as error:
        # Pillow raises many kinds of exceptions on damaged files.
        raise UnreadableImageError(f"{path}: cannot be decoded: {error}") from error
    return read_image(path) if pixels is None else pixels
