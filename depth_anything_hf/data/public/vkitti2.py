# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Virtual KITTI 2: rendered roads, with sky."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..decoding.images import read_image
from ..samples import Sample
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, matches
from .spec import PublicDataset


VKITTI2_SPLITS = {"train": ("Scene02", "Scene06", "Scene18", "Scene20"), "val": ("Scene01",)}
VKITTI2_RULES = LabelRules("depth", scale=100.0, sky_value=65535)
VKITTI2_INTRINSICS = pinhole_matrix(725.0087, 725.0087, 620.5, 187.0)


def open_vkitti2(
    root: Path, split: str | None, *, cameras: Sequence[str] = ("Camera_0",), variants: Sequence[str] | None = None
) -> PublicSamples:
    """Find the frames of Virtual KITTI 2.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" (Scene02, 06, 18 and 20) or "val" (Scene01); None takes all scenes.
        cameras: "Camera_0" (left), "Camera_1" (right), or both.
        variants: such as "clone", "fog" or "15-deg-left"; None takes all.
    """
    rgb_root, depth_root = (
        folder if (folder := root / f"vkitti_2.0.3_{kind}").is_dir() else root for kind in ("rgb", "depth")
    )
    frames = []
    for depth in matches(depth_root, "Scene*/*/frames/depth/Camera_*/depth_*.png"):
        scene, variant, _, _, camera, file_name = Path(depth).parts[-6:]
        is_wanted = camera in cameras and (variants is None or variant in variants)
        if is_wanted and (split is None or scene in VKITTI2_SPLITS[split]):
            number = file_name[len("depth_") : -len(".png")]
            picture = str(rgb_root / scene / variant / "frames" / "rgb" / camera / f"rgb_{number}.jpg")
            frames.append(Frame(f"{scene}/{variant}/{camera}/{number}", (picture, depth)))
    return PublicSamples("depth", frames, _read_vkitti2)


def _read_vkitti2(frame: Frame) -> Sample:
    picture, depth = frame.files
    return {
        "image": read_image(picture),
        "depth": VKITTI2_RULES.read(depth),
        "intrinsics": VKITTI2_INTRINSICS.copy(),
    }


VKITTI2 = PublicDataset(
    name="vkitti2",
    title="Virtual KITTI 2",
    license="CC BY-NC-SA 3.0",
    citation="Cabon, Murray and Humenberger, Virtual KITTI 2, arXiv 2001.10773",
    homepage="https://europe.naverlabs.com/proxy-virtual-worlds-vkitti-2",
    layout=(
        "Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg\n"
        "Scene01/clone/frames/depth/Camera_0/depth_00000.png\n"
        "(or the same below vkitti_2.0.3_rgb/ and vkitti_2.0.3_depth/)"
    ),
    label="depth",
    unit="metres; the files hold centimetres, 65535 is sky (+inf)",
    splits=("train", "val"),
    default_split=None,
    opener=open_vkitti2,
    verified="layout and values by other public code; files made by hand",
    traps=(
        "65535 is 655.35 m if read as a number. train is Scene02, 06, 18 and 20, val is Scene01. The right camera "
        "needs cameras=[Camera_1]."
    ),
)
