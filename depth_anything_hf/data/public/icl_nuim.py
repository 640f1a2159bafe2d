# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ICL-NUIM: two rendered rooms, in the layout of TUM RGB-D."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from .captures import in_order
from .formats import pinhole_matrix, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


ICL_NUIM_RULES = LabelRules("depth", encoding="tum")
# Published with a negative focal length, of an axis that points upwards; rows of pictures go downwards.
ICL_NUIM_INTRINSICS = pinhole_matrix(481.2, 480.0, 319.5, 239.5)


def open_icl_nuim(root: Path, split: str | None, *, sequences: Sequence[str] | None = None) -> PublicSamples:
    """Find the frames of ICL-NUIM.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        sequences: names of folders such as "living_room_traj0_frei_png"; None takes all.

    Raises:
        FileNotFoundError: only files of POV-Ray.
    """
    frames = []
    for depth in in_order(matches(root, "depth/*.png", "*/depth/*.png", "*/*/depth/*.png")):
        folder = Path(depth).parents[1]
        if sequences is None or folder.name in sequences:
            picture = str(folder / "rgb" / Path(depth).name)
            frames.append(Frame(path_below(root, picture), (picture, depth), ICL_NUIM_INTRINSICS))
    if not frames and matches(root, "*.depth", "*/*.depth"):
        raise FileNotFoundError(
            f"{root}: holds .depth files of POV-Ray, texts of distances along rays; download the TUM RGB-D compatible "
            "PNGs of the same trajectories"
        )
    return PublicSamples("depth", frames, partial(read_pair, rules=ICL_NUIM_RULES))


ICL_NUIM = PublicDataset(
    name="icl-nuim",
    title="ICL-NUIM",
    license="CC BY 3.0: unverified",
    citation="Handa et al., A Benchmark for RGB-D Visual Odometry, 3D Reconstruction and SLAM, ICRA 2014",
    homepage="https://www.doc.ic.ac.uk/~ahanda/VaFRIC/iclnuim.html",
    layout=(
        "living_room_traj0_frei_png/rgb/0.png (TUM RGB-D compatible PNGs; traj0n and so on have the noise of a "
        "Kinect)\n"
        "living_room_traj0_frei_png/depth/0.png"
    ),
    label="depth",
    unit="metres; the files hold uint16, 5000 per metre, 0 invalid",
    splits=("train",),
    default_split=None,
    opener=open_icl_nuim,
    verified=(
        "layout, scale and camera by gradslam and ankurhanda/living_room_iclnuim, whose README says that .depth files "
        "are distances along rays; files made by hand"
    ),
    traps=(
        "1000 per metre would be five times too far. The .depth files of the other download are refused. The "
        "published fy is -480, of an axis that points upwards; intrinsics are of rows that go downwards."
    ),
)
