# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read camera files: COLMAP, and JSON, YAML and text as Open3D, RealSense, ARKit, ScanNet, ROS and others write them.

Where a program counts pixels from the picture's corner (COLMAP, and nerfstudio's `fl_x`), half a pixel is taken off.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from ..data.decoding.map_meaning import CAMERA_KIND
from ..geometry.intrinsics import DistortionModel
from ..utils.paths import local_path
from .colmap_cameras import is_colmap, read_colmap_cameras
from .stored_camera import StoredCamera


EXPECTED = (
    "expected COLMAP's cameras.txt; JSON or YAML with a matrix (intrinsic_matrix, intrinsics, K, camera_matrix) or "
    "with fx, fy, cx, cy; or text with a matrix of 3 x 3 or 4 x 4, with `fx fy cx cy`, with `width height fx fy cx "
    "cy` or with lines such as fx_color = 1170"
)
# Names in small letters and without marks.
MATRICES = (
    *("intrinsicmatrix", "intrinsics", "intrinsic", "cameramatrix", "cameraintrinsics", "matrix", "k", "kmatrix"),
    *("colorintrinsics", "colorintrinsic", "intrinsiccolor"),
)
NESTED = (*MATRICES, "color", "rgb", "camera", "colorcamera", "left", "leftcamera", "colorstream")
FX, FY = ("fx", "flx", "focalx", "focallengthx", "fxcolor"), ("fy", "fly", "focaly", "focallengthy", "fycolor")
CX, CY = ("cx", "ppx", "ox", "mxcolor", "principalpointx"), ("cy", "ppy", "oy", "mycolor", "principalpointy")
WIDTHS = ("width", "w", "imagewidth", "colorwidth")
HEIGHTS = ("height", "h", "imageheight", "colorheight")
SIZES = ("imageresolution", "resolution", "imagesize", "size", "cameraresolution")
ANGLES = ("cameraanglex",)
COEFFICIENTS = ("coeffs", "distortion", "distortioncoefficients", "distortioncoeffs", "distcoeffs", "dist", "d")
DISTORTION_MODELS = ("model", "distortionmodel", "cameramodel")
NO_MODELS = ("", "none", "pinhole", "simplepinhole", "0")
OPENCV_MODELS = (
    "opencv",
    "fullopencv",
    "radial",
    "simpleradial",
    "brownconrady",
    "plumbbob",
    "rationalpolynomial",
    "4",
)
FISHEYE_MODELS = ("fisheye", "opencvfisheye", "equidistant", "kannalabrandt", "kannalabrandt4", "5")
# As pyrealsense2 prints its intrinsics.
REALSENSE = re.compile(
    r"\[\s*(?P<width>\d+)x(?P<height>\d+)\s+p\[(?P<ppx>\S+) (?P<ppy>[^\]\s]+)\]\s+f\[(?P<fx>\S+) (?P<fy>[^\]\s]+)\]\s+"
    r"(?P<model>[^\[\]]+?)\s*\[(?P<coeffs>[^\]]*)\]"
)


def read_cameras(path: str | os.PathLike[str]) -> list[StoredCamera]:
    """Read the camera of a file, or all of them of COLMAP's `cameras.txt`.

    Args:
        path: of a text file in one of the forms of `EXPECTED`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no camera in it, or one that no matrix and distortion of OpenCV describe; the file is named.
    """
    path = local_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such camera file; {EXPECTED}")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        hint = "; write it by `colmap model_converter --output_type TXT`" if path.suffix == ".bin" else ""
        raise ValueError(f"{path}: a binary file{hint}; {EXPECTED}")
    name = path.name
    found = REALSENSE.search(text)
    if found is not None:
        record: dict[str, Any] = {**found.groupdict(), "coeffs": found["coeffs"].split()}
        return [_from_record(record, name)]
    try:
        structure = json.loads(text)
    except ValueError:
        structure = _read_yaml(text) if path.suffix.lower() in (".yaml", ".yml") else None
    if isinstance(structure, Mapping):
        return [_from_record(structure, name)]
    if isinstance(structure, list):
        return [_from_matrix(_as_matrix(structure, name), name)]
    lines = text.splitlines()
    return read_colmap_cameras(lines, name) if is_colmap(lines) else [_from_text(lines, name)]


