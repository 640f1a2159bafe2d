# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DIODE: laser scans of rooms and streets, with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...utils.option_errors import check_choice
from ..decoding.depth_maps import read_label
from ..decoding.errors import BrokenSampleError
from ..decoding.images import read_image
from ..samples import Sample
from .formats import pinhole_matrix
from .frames import DEPTH_RULES, Frame, PublicSamples, mask_invalid, matches, path_below
from .spec import PublicDataset


# Of the virtual camera that the scans were cut with (diode-devkit, intrinsics.txt), at 1024 x 768.
DIODE_INTRINSICS = pinhole_matrix(886.81, 927.06, 512.0, 384.0)


def open_diode(root: Path, split: str | None, *, environment: str = "all") -> PublicSamples:
    """Find the frames of DIODE.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "val".
        environment: "all", "indoors" or "outdoor".

    Raises:
        ValueError: an unknown environment.
    """
    check_choice("environment", environment, ("all", "indoors", "outdoor"))
    environments = ("indoors", "outdoor") if environment == "all" else (environment,)
    folder = root if root.name == split else root / str(split)
    frames = []
    for picture in matches(folder, *(f"{part}/scene_*/scan_*/*.png" for part in environments)):
        stem = picture[: -len(".png")]
        frames.append(Frame(path_below(root, picture), (picture, f"{stem}_depth_mask.npy", f"{stem}_depth.npy")))
    return PublicSamples("depth", frames, _read_diode)


def _read_diode(frame: Frame) -> Sample:
    picture, mask_file, depth_file = frame.files
    depth, mask = DEPTH_RULES.read(depth_file), read_label(mask_file, scale=1)
    if mask.shape != depth.shape:
        raise BrokenSampleError(f"{mask_file}: expected the depth's shape {depth.shape}, got {mask.shape}")
    return {
        "image": read_image(picture),
        "depth": mask_invalid(depth, (mask > 0) & np.isfinite(depth)),
        "intrinsics": DIODE_INTRINSICS.copy(),
    }


DIODE = PublicDataset(
    name="diode",
    title="DIODE",
    license="MIT by the LICENSE of diode-devkit; for the data unverified",
    citation="Vasiljevic et al., DIODE: A Dense Indoor and Outdoor DEpth Dataset, arXiv 1908.00463",
    homepage="https://diode-dataset.org",
    layout=(
        "val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010.png\n"
        "... the same with _depth.npy and _depth_mask.npy; likewise train/, outdoor/"
    ),
    label="depth",
    unit="metres; mask 0 invalid",
    splits=("train", "val"),
    default_split="val",
    opener=open_diode,
    verified="layout by diode-devkit; files made by hand",
    traps=(
        "Depth at contours is unreliable even where the mask is 1. environment=indoors or outdoor takes one half. "
        "That the depth is planar is unverified."
    ),
)
