# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mid-Air: rendered flights of a drone, distance along rays as the bits of halves in PNG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import centred_matrix, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


MIDAIR_SKY_METRES = 10000.0


def open_midair(
    root: Path,
    split: str | None,
    *,
    climates: Sequence[str] | None = None,
    sky_depth_metres: float = MIDAIR_SKY_METRES,
) -> PublicSamples:
    """Find the frames of Mid-Air.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "test", by the names of the folders (Kite_training, Kite_test); None takes all.
        climates: such as "sunny", "foggy" or "winter"; None takes all.
        sky_depth_metres: distance from which on a pixel is sky, which is a sphere about 32 km away.
    """
    ends = {"train": "_training", "test": "_test", None: ""}[split]
    frames = []
    found = matches(root, *(f"*{ends}/*/depth/trajectory_*/{deep}*.PNG" for deep in ("", "frames/")))
    for depth in found:
        parts = Path(depth).relative_to(root).parts
        if climates is None or parts[1] in climates:
            picture = Path(root, *parts[:2], "color_left", *parts[3:]).with_suffix(".JPEG")
            frames.append(Frame(path_below(root, str(picture)), (str(picture), depth)))
    rules = LabelRules("depth", encoding=f"midair:fov=90,sky={float(sky_depth_metres)!r}")
    return PublicSamples("depth", frames, partial(_read_midair, rules=rules))


def _read_midair(frame: Frame, rules: LabelRules) -> Sample:
    sample = read_pair(frame, rules)
    height, width = sample["depth"].shape
    return {**sample, "intrinsics": centred_matrix(width / 2, height, width)}


MIDAIR = PublicDataset(
    name="midair",
    title="Mid-Air",
    license="CC BY-NC-SA 4.0: unverified",
    citation=(
        "Fonder and Van Droogenbroeck, Mid-Air: A Multi-Modal Dataset for Extremely Low Altitude Drone Flights, CVPRW "
        "2019"
    ),
    homepage="https://midair.ulg.ac.be",
    layout=(
        "Kite_training/sunny/color_left/trajectory_0000/000000.JPEG (or trajectory_0000/frames/)\n"
        "Kite_training/sunny/depth/trajectory_0000/000000.PNG"
    ),
    label="depth",
    unit="metres; the files hold distance along rays as float16 bits, sky is +inf from sky_depth_metres=10000 on",
    splits=("train", "test"),
    default_split=None,
    opener=open_midair,
    verified=(
        "layout and bits by the authors' site and montefiore-institute/midair-dataset; distance along rays and the "
        "sphere of the sky by the author (michael-fonder/M4Depth issue 6, midair-dataset issue 4); the view of 90 "
        "degrees by public loaders; files made by hand"
    ),
    traps=(
        "Read as numbers, 5 m is 17664, which looks like millimetres and even keeps the order. Distance becomes "
        "planar depth by a pinhole of 90 degrees. stereo_disparity has the same bits and is not read."
    ),
)
