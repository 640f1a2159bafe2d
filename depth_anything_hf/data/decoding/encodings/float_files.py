# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Floating-point maps in files of several purposes: PFM, OpenEXR, npy and npz, TIFF."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np

from ..errors import BrokenSampleError, UnreadableImageError
from ..exr import EXR_MAGIC, decode_exr
from ..stored_maps import decode_numpy, decode_pfm, read_stored_label, single_channel
from ..tiff import TIFF_STARTS, is_nodata, nodata_of
from .common_options import GEOMETRY, RAYS, stereo_options
from .encoding import DecodedMap, EncodedFile, Encoding, EncodingOption, Options
from .scaled_integers import AS_STORED


# What Blender writes where nothing is hit; more than half a light minute in millimetres.
NOTHING_HIT = 1e10
CONFIDENCES = ("conf", "confidence", "depth_conf")
SCALE = EncodingOption(
    "scale", float, "stored units per metre, such as 100 for Unreal's centimetres; whole numbers need it"
)
NPY_STARTS = (b"\x93NUMPY", b"PK\x03\x04")


def depth_of_floats(
    stored: np.ndarray, scale: float | None = None, nothing_hit: float = np.inf, *, may_change: bool = False
) -> np.ndarray:
    """Return depth, float32: NaN where it is 0, negative or NaN, +inf where nothing was hit.

    Args:
        stored: (H, W).
        scale: stored units per metre; None: 1.
        nothing_hit: stored numbers from this on mean that nothing was hit; infinite ones always do.
        may_change: whether `stored` is nobody else's, and may become the result where no copy is needed.
    """
    if scale is None:
        values = stored.astype(np.float32, copy=not (may_change and _is_whole(stored)))
    else:
        values = (stored / np.float64(scale)).astype(np.float32)
    # Most maps have neither, and finding that out takes less than masking. NaN is found by any comparison.
    if not values.min() > 0:
        values[~(values > 0)] = np.nan
    if nothing_hit < np.inf and not stored.max() < nothing_hit:
        values[stored >= nothing_hit] = np.inf
    return values


def _is_whole(stored: np.ndarray) -> bool:
    """Return whether an array can be written, and keeps no more in memory than itself."""
    base = stored.base
    return stored.flags.writeable and (base is None or getattr(base, "nbytes", 0) == stored.nbytes)


def disparity_of_floats(stored: np.ndarray) -> np.ndarray:
    """Return disparity, float32: NaN where it is infinite, negative or NaN, as stereo sets mark the unknown."""
    values = stored.astype(np.float32)
    values[~((values >= 0) & np.isfinite(values))] = np.nan
    return values


def _starts(file: EncodedFile, starts: bytes | tuple[bytes, ...], what: str) -> None:
    if not file.content.startswith(starts):
        raise UnreadableImageError(f"{file.name}: expected {what}, got bytes {file.content[:8]!r}")


def _with_unit(
    stored: np.ndarray, options: Options, file: EncodedFile, name: str, nothing_hit: float = np.inf
) -> np.ndarray:
    """Return depth by `depth_of_floats`; whole numbers have a unit only where it is given."""
    if stored.dtype.kind in "iu" and options["scale"] is None:
        raise UnreadableImageError(
            f"{file.name}: whole numbers ({stored.dtype}) have no unit; give the stored units per metre, as in "
            f"'{name}:scale=1000', or name an encoding of whole numbers, such as mm"
        )
    # What the decoders of exr, npy and npz return is made anew.
    return depth_of_floats(stored, options["scale"], nothing_hit, may_change=True)


