# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ARKitScenes: rooms seen by a tablet, with its LiDAR and with a laser scanner that stood in the room."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...geometry.intrinsics import CameraIntrinsics
from ...utils.option_errors import check_choice
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.orientation import turn_upright
from ..samples import Sample
from .captures import MILLIMETRES, check_confidence, confidence_rules, in_order, read_capture, take_every
from .formats import numbers_in, pinhole_matrix
from .frames import Frame, PublicSamples, matches, path_below, require_file
from .spec import PublicDataset


FOLDS = {"train": "Training", "val": "Validation"}
PICTURES = ("wide", "color", "vga_wide", "lowres_wide")
DEPTHS = {"lidar": "lowres_depth", "laser": "highres_depth"}
# Where the sky is in the stored picture -> the EXIF orientation whose turn brings it up.
ORIENTATIONS = {"Up": 1, "Left": 6, "Right": 8, "Down": 3}
# Seconds between the name of a camera and that of its picture, which are rounded apart.
NAME_STEP = 0.001


def open_arkitscenes(
    root: Path,
    split: str | None,
    *,
    depth: str = "lidar",
    picture: str = "auto",
    min_confidence: int | None = None,
    upright: bool = False,
    every: int = 1,
) -> PublicSamples:
    """Find the frames of ARKitScenes, of its parts raw, upsampling and 3dod.

    Args:
        root: the folder of a part, with Training and Validation, or the one that it is in; see `PublicDataset.layout`.
        split: "train" (Training) or "val" (Validation); None takes both.
        depth: "lidar" takes the tablet's maps (lowres_depth, 256 x 192), "laser" those of the laser scanner
            (highres_depth, 1920 x 1440).
        picture: "wide", "color", "vga_wide" or "lowres_wide"; "auto" takes the first of them that has pictures of the
            same times.
        min_confidence: least confidence of a pixel of "lidar": 0 low, 1 medium, 2 high; None takes 1 where there are
            maps of it.
        upright: turn picture, map and camera by the sky_direction of metadata.csv.
        every: 10 takes every tenth frame of a video.

    Raises:
        FileNotFoundError: metadata.csv is missing for upright.
        ValueError: an unknown option, or a damaged table.
    """
    check_choice("depth", depth, tuple(DEPTHS))
    check_choice("picture", picture, ("auto", *PICTURES))
    check_confidence(min_confidence)
    folds = tuple(FOLDS.values()) if split is None else (FOLDS[split],)
    frames = []
    for video in map(Path, matches(root, *(f"{above}{fold}/*" for above in ("", "*/") for fold in folds))):
        inner = video / f"{video.name}_frames"
        place = inner if inner.is_dir() else video
        maps = matches(place / DEPTHS[depth], "*.png")
        if not maps:
            continue
        folder = _pictures_of(place, picture, maps)
        has_confidence = (place / "confidence").is_dir()
        rules = MILLIMETRES if depth == "laser" else confidence_rules(has_confidence, min_confidence)
        orientation = _orientation_of(video) if upright else 1
        for stored in take_every(in_order(maps), every):
            name = os.path.basename(stored)
            files = [str(folder / name)]
            if "min_confidence" in str(rules.encoding):
                files.append(str(place / "confidence" / name))
            frames.append(Frame(path_below(root, files[0]), (*files, stored), (rules, orientation)))
    return PublicSamples("depth", frames, _read_arkitscenes)


def _pictures_of(place: Path, picture: str, maps: list[str]) -> Path:
    wanted = {os.path.basename(path) for path in maps}
    for name in PICTURES if picture == "auto" else (picture,):
        if wanted & set(os.listdir(place / name) if (place / name).is_dir() else ()):
            return place / name
    return place / ("lowres_wide" if picture == "auto" else picture)


def _orientation_of(video: Path) -> int:
    table = require_file(video.parents[1] / "metadata.csv", "it tells where the sky is; upright=False needs none")
    directions = read_sky_directions(table)
    if video.name not in directions:
        raise ValueError(f"{table}: expected a row of the video {video.name}")
    check_choice("sky_direction", directions[video.name], tuple(ORIENTATIONS))
    return ORIENTATIONS[directions[video.name]]


