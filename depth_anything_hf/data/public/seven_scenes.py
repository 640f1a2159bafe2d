# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""7-Scenes: rooms seen by a Kinect."""

from __future__ import annotations

import re
from pathlib import Path

from ..decoding.images import read_image
from ..samples import Sample
from .formats import pinhole_matrix
from .frames import MILLIMETRE_RULES, Frame, PublicSamples, lines_of, matches, path_below
from .spec import PublicDataset


SEVEN_SCENES_INTRINSICS = pinhole_matrix(585.0, 585.0, 320.0, 240.0)


def open_seven_scenes(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of 7-Scenes.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "test", by the lists of sequences of each scene.

    Raises:
        ValueError: a line of a list names no sequence.
    """
    list_name = "TrainSplit.txt" if split == "train" else "TestSplit.txt"
    frames = []
    for names in matches(root, list_name, f"*/{list_name}"):
        scene = Path(names).parent
        for line in lines_of(names):
            if line.startswith("#"):
                continue
            match = re.search(r"\d+", line)
            if match is None:
                raise ValueError(f"{names}: expected lines such as sequence1, got {line!r}")
            sequence = scene / f"seq-{int(match[0]):02d}"
            pictures = matches(sequence, "*.color.png") or [str(sequence / "frame-000000.color.png")]
            depths = [path.replace(".color.png", ".depth.png") for path in pictures]
            frames += [Frame(path_below(root, pair[0]), pair) for pair in zip(pictures, depths, strict=True)]
    return PublicSamples("depth", frames, _read_seven_scenes)


def _read_seven_scenes(frame: Frame) -> Sample:
    picture, depth = frame.files
    return {
        "image": read_image(picture),
        "depth": MILLIMETRE_RULES.read(depth),
        "intrinsics": SEVEN_SCENES_INTRINSICS.copy(),
    }


SEVEN_SCENES = PublicDataset(
    name="7scenes",
    title="7-Scenes",
    license="non-commercial terms of Microsoft Research: unverified",
    citation=(
        "Shotton et al., Scene Coordinate Regression Forests for Camera Relocalization in RGB-D Images, CVPR 2013"
    ),
    homepage="https://www.microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes",
    layout=(
        "chess/TrainSplit.txt, chess/TestSplit.txt\n"
        "chess/seq-01/frame-000000.color.png\nchess/seq-01/frame-000000.depth.png"
    ),
    label="depth",
    unit="metres; the files hold millimetres, 65535 invalid",
    splits=("train", "test"),
    default_split="test",
    opener=open_seven_scenes,
    verified="layout by other public code; files made by hand",
    traps=(
        "Colour and depth are of two cameras and not registered: expect shifted contours. The intrinsics are the "
        "published ones of the depth camera."
    ),
)
