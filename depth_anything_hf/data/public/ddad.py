# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DDAD: streets seen by six cameras, with points of laser scanners."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .captures import numbers_of, read_json, take_every
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, path_below
from .spec import PublicDataset


CAMERAS = ("CAMERA_01", "CAMERA_05", "CAMERA_06", "CAMERA_07", "CAMERA_08", "CAMERA_09")
# Keys of the parts in the list of scenes (dgp, proto/dataset.proto).
PARTS = {"train": "0", "val": "1"}
LIDAR = "LIDAR"


def open_ddad(
    root: Path, split: str | None, *, cameras: Sequence[str] = ("CAMERA_01",), every: int = 1
) -> PublicSamples:
    """Find the frames of DDAD.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" (150 scenes) or "val" (50); None takes both.
        cameras: of CAMERA_01 (front), _05, _06, _07, _08, _09; of other recordings in this format, what they have.
        every: 10 takes every tenth sample of a scene.

    Raises:
        FileNotFoundError: the file of a scene is missing.
        UnreadableImageError: the list of scenes, or that of a scene, is damaged.
    """
    listed = next(
        (place for place in (root / "ddad.json", root / "ddad_train_val" / "ddad.json") if place.is_file()), None
    )
    frames: list[Frame] = []
    if listed is None:
        return PublicSamples("depth", frames, _read_ddad)
    for part in PARTS.values() if split is None else (PARTS[split],):
        for name in _names_of_scenes(listed, part):
            frames += _frames_of(root, listed.parent / name, cameras, every)
    return PublicSamples("depth", frames, _read_ddad)


def _names_of_scenes(listed: Path, part: str) -> list[str]:
    parts = _field(read_json(listed), ("scene_splits",), listed)
    # Small parts of the data set may have one of both.
    names = _field(parts, (part, "filenames"), listed) if isinstance(parts, Mapping) and part in parts else []
    return [str(name) for name in names] if isinstance(names, list) else []


def _frames_of(root: Path, scene_file: Path, cameras: Sequence[str], every: int) -> list[Frame]:
    if not scene_file.is_file():
        # It counts as missing.
        return [Frame(path_below(root, str(scene_file)), (str(scene_file),))]
    scene = read_json(scene_file)
    try:
        data = {each["key"]: (str(each["id"]["name"]).upper(), each["datum"]) for each in scene["data"]}
        frames = []
        for sample in take_every(scene["samples"], every):
            found = dict(data[key] for key in sample["datum_keys"] if key in data)
            calibration = str(scene_file.parent / "calibration" / f"{sample['calibration_key']}.json")
            for camera in (each.upper() for each in cameras if LIDAR in found):
                if camera in found:
                    image, points = found[camera]["image"], found[LIDAR]["point_cloud"]
                    picture, cloud = (str(scene_file.parent / each["filename"]) for each in (image, points))
                    details = (camera, image["pose"], points["pose"])
                    frames.append(Frame(path_below(root, picture), (picture, calibration, cloud), details))
        return frames
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableImageError(f"{scene_file}: expected data and samples of a scene of DGP: {error!r}") from error


def _field(source: Any, keys: Sequence[str], path: Path) -> Any:
    for key in keys:
        if not isinstance(source, Mapping) or key not in source:
            raise UnreadableImageError(f"{path}: expected {'.'.join(keys)}, as data of DGP have it")
        source = source[key]
    return source


def _read_ddad(frame: Frame) -> Sample:
    picture, calibration, points_file = frame.files
    camera, camera_pose, lidar_pose = frame.details
    image = read_image(picture)
    intrinsics = _intrinsics_of(calibration, camera)
    points = _to_camera(read_points(points_file), lidar_pose, camera_pose, picture)
    height, width = image.shape[:2]
    return {"image": image, "depth": draw_points(points, intrinsics, height, width), "intrinsics": intrinsics}