def read_sky_directions(table: Path) -> Mapping[str, str]:
    """Read metadata.csv: video -> where the sky is in its stored pictures.

    Raises:
        ValueError: a column is missing.
    """
    with table.open(newline="", encoding="utf-8") as rows:
        try:
            return {str(int(float(row["video_id"]))): row["sky_direction"] for row in csv.DictReader(rows)}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{table}: expected the columns video_id and sky_direction, got {error!r}") from error


def _read_arkitscenes(frame: Frame) -> Sample:
    rules, orientation = frame.details
    sample = read_capture(frame.files[0], frame.files[-1], rules, None)
    camera = _camera_of(Path(frame.files[0]))
    matrix = None if camera is None else read_pincam(camera)
    if orientation != 1:
        if matrix is not None:
            matrix = _turn(matrix, orientation, *sample["image"].shape[:2])
        sample |= {key: turn_upright(sample[key], orientation) for key in ("image", "depth")}
    return sample if matrix is None else {**sample, "intrinsics": matrix}


def _camera_of(picture: Path) -> Path | None:
    """Return the file of a picture's camera, whose name may be one millisecond off; None without one."""
    folder = picture.parent.with_name(f"{picture.parent.name}_intrinsics")
    video, _, time = picture.stem.rpartition("_")
    for step in (0, -1, 1):
        try:
            place = folder / f"{video}_{float(time) + step * NAME_STEP:.3f}.pincam"
        except ValueError:
            return None
        if place.is_file():
            return place
    return None


def read_pincam(path: Path) -> np.ndarray:
    """Read a .pincam, width height fx fy cx cy: intrinsics (3, 3) in pixels.

    Raises:
        UnreadableImageError: other than six numbers.
    """
    content, name = read_bytes(str(path))
    numbers = numbers_in(content.decode("utf-8", "replace"))
    if len(numbers) != 6:
        raise UnreadableImageError(f"{name}: expected width height fx fy cx cy, got {len(numbers)} numbers")
    return pinhole_matrix(*numbers[2:])


def _turn(matrix: np.ndarray, orientation: int, height: int, width: int) -> np.ndarray:
    if orientation == 3:
        return pinhole_matrix(matrix[0, 0], matrix[1, 1], width - 1 - matrix[0, 2], height - 1 - matrix[1, 2])
    return CameraIntrinsics.from_matrix(matrix, height, width).turn_upright(orientation).matrix


ARKITSCENES = PublicDataset(
    name="arkitscenes",
    title="ARKitScenes",
    license="Apple's own, non-commercial by the LICENSE of the repository; for the data unverified",
    citation=(
        "Baruch et al., ARKitScenes: A Diverse Real-World Dataset for 3D Indoor Scene Understanding Using Mobile "
        "RGB-D Data, NeurIPS Datasets and Benchmarks 2021"
    ),
    homepage="https://github.com/apple/ARKitScenes",
    layout=(
        "raw/Training/47333462/lowres_wide/47333462_100.123.png (or wide/, vga_wide/; upsampling: wide/ or color/)\n"
        "raw/Training/47333462/lowres_depth/47333462_100.123.png (or highres_depth/)\n"
        "raw/Training/47333462/confidence/47333462_100.123.png\n"
        "raw/Training/47333462/lowres_wide_intrinsics/47333462_100.123.pincam\n"
        "raw/metadata.csv (for upright)\n"
        "... likewise Validation/, upsampling/, 3dod/Training/47333462/47333462_frames/"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres, 0 and pixels of low confidence invalid",
    splits=("train", "val"),
    default_split=None,
    opener=open_arkitscenes,
    verified=(
        "layout, unit and confidence by DATA.md and the guides of the repository; unit with a genuine map of ARKit, "
        "folders made by hand"
    ),
    traps=(
        "Pictures are in the order of the sensor, landscape, and many videos lie on their side: upright=True "
        "turns them. Maps of the LiDAR are 256 x 192, are enlarged to their pictures by the nearest value, and are "
        "guesses beyond 5 m; depth=laser has the scanner's, in the parts upsampling and raw. 3dod has no confidence, "
        "so that nothing is masked there. That these maps are planar is unverified."
    ),
)
