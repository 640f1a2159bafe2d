# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""UnrealStereo4K: rendered scenes in stereo, from disparity to depth by the cameras of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ...geometry.stereo import stereo_disparity_to_depth
from ...utils.option_errors import check_choice
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample
from .formats import numbers_in
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


NPY_RULES, PNG_RULES = LabelRules("disparity"), LabelRules("disparity", encoding="kitti_disparity")
UNREALSTEREO_SKY_METRES = 10000.0


def open_unrealstereo4k(
    root: Path,
    split: str | None,
    *,
    cameras: Sequence[int] = (0,),
    sky_depth_metres: float = UNREALSTEREO_SKY_METRES,
) -> PublicSamples:
    """Find the frames of UnrealStereo4K.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        cameras: 0 (left), 1 (right), or both.
        sky_depth_metres: depth from which on a pixel is sky.

    Raises:
        ValueError: another camera.
    """
    for camera in cameras:
        check_choice("cameras", camera, (0, 1))
    frames = []
    for camera in cameras:
        for disparity in matches(root, f"*/Disp{camera}/*.npy", f"*/Disp{camera}/*.png"):
            scene, stem = Path(disparity).parents[1], Path(disparity).stem
            picture = str(scene / f"Image{camera}" / f"{stem}.png")
            rig = (str(scene / f"Extrinsics{each}" / f"{stem}.txt") for each in (camera, 1 - camera))
            frames.append(Frame(path_below(root, picture), (picture, *rig, disparity)))
    return PublicSamples("depth", frames, partial(_read_unrealstereo, sky=sky_depth_metres))


def _read_unrealstereo(frame: Frame, sky: float) -> Sample:
    picture, own, other, disparity_file = frame.files
    intrinsics, place = _unreal_camera(own)
    baseline = float(np.linalg.norm(place - _unreal_camera(other)[1]))
    rules = NPY_RULES if disparity_file.endswith(".npy") else PNG_RULES
    disparity = rules.read(disparity_file)
    # The cameras are those of 3840 x 2160, also beside smaller pictures.
    intrinsics[:2] *= disparity.shape[1] / (2 * intrinsics[0, 2])
    try:
        depth = stereo_disparity_to_depth(disparity, intrinsics[0, 0], baseline).astype(np.float32)
    except ValueError as error:
        raise UnreadableImageError(f"{own}: {error}") from error
    depth[depth >= sky] = np.inf
    return {"image": read_image(picture), "depth": depth, "intrinsics": intrinsics}


def _unreal_camera(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a camera: nine numbers of its intrinsics, twelve from the world to it; (3, 3) and its place (3,)."""
    try:
        numbers = np.array(numbers_in(Path(path).read_text(encoding="utf-8")))
        intrinsics, world_to_camera = numbers[:9].reshape(3, 3), numbers[9:].reshape(3, 4)
        if not intrinsics[0, 2] > 0:
            raise ValueError(f"the principal point is at column {intrinsics[0, 2]:g}")
    except ValueError as error:
        raise UnreadableImageError(f"{path}: expected 9 numbers and 12 in a second line: {error}") from error
    return intrinsics, -world_to_camera[:, :3].T @ world_to_camera[:, 3]


UNREALSTEREO4K = PublicDataset(
    name="unrealstereo4k",
    title="UnrealStereo4K",
    license="MIT by the repository's LICENSE; for the data unverified",
    citation="Tosi et al., SMD-Nets: Stereo Mixture Density Networks, CVPR 2021",
    homepage="https://github.com/fabiotosi92/SMD-Nets",
    layout=(
        "00000/Image0/00000.png\n"
        "00000/Disp0/00000.npy (quarter resolution: 00000.png, 256 per pixel)\n"
        "00000/Extrinsics0/00000.txt and 00000/Extrinsics1/00000.txt"
    ),
    label="depth",
    unit="metres, fx times the distance of the cameras / disparity; NaN and infinite disparity invalid, sky +inf",
    splits=("train",),
    default_split=None,
    opener=open_unrealstereo4k,
    verified=(
        "layout, cameras and metres by loaders of CUT3R and MapAnything (which drop what is beyond 10000 m), the "
        "quarter resolution by another loader alone; files made by hand"
    ),
    traps=(
        "The cameras of the quarter resolution are those of 3840 x 2160 and are scaled to the picture. "
        "That 10000 m and more are sky is inferred."
    ),
)
