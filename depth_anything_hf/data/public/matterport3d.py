# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Matterport3D: houses seen by three depth cameras that turn on a tripod."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...utils.paths import local_path
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .captures import scenes_of_split
from .formats import numbers_in, pinhole_matrix
from .frames import Frame, PublicSamples, lines_of, matches, path_below, require_file
from .spec import PublicDataset


MATTERPORT_RULES = LabelRules("depth", encoding="quarter_mm")
# Archives are unpacked beside themselves, into a folder of the house of their own.
PLACES = ("", "*/", "*/*/", "v1/scans/*/", "v1/scans/*/*/", "scans/*/", "scans/*/*/")


def open_matterport3d(
    root: Path, split: str | None, *, undistorted: bool = False, split_list: str | None = None
) -> PublicSamples:
    """Find the frames of Matterport3D.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train", "val" or "test", by the list of houses; None takes all.
        undistorted: take the pictures and maps that are free of lens distortion.
        split_list: list of the split's houses, if `scenes_train.txt` and so on is not in the root.

    Raises:
        FileNotFoundError: the list is needed and missing.
    """
    kind = "undistorted" if undistorted else "matterport"
    houses: dict[str, Path] = {}
    for folder in matches(root, *(f"{place}{kind}_depth_images" for place in PLACES)):
        houses.setdefault(Path(folder).parent.resolve().name, Path(folder).parent)
    names, source = None, None
    if split is not None:
        source = local_path(split_list) if split_list else root / f"scenes_{split}.txt"
        advice = "it lists the houses of the split and is published in niessner/Matterport, tasks/benchmark"
        names = lines_of(require_file(source, advice))
    frames = []
    for house in scenes_of_split(houses, names, MATTERPORT3D.title, source):
        for depth in matches(house / f"{kind}_depth_images", "*.png"):
            stem, camera, turn = _parts_of(depth)
            picture = house / f"{kind}_color_images" / f"{stem}_i{camera}_{turn}.jpg"
            if undistorted:
                intrinsics = house / "undistorted_camera_parameters" / f"{house.resolve().name}.conf"
            else:
                intrinsics = house / "matterport_camera_intrinsics" / f"{stem}_intrinsics_{camera}.txt"
            files = (str(picture), *([str(intrinsics)] if intrinsics.is_file() else []), depth)
            frames.append(Frame(path_below(root, files[0]), files))
    return PublicSamples("depth", frames, _read_matterport)


def _parts_of(depth: str) -> tuple[str, str, str]:
    """Return panorama, camera and turn of PANORAMA_d1_0.png."""
    head, _, turn = os.path.splitext(os.path.basename(depth))[0].rpartition("_")
    panorama, _, camera = head.rpartition("_d")
    return panorama, camera, turn


def _read_matterport(frame: Frame) -> Sample:
    picture, depth = frame.files[0], frame.files[-1]
    sample: Sample = {"image": read_image(picture), "depth": MATTERPORT_RULES.read(depth)}
    if len(frame.files) == 3:
        camera = frame.files[1]
        is_undistorted = camera.endswith(".conf")
        height = sample["image"].shape[0]
        sample["intrinsics"] = read_undistorted(camera, depth, height) if is_undistorted else read_camera(camera)
    return sample


def read_camera(path: str) -> np.ndarray:
    """Read width height fx fy cx cy k1 k2 p1 p2 k3: intrinsics (3, 3) in pixels, without the distortion.

    Raises:
        UnreadableImageError: fewer numbers.
    """
    content, name = read_bytes(path)
    numbers = numbers_in(content.decode("utf-8", "replace"))
    if len(numbers) < 6:
        raise UnreadableImageError(f"{name}: expected width height fx fy cx cy ..., got {len(numbers)} numbers")
    return pinhole_matrix(*numbers[2:6])


def read_undistorted(path: str, depth: str, height: int) -> np.ndarray:
    """Read the camera of an undistorted map from the list of its house: intrinsics (3, 3) in pixels.

    Args:
        path: lines "intrinsics_matrix fx 0 cx 0 fy cy 0 0 1", each for the lines "scan DEPTH COLOUR ..." below it.
        depth: file of the map.
        height: of the picture; cy in the list counts from its lower border.

    Raises:
        UnreadableImageError: the map is not in the list.
    """
    content, name = read_bytes(path)
    wanted, numbers = os.path.basename(depth), None
    for line in content.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:1] == ["intrinsics_matrix"]:
            numbers = [float(word) for word in words[1:]]
        elif words[:1] == ["scan"] and wanted in words[1:2] and numbers is not None and len(numbers) == 9:
            return pinhole_matrix(numbers[0], numbers[4], numbers[2], height - 1 - numbers[5])
    raise UnreadableImageError(f"{name}: expected a line intrinsics_matrix, and below it one: scan {wanted} ...")


MATTERPORT3D = PublicDataset(
    name="matterport3d",
    title="Matterport3D",
    license="the authors' terms of use, non-commercial: unverified",
    citation="Chang et al., Matterport3D: Learning from RGB-D Data in Indoor Environments, 3DV 2017",
    homepage="https://niessner.github.io/Matterport",
    layout=(
        "v1/scans/17DRP5sb8fy/matterport_color_images/PANORAMA_i1_0.jpg\n"
        "v1/scans/17DRP5sb8fy/matterport_depth_images/PANORAMA_d1_0.png\n"
        "v1/scans/17DRP5sb8fy/matterport_camera_intrinsics/PANORAMA_intrinsics_1.txt (for intrinsics)\n"
        "... likewise undistorted_color_images/, undistorted_depth_images/, undistorted_camera_parameters/HOUSE.conf\n"
        "scenes_train.txt, scenes_val.txt, scenes_test.txt (for a split)"
    ),
    label="depth",
    unit="metres, planar; the files hold quarters of a millimetre, 0 and 65535 (16.4 m) invalid",
    splits=("train", "val", "test"),
    default_split=None,
    opener=open_matterport3d,
    verified="layout, unit and geometry by data_organization.md of niessner/Matterport; files made by hand",
    traps=(
        "Divided by 1000 a room is four times as large. Mirrors, windows and what is far have no depth. "
        "Pictures have a lens distortion, which the intrinsics leave out; undistorted=True has none. Cameras 0 and 2 "
        "look up and down."
    ),
)
