# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode a file by its encoding: values, then confidence, rays, and the kind of label that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ....geometry.disparity import disparity_to_depth
from ....geometry.intrinsics import CameraIntrinsics, DistortionModel
from ....geometry.rays import ray_distance_to_depth
from ....geometry.stereo import stereo_disparity_to_depth
from ..errors import BrokenSampleError
from ..files import FileLike, read_bytes
from ..map_meaning import meaning_of
from ..stored_maps import read_stored_label
from .choice import EncodingChoice, parse_encoding
from .encoding import DecodedMap, EncodedFile


def decode_map(source: FileLike, encoding: EncodingChoice | str) -> DecodedMap:
    """Decode a file by a given encoding, with its options: confidence and rays are dealt with.

    Args:
        source: path, encoded bytes, or a `datasets` cell.
        encoding: as text, see `parse_encoding`.

    Returns:
        The map; disparity stays disparity (see `label_of`), and its rows are as they are in the file.

    Raises:
        FileNotFoundError: no file at the path.
        OptionError: an encoding that there is not.
        ValueError: the file itself says another encoding, or an option that it cannot have.
        BrokenSampleError, UnreadableImageError: the file is no such map.
    """
    choice = parse_encoding(encoding) if isinstance(encoding, str) else encoding
    content, name = read_bytes(source)
    _check_meaning(content, name, choice)
    # Files hold NaN, infinity and numbers that float32 has not.
    with np.errstate(invalid="ignore", over="ignore"):
        file = EncodedFile(content, name, _path_of(source))
        return _to_planar(_mask(choice.encoding.decode(file, choice.options), choice, file), choice, name)


def label_of(decoded: DecodedMap, choice: EncodingChoice, label: str, name: str) -> np.ndarray:
    """Return the map as a label: float32 (H, W), metres for depth.

    Args:
        decoded: from `decode_map`.
        choice: with the stereo rig, where there is one.
        label: "depth" or "disparity".
        name: starts the messages.

    Raises:
        ValueError: the other kind, which cannot be had of this file; the message says what to do.
    """
    focal, baseline = choice.options.get("focal"), choice.options.get("baseline")
    own = choice.encoding.name
    if label == decoded.kind:
        return decoded.values
    if decoded.kind == "disparity" and decoded.unit == "1/m":
        return disparity_to_depth(decoded.values)
    if decoded.kind == "disparity" and focal is not None and baseline is not None:
        depth = stereo_disparity_to_depth(decoded.values, focal, baseline, choice.options["offset"])
        return depth.astype(np.float32)
    if decoded.kind == "disparity":
        raise ValueError(
            f"{name}: {own} holds disparity in pixels, and depth is asked for; set label: disparity, or give the "
            f"camera: '{own}:focal=...,baseline=...'"
        )
    raise ValueError(
        f"{name}: {own} holds depth, and disparity is asked for; set label: depth, or leave the encoding out if the "
        "numbers are disparity"
    )


def _path_of(source: FileLike) -> str | None:
    path = source.get("path") if isinstance(source, Mapping) else source
    return None if path is None or isinstance(path, bytes | bytearray | memoryview) else str(path)


def _check_meaning(content: bytes, name: str, choice: EncodingChoice) -> None:
    """Refuse files of `predict` whose own text tells of other numbers, or of another picture."""
    meaning = meaning_of(content, name)
    if meaning is None:
        return
    meaning.check_label(meaning.kind, name)
    is_same = meaning.has_codes and meaning.scale is not None and meaning.scale == choice.encoding.per_metre
    is_same |= not meaning.has_codes and choice.encoding.per_metre is None and choice.options.get("scale") in (None, 1)
    if meaning.kind != choice.encoding.kind or not is_same:
        raise ValueError(
            f"{name}: its own text says what its numbers are ({meaning.kind}), and not {choice.encoding.name}; leave "
            "the encoding out"
        )


def _mask(decoded: DecodedMap, choice: EncodingChoice, file: EncodedFile) -> DecodedMap:
    least = choice.options["min_confidence"]
    if least is None:
        return decoded
    beside = choice.options["confidence"]
    confidence = decoded.confidence if beside is None else _confidence_beside(beside, decoded.values.shape, file)
    if confidence is None:
        raise ValueError(
            f"{file.name}: min_confidence is given, and {choice.encoding.name} has no confidence in its files; name "
            "those beside them with confidence=../confidence/{stem}.png"
        )
    values = decoded.values.copy()
    values[~(confidence >= least)] = np.nan
    return replace(decoded, values=values, find_confidence=lambda: confidence)


def _confidence_beside(pattern: str, shape: tuple[int, ...], file: EncodedFile) -> np.ndarray:
    place = file.place
    if place is None:
        raise ValueError(f"{file.name}: there are no files beside it, whose name confidence={pattern} could tell")
    stored, other = read_stored_label(place.parent / pattern.replace("{stem}", place.stem))
    if stored.shape != shape:
        raise BrokenSampleError(
            f"{other}: confidence of {stored.shape[0]} x {stored.shape[1]} (height x width) for a map of {shape[0]} x "
            f"{shape[1]}; they must agree pixel by pixel"
        )
    return stored.astype(np.float32)


def _to_planar(decoded: DecodedMap, choice: EncodingChoice, name: str) -> DecodedMap:
    options = choice.options
    if decoded.kind == "disparity" or decoded.geometry not in ("ray", "panorama") or options.get("ray") == "keep":
        return decoded
    if decoded.geometry == "panorama":
        raise BrokenSampleError(
            f"{name}: a panorama has no optical axis, and so no planar depth; cut pinhole views out of it, or take "
            "the distance along rays as it is with ray=keep"
        )
    camera = _camera(options, decoded)
    if camera is None:
        raise ValueError(
            f"{name}: {choice.encoding.name} holds distance along rays, and labels are depth along the optical axis; "
            f"give the camera: '{choice.encoding.name}:fx=...' (pixels of this map; also fy, cx, cy, fov), or "
            "ray=keep to take it as it is"
        )
    values = ray_distance_to_depth(decoded.values, camera).astype(np.float32)
    return replace(decoded, values=values, geometry="planar", intrinsics=camera.matrix)


def _camera(options: Mapping[str, Any], decoded: DecodedMap) -> CameraIntrinsics | None:
    height, width = decoded.values.shape
    fx, fy, fov = (options.get(key) for key in ("fx", "fy", "fov"))
    cx, cy = options.get("cx"), options.get("cy")
    if fov is not None:
        fx = CameraIntrinsics.from_field_of_view(fov, height, width).fx
    if fx is None:
        return None if decoded.intrinsics is None else CameraIntrinsics.from_matrix(decoded.intrinsics, height, width)
    model: DistortionModel = "fisheye" if options["camera"] == "fisheye" else "opencv"
    return CameraIntrinsics(
        width,
        height,
        fx,
        fx if fy is None else fy,
        width / 2 - 0.5 if cx is None else cx,
        height / 2 - 0.5 if cy is None else cy,
        distortion=tuple(options["distortion"] or ()),
        distortion_model=model,
    )
