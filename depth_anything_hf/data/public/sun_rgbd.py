# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""SUN RGB-D: rooms seen by four kinds of sensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from ...utils.option_errors import check_choice
from ...utils.paths import local_path
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample
from .formats import read_matlab, read_matrix
from .frames import Frame, PublicSamples, path_below, require_file
from .spec import PublicDataset


SENSORS = ("kv1", "kv2", "realsense", "xtion")
SPLIT_TABLE = "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"
SUN_RULES = LabelRules("depth", encoding="sunrgbd")


def open_sun_rgbd(
    root: Path,
    split: str | None,
    *,
    filled: bool = False,
    sensors: Sequence[str] = SENSORS,
    split_table: str | None = None,
) -> PublicSamples:
    """Find the frames of SUN RGB-D.

    Args:
        root: the folder SUNRGBD, or the one that it is in; see `PublicDataset.layout`.
        split: "train" (5285 images) or "test" (5050), by the table of splits; None takes all.
        filled: take depth_bfx, whose holes are filled in, not the depth of the sensor.
        sensors: of "kv1", "kv2", "realsense" and "xtion".
        split_table: `allsplit.mat`, if it is not in `SUNRGBDtoolbox/traintestSUNRGBD`.

    Raises:
        FileNotFoundError: the table of splits is needed and missing.
        ImportError: scipy is missing for the table.
        UnreadableImageError: a damaged table.
        ValueError: an unknown sensor.
    """
    for sensor in sensors:
        check_choice("sensors", sensor, SENSORS)
    base = root / "SUNRGBD" if (root / "SUNRGBD").is_dir() else root
    folders = {path_below(base, folder): folder for sensor in sensors for folder in _samples_below(base / sensor)}
    if split is not None:
        names = [name for name in _split_of(base, split, split_table) if name.split("/")[0] in sensors]
        folders = {name: folders.get(name, str(base / name)) for name in names}
    kind = "depth_bfx" if filled else "depth"
    frames = [Frame(name, _files_of(folder, kind)) for name, folder in folders.items()]
    return PublicSamples("depth", frames, _read_sun)


def _samples_below(folder: Path) -> list[str]:
    found = []
    for place, names, _ in os.walk(folder):
        names.sort()
        if "image" in names and "depth" in names:
            found.append(place)
            names.clear()
    return sorted(found)


def _split_of(base: Path, split: str, split_table: str | None) -> list[str]:
    places = [local_path(split_table)] if split_table else [place / SPLIT_TABLE for place in (base, base.parent)]
    table = next((place for place in places if place.is_file()), places[-1])
    key = "alltrain" if split == "train" else "alltest"
    rows = read_matlab(require_file(table, "it assigns the images to splits and is in SUNRGBDtoolbox.zip"))
    try:
        # Such as /n/fs/sun3d/data/SUNRGBD/kv2/kinect2data/000002_2014-05-26_14-23-37_260595134347_rgbf000103-resize.
        paths = [PurePosixPath(str(row)).parts for row in np.atleast_1d(rows[key])]
        return ["/".join(parts[parts.index("SUNRGBD") + 1 :]) for parts in paths]
    except (KeyError, ValueError) as error:
        raise UnreadableImageError(f"{table}: expected {key} with paths below SUNRGBD, got {error!r}") from error


def _files_of(folder: str, kind: str) -> tuple[str, ...]:
    depth = _only_file(os.path.join(folder, kind), ".png") or os.path.join(folder, kind, "0.png")
    stem = os.path.splitext(os.path.basename(depth))[0]
    picture = _only_file(os.path.join(folder, "image"), ".jpg") or os.path.join(folder, "image", f"{stem}.jpg")
    return picture, os.path.join(folder, "intrinsics.txt"), depth


def _only_file(folder: str, suffix: str) -> str | None:
    names = sorted(name for name in os.listdir(folder) if name.endswith(suffix)) if os.path.isdir(folder) else []
    return os.path.join(folder, names[0]) if names else None


def _read_sun(frame: Frame) -> Sample:
    picture, camera, depth = frame.files
    return {"image": read_image(picture), "depth": SUN_RULES.read(depth), "intrinsics": read_matrix(camera)}


SUN_RGBD = PublicDataset(
    name="sunrgbd",
    title="SUN RGB-D",
    license="the authors' own terms, and those of the data sets in it: unverified",
    citation="Song, Lichtenberg and Xiao, SUN RGB-D: A RGB-D Scene Understanding Benchmark Suite, CVPR 2015",
    homepage="https://rgbd.cs.princeton.edu",
    layout=(
        "SUNRGBD/kv1/NYUdata/NYU0001/image/NYU0001.jpg\n"
        "SUNRGBD/kv1/NYUdata/NYU0001/depth/NYU0001.png (or depth_bfx/: filled)\n"
        "SUNRGBD/kv1/NYUdata/NYU0001/intrinsics.txt\n"
        "... likewise kv2/, realsense/ and xtion/\n"
        "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat (for a split)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres rotated to the left by three bits, 0 invalid",
    splits=("train", "test"),
    default_split=None,
    opener=open_sun_rgbd,
    verified=(
        "layout by the README of the data and public loaders, unit by read3dPoints.m of the toolbox; unit with a "
        "genuine map, folders made by hand"
    ),
    traps=(
        "The numbers are no millimetres: read as such most of the map is between 0 and 65 m. The toolbox clips depth "
        "at 8 or 10 m, the reader does not: max_depth does. kv1/NYUdata are the images of NYU Depth V2, those of its "
        "test among them. filled=True takes maps whose holes are filled in."
    ),
)
