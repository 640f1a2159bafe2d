# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""SYNTHIA: rendered streets, random views and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ...utils.option_errors import check_choice
from ..decoding.depth_maps import LabelRules
from .formats import pinhole_matrix, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


SYNTHIA_RULES = LabelRules("depth", encoding="synthia")
# Of the sequences, 1280 x 760.
SYNTHIA_INTRINSICS = pinhole_matrix(532.740352, 532.740352, 640.0, 380.0)


def open_synthia(root: Path, split: str | None, *, cameras: Sequence[str] = ("Stereo_Left",)) -> PublicSamples:
    """Find the frames of SYNTHIA.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        cameras: "Stereo_Left", "Stereo_Right", or both; of the sequences.

    Raises:
        ValueError: another camera.
    """
    for camera in cameras:
        check_choice("cameras", camera, ("Stereo_Left", "Stereo_Right"))
    frames = []
    for depth in matches(root, *(f"{deep}Depth/{twice}*.png" for deep in ("", "*/") for twice in ("", "Depth/"))):
        folder = next(each for each in Path(depth).parents if each.name != "Depth")
        picture = str(folder / "RGB" / Path(depth).name)
        frames.append(Frame(path_below(root, picture), (picture, depth)))
    for camera in cameras:
        for depth in matches(root, *(f"{deep}Depth/{camera}/*/*.png" for deep in ("", "*/", "*/*/"))):
            folder = Path(depth).parents[3]
            picture = str(folder / "RGB" / Path(depth).relative_to(folder / "Depth"))
            frames.append(Frame(path_below(root, picture), (picture, depth), SYNTHIA_INTRINSICS))
    return PublicSamples("depth", frames, partial(read_pair, rules=SYNTHIA_RULES))


SYNTHIA = PublicDataset(
    name="synthia",
    title="SYNTHIA",
    license="CC BY-NC-SA 3.0: unverified",
    citation="Ros et al., The SYNTHIA Dataset, CVPR 2016",
    homepage="https://synthia-dataset.net",
    layout=(
        "RAND_CITYSCAPES/RGB/0000000.png\n"
        "RAND_CITYSCAPES/Depth/Depth/0000000.png (or Depth/0000000.png)\n"
        "or SYNTHIA-SEQS-01-SPRING/RGB/Stereo_Left/Omni_F/000000.png, likewise Depth/"
    ),
    label="depth",
    unit="metres; the files hold centimetres in three equal channels, 0 invalid, 65535 is sky (+inf)",
    splits=("train",),
    default_split=None,
    opener=open_synthia,
    verified=(
        "layouts, centimetres and the camera of the sequences by public loaders; that 65535 is sky is inferred, that "
        "depth is planar unverified; files made by hand"
    ),
    traps=(
        "OpenCV without IMREAD_UNCHANGED and Pillow cut the three channels of 16 bits to 8. The camera of "
        "RAND_CITYSCAPES is not known here, so that it has no intrinsics."
    ),
)