def decode_pfm_depth(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a PFM of depth."""
    _starts(file, (b"Pf", b"PF"), "a PFM")
    stored = single_channel(decode_pfm(file.content, file.name), file.name)
    return DecodedMap(depth_of_floats(stored, options["scale"]), "depth", geometry=options["geometry"])


def decode_pfm_disparity(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a PFM of disparity in pixels."""
    _starts(file, (b"Pf", b"PF"), "a PFM")
    stored = single_channel(decode_pfm(file.content, file.name), file.name)
    return DecodedMap(disparity_of_floats(stored), "disparity", "px")


def decode_exr_depth(file: EncodedFile, options: Options) -> DecodedMap:
    """Read the map of an OpenEXR file, by the rules of `decode_exr` or from the channel that is given."""
    _starts(file, EXR_MAGIC, "an OpenEXR file")
    stored = single_channel(decode_exr(file.content, file.name, "depth", options["channel"]), file.name)
    return DecodedMap(_with_unit(stored, options, file, "exr", NOTHING_HIT), "depth", geometry=options["geometry"])


def decode_npz(file: EncodedFile, options: Options) -> DecodedMap:
    """Read depth of npy or npz, with confidence and intrinsics where the npz has them."""
    _starts(file, NPY_STARTS, "an npy or npz file")
    key, index = options["key"], options["index"]
    arrays = _arrays(file)
    stored = _frame(decode_numpy(file.content, file.name, "depth", key), index, file)
    values = _with_unit(single_channel(stored, file.name), options, file, "npz")
    confidence = _further(arrays, CONFIDENCES, index, values.shape)
    intrinsics = _further(arrays, ("intrinsics", "K"), index, (3, 3))
    return DecodedMap(
        values,
        "depth",
        geometry=options["geometry"],
        find_confidence=None if confidence is None else lambda: confidence.astype(np.float32),
        intrinsics=None if intrinsics is None else _in_pixels(intrinsics, *values.shape),
    )


def _arrays(file: EncodedFile) -> dict[str, np.ndarray]:
    """Return the smaller arrays of an npz, of which depth is not one; none of an npy."""
    if file.content.startswith(NPY_STARTS[0]):
        return {}
    try:
        with np.load(io.BytesIO(file.content), allow_pickle=False) as loaded:
            wanted = {*CONFIDENCES, "intrinsics", "K"}
            return {key: loaded[key] if key in wanted else np.empty(0) for key in loaded.files}
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(f"{file.name}: not a readable npz file: {error}") from error


def _frame(stored: np.ndarray, index: int | None, file: EncodedFile) -> np.ndarray:
    """Return one map of several (N, H, W), which may have axes of length 1 beside it, as tensors have."""
    if stored.ndim > 3:
        # Channels last or first, and a batch of one.
        stored = stored[..., 0] if stored.shape[-1] == 1 else stored
        stored = stored.reshape([size for size in stored.shape[:-2] if size != 1] + list(stored.shape[-2:]))
    are_several = stored.ndim == 3 and stored.shape[0] > 1 and stored.shape[2] > 4
    count = len(stored) if are_several else 1
    if (are_several and index is None) or (index is not None and not -count <= index < count):
        size = stored.shape[1:] if are_several else stored.shape
        raise BrokenSampleError(
            f"{file.name}: {count} map{'s' * are_several} {size}; say which one with index=0..{count - 1}"
        )
    return np.asarray(stored[index]) if are_several else stored


def _further(
    arrays: dict[str, np.ndarray], keys: Iterable[str], index: int | None, shape: tuple[int, ...]
) -> np.ndarray | None:
    found = next((arrays[key] for key in keys if key in arrays), None)
    if found is None:
        return None
    # Of several the one of the map; axes of length 1 are those of batches and channels.
    found = found.reshape([size for size in found.shape if size != 1])
    wanted = tuple(size for size in shape if size != 1)
    if found.ndim == len(wanted) + 1 and index is not None:
        found = found[index]
    return found.reshape(shape) if found.shape == wanted else None


def _in_pixels(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a camera in pixels: MoGe has shares of the width and of the height, from the picture's corner."""
    camera = matrix.astype(np.float64)
    if not (0 < camera[0, 2] < 1 and 0 < camera[1, 2] < 1 and width > 1 and height > 1):
        return camera
    camera[:2] *= np.array([[width], [height]])
    camera[:2, 2] -= 0.5
    return camera


def decode_negative(file: EncodedFile, options: Options) -> DecodedMap:
    """Turn negative depth of a camera that looks along -z: 0 has no value, -inf is where nothing was hit."""
    _starts(file, NPY_STARTS, "an npy or npz file")
    stored = single_channel(decode_numpy(file.content, file.name, "depth", options["key"]), file.name)
    if (stored > 0).any():
        raise BrokenSampleError(f"{file.name}: isaac_gym has no positive numbers, got up to {stored.max():g}")
    return DecodedMap(_with_unit(-stored, options, file, "isaac_gym"), "depth")


def decode_tiff_floats(file: EncodedFile, options: Options) -> DecodedMap:
    """Read a floating-point TIFF of depth."""
    _starts(file, TIFF_STARTS, "a TIFF")
    stored = read_stored_label({"bytes": file.content, "path": file.name})[0]
    if stored.dtype.kind != "f":
        raise UnreadableImageError(
            f"{file.name}: expected floating-point numbers, got {stored.dtype}: name the encoding that has its unit"
        )
    nodata = nodata_of(file.content)
    values = depth_of_floats(stored, options["scale"], may_change=nodata is None)
    if nodata is not None:
        values[is_nodata(stored, nodata)] = np.nan
    return DecodedMap(values, "depth", geometry=options["geometry"])


KEY = EncodingOption("key", str, "name of the array in an npz; otherwise depth, or the only one")
FLOAT_MISSING = "0, negative and NaN missing; inf sky"
ENCODINGS = (
    Encoding(
        name="pfm",
        writers="MVSNet and its successors, BlendedMVS, AirSim (DepthPlanar), ZED",
        files="PFM",
        unit="metres, or of the scene; scale says how many are a metre (1000 for DTU)",
        missing=FLOAT_MISSING,
        kind="depth",
        geometry="planar",
        orientation="the bottom row first, turned here",
        source="PFM: netpbm.sourceforge.net/doc/pfm.html; the scale of its header is a byte order, not a unit",
        verified="made",
        decode=decode_pfm_depth,
        options=(SCALE, GEOMETRY, *RAYS),
    ),
    Encoding(
        name="pfm_disparity",
        writers="Middlebury stereo, FlyingThings3D",
        files="PFM",
        unit="pixels of disparity",
        missing="inf, NaN and negative missing; 0 infinitely far",
        kind="disparity",
        geometry="planar",
        orientation="the bottom row first, turned here",
        source="vision.middlebury.edu/stereo/data/scenes2014: depth = baseline * f / (d + doffs)",
        verified="made",
        decode=decode_pfm_disparity,
        options=stereo_options(),
    ),
    Encoding(
        name="exr",
        writers="Blender, Unreal (scale=100), UrbanSyn (scale=1e-5), Record3D, MVS-Synth (scale=10), Synscapes",
        files="OpenEXR",
        unit="metres, or as scale says",
        missing=f"{FLOAT_MISSING}, and so is 1e10",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="openexr.com; Blender's Z pass has 1e10 where nothing is hit; AirSim's DepthPerspective: geometry=ray",
        verified="genuine",
        decode=decode_exr_depth,
        options=(
            EncodingOption("channel", str, "full name of the channel; otherwise Z, depth, or the only one"),
            SCALE,
            GEOMETRY,
            *RAYS,
        ),
    ),
    Encoding(
        name="npz",
        writers="DUSt3R, MoGe, Depth Anything 3 (depth, conf, intrinsics), TartanAir V1, DIODE",
        files="npy or npz",
        unit="metres, or as scale says",
        missing=FLOAT_MISSING,
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="ByteDance-Seed/Depth-Anything-3 README: depth, conf, extrinsics, intrinsics",
        verified="made",
        decode=decode_npz,
        options=(KEY, EncodingOption("index", int, "which of several maps (N, H, W), from 0"), SCALE, GEOMETRY, *RAYS),
    ),
    Encoding(
        name="isaac_gym",
        writers="Isaac Gym",
        files="npy or npz",
        unit="metres, negative",
        missing="0 missing; -inf sky",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="Isaac Gym cameras look along -z and write -inf where nothing is hit",
        verified="made",
        decode=decode_negative,
        options=(KEY, SCALE),
    ),
    Encoding(
        name="tiff",
        writers="photogrammetry, FLSea and SeaThru, ZED and others that save floating-point depth",
        files="float16, float32 or float64 TIFF",
        unit="metres, or as scale says",
        missing=f"{FLOAT_MISSING}; GDAL_NODATA missing",
        kind="depth",
        geometry="planar",
        orientation="turned by its own tag",
        source="TIFF 6.0; FLSea: programs that read *_SeaErra_abs_depth.tif (float32 metres, 0 has no value)",
        verified="made",
        decode=decode_tiff_floats,
        options=(SCALE, GEOMETRY, *RAYS),
    ),
)
