# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Data sets of BOP, for poses of objects: T-LESS, LM-O, YCB-V, HOPE and others, real and rendered."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample
from .captures import in_order, read_json
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


BOP_RULES = LabelRules("depth", encoding="bop")
PICTURE_FOLDERS, PICTURE_SUFFIXES = ("rgb", "gray"), (".jpg", ".png", ".tif", ".tiff")


def open_bop(root: Path, split: str | None, *, images: str | None = None) -> PublicSamples:
    """Find the frames of a data set of BOP, or of a folder of several.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train", "val" or "test", which is what the folder's name begins with; None takes all.
        images: name of the folder of images, such as "train_pbr" or "test_primesense"; None takes all of the split.
    """
    names = images or ("*" if split is None else f"{split}*")
    depths = matches(
        root, *(f"{above}{names}/*/depth/*.{suffix}" for above in ("", "*/") for suffix in ("png", "tif"))
    )
    frames = []
    for depth in in_order(depths):
        scene = Path(depth).parent.parent
        if scene.parent.name.split("_")[0] not in ("train", "val", "test"):
            continue
        files = (_picture_of(scene, Path(depth).stem), str(scene / "scene_camera.json"), depth)
        frames.append(Frame(path_below(root, files[0]), files))
    return PublicSamples("depth", frames, _read_bop)


def _picture_of(scene: Path, number: str) -> str:
    places = [scene / folder / f"{number}{suffix}" for folder in PICTURE_FOLDERS for suffix in PICTURE_SUFFIXES]
    found = next((place for place in places if os.path.isfile(place)), None)
    return str(found or scene / "rgb" / f"{number}.png")


def _read_bop(frame: Frame) -> Sample:
    picture, cameras, depth = frame.files
    try:
        entry = read_json(cameras)[str(int(Path(depth).stem))]["cam_K"]
        intrinsics = np.array(entry, dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(
            f"{cameras}: expected the key {int(Path(depth).stem)} with nine numbers cam_K, got {error!r}"
        ) from error
    return {"image": read_image(picture), "depth": BOP_RULES.read(depth), "intrinsics": intrinsics}


BOP = PublicDataset(
    name="bop",
    title="Data sets of BOP: T-LESS, LM-O, YCB-V, HOPE and others",
    license="that of each data set",
    citation="Hodan et al., BOP: Benchmark for 6D Object Pose Estimation, ECCV 2018, and each data set's authors",
    homepage="https://bop.felk.cvut.cz/datasets",
    layout=(
        "train_pbr/000000/rgb/000000.jpg (or gray/, .png, .tif)\n"
        "train_pbr/000000/depth/000000.png\n"
        "train_pbr/000000/scene_camera.json\n"
        "... likewise val*/ and test*/ (or all of it below folders of data sets)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres divided by each picture's depth_scale, 0 invalid",
    splits=("train", "val", "test"),
    default_split=None,
    opener=open_bop,
    verified="layout and unit by the description of the format in thodan/bop_toolkit; files made by hand",
    traps=(
        "depth_scale of scene_camera.json differs between data sets and pictures (1 mm, 0.1 mm): a fixed scale is "
        "wrong. The principal point differs too. Rendered pictures of objects alone (train of T-LESS, LM) have no "
        "depth in their background. images=train_pbr takes one folder of a split."
    ),
)