def _intrinsics_of(path: str, camera: str) -> np.ndarray:
    stored = read_json(path)
    names = [str(name).upper() for name in _field(stored, ("names",), Path(path))]
    if camera not in names:
        raise UnreadableImageError(f"{path}: expected the camera {camera}, got {', '.join(names)}")
    fx, fy, cx, cy = numbers_of(stored["intrinsics"][names.index(camera)], ("fx", "fy", "cx", "cy"), path)
    # A point of 0.9 is drawn into pixel 0 by the authors' code: its pixels are centred at their number + 0.5.
    return pinhole_matrix(fx, fy, cx - 0.5, cy - 0.5)


def read_points(path: str) -> np.ndarray:
    """Read points of a scanner from an npz with the array "data": x y z and more in metres; float64 (N, 3).

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: no such array.
    """
    content, name = read_bytes(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            points = np.asarray(arrays["data"], dtype=np.float64)
    except Exception as error:
        # NumPy and zipfile raise many kinds of exceptions for damaged files.
        raise UnreadableImageError(f"{name}: expected an npz with the array data (N, 3 or more): {error}") from error
    if points.ndim != 2 or points.shape[1] < 3:
        raise UnreadableImageError(f"{name}: expected points (N, 3 or more), got {points.shape}")
    return points[:, :3]


def _to_camera(points: np.ndarray, from_pose: Any, to_pose: Any, path: str) -> np.ndarray:
    turn, place = _pose(from_pose, path)
    camera_turn, camera_place = _pose(to_pose, path)
    moved: np.ndarray = (points @ turn.T + place - camera_place) @ camera_turn
    return moved


def _pose(pose: Any, path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return rotation (3, 3) and translation (3,), metres, from a sensor to the world."""
    w, x, y, z = numbers_of(_field(pose, ("rotation",), Path(path)), ("qw", "qx", "qy", "qz"), path)
    place = numbers_of(_field(pose, ("translation",), Path(path)), ("x", "y", "z"), path)
    turn = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    return turn / (w * w + x * x + y * y + z * z), np.array(place)


def draw_points(points: np.ndarray, intrinsics: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw points into a map: planar depth, the nearest of those that fall into a pixel.

    Args:
        points: (N, 3) metres from the camera; x right, y down, z forward.
        intrinsics: (3, 3) pixels, integer indices are pixel centres.
        height: of the map.
        width: of the map.

    Returns:
        float32 (H, W), NaN where no point is.
    """
    points = points[np.isfinite(points).all(axis=1) & (points[:, 2] > 0)]
    places = points @ intrinsics.T
    pixels = places[:, :2] / places[:, 2:]
    inside = ((pixels >= -0.5) & (pixels < np.array([width, height]) - 0.5)).all(axis=1)
    columns, rows = np.floor(pixels[inside] + 0.5).astype(np.int64).T
    depth = np.full(height * width, np.inf, np.float32)
    np.minimum.at(depth, rows * width + columns, points[inside, 2].astype(np.float32))
    depth[np.isinf(depth)] = np.nan
    return depth.reshape(height, width)


DDAD = PublicDataset(
    name="ddad",
    title="DDAD, Dense Depth for Autonomous Driving",
    license="CC BY-NC-SA 4.0",
    citation="Guizilini et al., 3D Packing for Self-Supervised Monocular Depth Estimation, CVPR 2020",
    homepage="https://github.com/TRI-ML/DDAD",
    layout=(
        "ddad_train_val/ddad.json\n"
        "ddad_train_val/000000/scene_8f6a2c.json\n"
        "ddad_train_val/000000/rgb/CAMERA_01/15616458249936530.png\n"
        "ddad_train_val/000000/point_cloud/LIDAR/15616458249936530.npz\n"
        "ddad_train_val/000000/calibration/KEY.json"
    ),
    label="depth",
    unit="metres, planar, of the laser's points in each picture (sparse, up to 250 m); other pixels invalid",
    splits=("train", "val"),
    default_split=None,
    opener=open_ddad,
    verified=("layout and geometry by TRI-ML/dgp (base_dataset.py, camera.py) and its test scene; files made by hand"),
    traps=(
        "The files hold points, not maps: they are moved by the poses of scanner and picture and drawn with the "
        "picture's camera. Where several fall into a pixel the nearest counts, but the last in the authors' code. "
        "Points that the camera does not see, behind what is near, stay. cameras=[CAMERA_01] is the front one."
    ),
)
