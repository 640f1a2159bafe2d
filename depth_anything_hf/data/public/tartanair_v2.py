# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TartanAir V2: rendered flights, depth as the bytes of floats in PNG, six views each way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ...utils.option_errors import check_choice
from ..decoding.depth_maps import LabelRules
from .formats import pinhole_matrix, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset
from .tartanair import TARTANAIR_SKY_METRES


# Pinholes, 90 degrees wide. Fisheyes and panoramas are made of their pixels: no planar depth of a camera of their own.
TARTANAIR_V2_CAMERAS = tuple(
    f"{side}_{view}" for side in ("lcam", "rcam") for view in ("front", "right", "back", "left", "top", "bottom")
)
TARTANAIR_V2_INTRINSICS = pinhole_matrix(320.0, 320.0, 320.0, 320.0)


def open_tartanair_v2(
    root: Path,
    split: str | None,
    *,
    cameras: Sequence[str] = ("lcam_front",),
    environments: Sequence[str] | None = None,
    sky_depth_metres: float = TARTANAIR_SKY_METRES,
) -> PublicSamples:
    """Find the frames of TartanAir V2 or TartanGround.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        cameras: of `TARTANAIR_V2_CAMERAS`, such as "lcam_front", "rcam_left" or "lcam_bottom".
        environments: names of environments; None takes all.
        sky_depth_metres: depth from which on a pixel is sky.

    Raises:
        ValueError: no pinhole camera, such as lcam_fish or lcam_equirect.
    """
    for camera in cameras:
        check_choice("cameras", camera, TARTANAIR_V2_CAMERAS)
    frames = []
    for camera in cameras:
        for depth in matches(root, f"*/Data_*/P*/depth_{camera}/*_{camera}_depth.png"):
            trajectory, name = Path(depth).parents[1], Path(depth).name
            if environments is None or Path(depth).parts[-5] in environments:
                picture = str(trajectory / f"image_{camera}" / name.replace("_depth.png", ".png"))
                frames.append(Frame(path_below(root, picture), (picture, depth), TARTANAIR_V2_INTRINSICS))
    rules = LabelRules("depth", encoding=f"tartanair_rgba:sky={float(sky_depth_metres)!r}")
    return PublicSamples("depth", frames, partial(read_pair, rules=rules))


TARTANAIR_V2 = PublicDataset(
    name="tartanair-v2",
    title="TartanAir V2",
    license="CC BY 4.0 by TartanGround of the same authors; for TartanAir V2 unverified",
    citation="Wang et al., TartanAir: A Dataset to Push the Limits of Visual SLAM, IROS 2020; tartanair.org (V2)",
    homepage="https://tartanair.org",
    layout=(
        "AbandonedFactory/Data_easy/P000/image_lcam_front/000000_lcam_front.png (also Data_hard, Data_omni, ...)\n"
        "AbandonedFactory/Data_easy/P000/depth_lcam_front/000000_lcam_front_depth.png"
    ),
    label="depth",
    unit="metres; 0 and NaN invalid, sky is +inf from sky_depth_metres=1000 on",
    splits=("train",),
    default_split=None,
    opener=open_tartanair_v2,
    verified=(
        "layout, bytes and camera by the authors' documents and castacks/tartanairpy; planar depth by the authors "
        "(castacks/tartanair_tools issue 67); the value of sky is documented as very large only; files made by hand"
    ),
    traps=(
        "The four channels of a PNG are the bytes of a float in the order B, G, R, A, which Pillow gives as R, G, B, "
        "A. Other views need cameras=[lcam_left, ...]. A program that saves the PNG again destroys it. Fisheyes and "
        "panoramas (lcam_fish, lcam_equirect) are not read: their depth is that of the pinholes that they are made of."
    ),
)
