# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TartanAir: rendered flights through many environments, with sky."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..decoding.images import read_image
from ..samples import Sample
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, matches, path_below, swap_last
from .spec import PublicDataset


TARTANAIR_SKY_METRES = 1000.0
TARTANAIR_INTRINSICS = pinhole_matrix(320.0, 320.0, 320.0, 240.0)


def open_tartanair(
    root: Path,
    split: str | None,
    *,
    environments: Sequence[str] | None = None,
    exclude_environments: Sequence[str] = ("amusement",),
    sky_depth_metres: float = TARTANAIR_SKY_METRES,
) -> PublicSamples:
    """Find the frames of TartanAir.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        environments: names of environments; None takes all.
        exclude_environments: names of environments to leave out; the sky of amusement is broken.
        sky_depth_metres: depth from which on a pixel is sky.
    """
    frames = []
    # Some of the archives hold one more folder with the name of the environment.
    pattern = "[EH]a*/P*/depth_left/*_left_depth.npy"
    for depth in matches(root, f"*/{pattern}", f"*/*/{pattern}"):
        environment = Path(depth).parts[-5]
        if environment in exclude_environments or (environments is not None and environment not in environments):
            continue
        picture = swap_last(depth, "depth_left", "image_left").replace("_left_depth.npy", "_left.png")
        frames.append(Frame(path_below(root, picture), (picture, depth)))
    rules = LabelRules("depth", sky_value=sky_depth_metres)
    return PublicSamples("depth", frames, partial(_read_tartanair, rules=rules))


def _read_tartanair(frame: Frame, rules: LabelRules) -> Sample:
    picture, depth = frame.files
    return {"image": read_image(picture), "depth": rules.read(depth), "intrinsics": TARTANAIR_INTRINSICS.copy()}


TARTANAIR = PublicDataset(
    name="tartanair",
    title="TartanAir",
    license="CC BY 4.0",
    citation="Wang et al., TartanAir: A Dataset to Push the Limits of Visual SLAM, IROS 2020",
    homepage="https://github.com/castacks/tartanair_tools",
    layout=(
        "abandonedfactory/Easy/P000/image_left/000000_left.png\n"
        "abandonedfactory/Easy/P000/depth_left/000000_left_depth.npy"
    ),
    label="depth",
    unit="metres; 0 invalid, sky (about 10000) is +inf from sky_depth_metres=1000 on",
    splits=("train",),
    default_split=None,
    opener=open_tartanair,
    verified="layout and values by other public code; files made by hand",
    traps=(
        "The sky of amusement is broken, so it is left out unless exclude_environments=[]. Ocean has surfaces beyond "
        "1000 m, which count as sky."
    ),
)