class _AnyTag(yaml.SafeLoader):
    """YAML with OpenCV's tag of matrices."""


def _mapping(loader: _AnyTag, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node, deep=True)


_AnyTag.add_constructor("tag:yaml.org,2002:opencv-matrix", _mapping)


def _read_yaml(text: str) -> Any:
    # OpenCV writes a first line that is not YAML.
    try:
        return yaml.load(re.sub(r"\A%YAML:1\.0\s*", "", text), _AnyTag)
    except yaml.YAMLError:
        return None


def _from_text(lines: Sequence[str], name: str) -> StoredCamera:
    lines = [line.split("#")[0].strip() for line in lines]
    pairs = [re.split(r"\s*[=:]\s*", line, maxsplit=1) for line in lines if re.match(r"[A-Za-z_]\w*\s*[=:]", line)]
    if pairs:
        return _from_record(dict(pairs), name)
    rows = [re.split(r"[\s,;]+", line.strip("[](),; ")) for line in lines if line.strip("[](),; ")]
    try:
        numbers = [[float(word) for word in row if word] for row in rows]
    except ValueError:
        raise ValueError(f"{name}: no camera that is known here; {EXPECTED}") from None
    flat = [number for row in numbers for number in row]
    if len(flat) in (4, 8):
        return StoredCamera(flat[0], flat[1], flat[2], flat[3], None, None, tuple(flat[4:]), source=name)
    if len(flat) == 6:
        return StoredCamera(
            flat[2], flat[3], flat[4], flat[5], _whole(flat[0], name), _whole(flat[1], name), source=name
        )
    return _from_matrix(_as_matrix(flat, name), name)


def _from_record(record: Mapping[Any, Any], name: str) -> StoredCamera:
    """Read the camera of a mapping, or of a mapping inside it."""
    plain = {re.sub(r"[^a-z0-9]", "", str(key).lower()): value for key, value in record.items()}
    width, height = _first(plain, WIDTHS), _first(plain, HEIGHTS)
    size = _first(plain, SIZES)
    if width is None and height is None and size is not None and np.shape(size) == (2,):
        width, height = size
    sizes = [None if side is None else _whole(side, name) for side in (width, height)]
    matrix = next((plain[key] for key in MATRICES if key in plain and not _is_nested(plain[key])), None)
    fx = _first(plain, FX)
    distortion, model = _distortion(plain, name)
    if matrix is not None:
        camera = _from_matrix(_as_matrix(matrix, name), name)
        focal, middle = (camera.fx, camera.fy), (camera.cx, camera.cy)
    elif fx is not None or _first(plain, ANGLES) is not None:
        if fx is None:
            if sizes[0] is None:
                raise ValueError(f"{name}: camera_angle_x without a picture size (w); add it, or use --fov")
            fx = sizes[0] / 2 / math.tan(_float(_first(plain, ANGLES), name) / 2)
        across = _float(fx, name)
        second = _first(plain, FY)
        # nerfstudio writes COLMAP's pixels.
        half = 0.5 if "flx" in plain else 0.0
        point = [_first(plain, keys) for keys in (CX, CY)]
        cx, cy = (None if value is None else _float(value, name) - half for value in point)
        focal, middle = (across, across if second is None else _float(second, name)), (cx, cy)
    else:
        inner = next((plain[key] for key in NESTED if isinstance(plain.get(key), Mapping)), None)
        if inner is None:
            raise ValueError(f"{name}: no camera that is known here among {list(record)[:12]}; {EXPECTED}")
        outer = {key: value for key, value in plain.items() if key in (*WIDTHS, *HEIGHTS, *SIZES)}
        return _from_record({**outer, **inner}, name)
    return StoredCamera(
        *focal,
        *middle,
        sizes[0],
        sizes[1],
        distortion,
        model,
        source=_source(record, name),
        is_straightened=plain.get("undistortedfrom") is not None,
    )


