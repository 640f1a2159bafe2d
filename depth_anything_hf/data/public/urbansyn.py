# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""UrbanSyn: rendered streets, with sky by the classes of their pixels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import check_exr, pinhole_matrix, read_json_numbers, read_mask, read_pair
from .frames import Frame, PublicSamples, matches
from .spec import PublicDataset


URBANSYN_RULES = LabelRules("depth", encoding="exr:scale=1e-5")
# Of the classes of Cityscapes, as they are numbered for training.
SKY_CLASS = 10


def open_urbansyn(root: Path, split: str | None, *, sky: bool = True) -> PublicSamples:
    """Find the frames of UrbanSyn.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        sky: mark sky by the classes of ss/, which must be there; False leaves it as it was rendered.

    Raises:
        ImportError: EXR files cannot be read here.
    """
    check_exr("UrbanSyn")
    camera = root / "camera_metadata.json"
    keys = ("focalLength_mm", "sensorWidth_mm", "sensorHeight_mm")
    lens = None
    if camera.is_file():
        lens = read_json_numbers(
            camera,
            lambda told: [told["parameters"][0]["Camera"][key] for key in keys],
            f"parameters, Camera and in it {', '.join(keys)}",
        )
    frames = []
    for depth in matches(root, "depth/depth_*.exr"):
        number = Path(depth).stem.removeprefix("depth_")
        classes = [str(root / "ss" / f"ss_{number}.png")] if sky else []
        frames.append(Frame(f"rgb/rgb_{number}.png", (str(root / "rgb" / f"rgb_{number}.png"), *classes, depth)))
    return PublicSamples("depth", frames, partial(_read_urbansyn, lens=lens))


def _read_urbansyn(frame: Frame, lens: np.ndarray | None) -> Sample:
    sample = read_pair(frame, URBANSYN_RULES)
    height, width = sample["depth"].shape
    for classes_file in frame.files[1:-1]:
        sample["depth"][read_mask(classes_file, (height, width)) == SKY_CLASS] = np.inf
    if lens is not None:
        focal, sensor_width, sensor_height = lens
        sample["intrinsics"] = pinhole_matrix(
            focal / sensor_width * width, focal / sensor_height * height, width / 2 - 0.5, height / 2 - 0.5
        )
    return sample


URBANSYN = PublicDataset(
    name="urbansyn",
    title="UrbanSyn",
    license="CC BY-SA 4.0",
    citation=(
        "Gomez et al., All for One, and One for All: UrbanSyn Dataset, the third Musketeer of Synthetic Driving "
        "Scenes, arXiv 2312.12176"
    ),
    homepage="https://huggingface.co/datasets/UrbanSyn/UrbanSyn",
    layout=(
        "rgb/rgb_0001.png\n"
        "depth/depth_0001.exr\n"
        "ss/ss_0001.png (for sky; sky=False does without)\n"
        "camera_metadata.json (for intrinsics)"
    ),
    label="depth",
    unit="metres, 100000 times what is stored; sky (class 10 of ss/) is +inf",
    splits=("train",),
    default_split=None,
    opener=open_urbansyn,
    verified=(
        "layout, factor, sky class and camera by loaders of CUT3R and others; files made by hand; that depth is "
        "planar is unverified"
    ),
    traps=(
        "As stored, 20 m is 0.0002. Sky has a finite depth: without ss/ it is a wall. Depth is EXR: "
        "needs OpenEXR where OpenCV reads none."
    ),
)
