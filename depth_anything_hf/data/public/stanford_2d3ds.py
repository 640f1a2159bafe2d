# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""2D-3D-S of Stanford: views of six scanned areas, rendered by the authors."""

from __future__ import annotations

import re
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import read_json_numbers, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


STANFORD_RULES = LabelRules("depth", encoding="stanford_2d3ds")
AREA = re.compile(r"area_(\d)[ab]?$")
TEST_AREA = "5"


def open_stanford_2d3ds(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of 2D-3D-S.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "test" is area 5, "train" the other areas (the authors' fold 1); None takes all.
    """
    frames = []
    for depth in matches(root, "area_*/data/depth/*_depth.png", "*/area_*/data/depth/*_depth.png"):
        folder, stem = Path(depth).parents[1], Path(depth).name.removesuffix("depth.png")
        area = AREA.search(folder.parent.name)
        is_test = area is not None and area[1] == TEST_AREA
        if split is not None and is_test != (split == "test"):
            continue
        picture, pose = str(folder / "rgb" / f"{stem}rgb.png"), str(folder / "pose" / f"{stem}pose.json")
        frames.append(Frame(path_below(root, picture), (picture, pose, depth)))
    return PublicSamples("depth", frames, _read_stanford)


def _read_stanford(frame: Frame) -> Sample:
    pose = frame.files[1]
    camera = read_json_numbers(pose, lambda told: told["camera_k_matrix"], "camera_k_matrix")
    return read_pair(Frame(frame.name, frame.files, camera.reshape(3, 3)), STANFORD_RULES)


STANFORD_2D3DS = PublicDataset(
    name="2d3ds",
    title="Stanford 2D-3D-S",
    license="the authors' own terms, accepted before the download: unverified",
    citation="Armeni et al., Joint 2D-3D-Semantic Data for Indoor Scene Understanding, arXiv 1702.01105",
    homepage="https://github.com/alexsax/2D-3D-Semantics",
    layout=(
        "area_1/data/rgb/camera_UUID_office_1_frame_0_domain_rgb.png\n"
        "area_1/data/depth/camera_UUID_office_1_frame_0_domain_depth.png\n"
        "area_1/data/pose/camera_UUID_office_1_frame_0_domain_pose.json"
    ),
    label="depth",
    unit="metres; the files hold uint16, 512 per metre, 0 and 65535 invalid",
    splits=("train", "test"),
    default_split=None,
    opener=open_stanford_2d3ds,
    verified="layout, unit, planar depth and camera by the authors' README; files made by hand",
    traps=(
        "The panoramas of pano/ are distances from the camera's centre and are not read. test is area 5, the authors' "
        "first fold. Holes of the mesh have no value."
    ),
)