def _source(record: Mapping[Any, Any], name: str) -> str:
    """Return how a camera is known: by its file, and of what `predict` has written, by what that was known."""
    if record.get("kind") != CAMERA_KIND:
        return name
    source = "; ".join(map(str, [record.get("source"), *(record.get("notes") or [])]))
    # A file that is written where it was read does not grow.
    return source if source.startswith(f"{name}: ") else f"{name}: {source}"


def _is_nested(value: Any) -> bool:
    """Tell a mapping with the camera's numbers from a matrix, which may be a mapping with `data`."""
    return isinstance(value, str) or (isinstance(value, Mapping) and "data" not in value)


def _from_matrix(matrix: np.ndarray, name: str) -> StoredCamera:
    fx, fy, cx, cy = (float(matrix[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return StoredCamera(fx, fy, cx, cy, None, None, source=name)


def _as_matrix(value: Any, name: str) -> np.ndarray:
    """Return a matrix of 9 or 16 numbers, by rows or by columns, as (3, 3) by rows."""
    value = value["data"] if isinstance(value, Mapping) else value
    try:
        numbers = np.array(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        numbers = np.zeros(0)
    side = {9: 3, 16: 4}.get(numbers.size, 0)
    matrix: np.ndarray = numbers.reshape(side, side)[:3, :3] if side else np.zeros((3, 3))
    if not matrix[:2, 2].any() and matrix[2, :2].any():
        # Open3D and ARKit write columns.
        matrix = matrix.T
    is_pinhole = (
        matrix[2].tolist() == [0, 0, 1] and matrix[1, 0] == 0 and abs(matrix[0, 1]) <= 1e-3 * abs(matrix[0, 0])
    )
    if not (is_pinhole and np.isfinite(matrix).all() and matrix[0, 0] > 0 and matrix[1, 1] > 0):
        raise ValueError(
            f"{name}: no matrix with the rows (fx, 0, cx), (0, fy, cy), (0, 0, 1), fx and fy positive; {EXPECTED}"
        )
    return matrix


def _distortion(plain: Mapping[str, Any], name: str) -> tuple[tuple[float, ...], DistortionModel]:
    model = _model_name(plain)
    is_fisheye = model in FISHEYE_MODELS
    order = ("k1", "k2", "k3", "k4") if is_fisheye else ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
    stored = _first(plain, COEFFICIENTS)
    if isinstance(stored, Mapping):
        stored = stored.get("data", [stored.get(key, 0.0) for key in order])
    elif stored is None or isinstance(stored, int | float | str):
        stored = [plain.get(key, 0.0) for key in order]
    coefficients = tuple(_float(value, name) for value in np.array(stored, dtype=object).ravel())
    if is_fisheye:
        return coefficients[:4], "fisheye"
    if not any(coefficients):
        return (), "opencv"
    if model in OPENCV_MODELS or model in NO_MODELS:
        return coefficients, "opencv"
    raise ValueError(
        f"{name}: the distortion model {model!r} with the coefficients {list(coefficients)} is not one of OpenCV "
        "(brown_conrady, plumb_bob, rational_polynomial, fisheye); undistort the pictures, and give a camera without "
        "coefficients"
    )


def _model_name(plain: Mapping[str, Any]) -> str:
    # Instant-NGP names no model.
    if plain.get("isfisheye") is True:
        return "fisheye"
    name = re.sub(r"[^a-z0-9]", "", str(_first(plain, DISTORTION_MODELS) or "").lower())
    return name.removeprefix("rs2").removeprefix("distortion")


def _first(plain: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((plain[key] for key in keys if plain.get(key) is not None), None)


def _float(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected a number of the camera, got {value!r}") from None


def _whole(value: Any, name: str) -> int:
    number = _float(value, name)
    if not (number.is_integer() and number >= 1):
        raise ValueError(f"{name}: expected a picture size in whole pixels, got {value!r}")
    return int(number)
