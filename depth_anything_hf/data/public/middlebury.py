# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Middlebury stereo 2014 and MiddEval3: measured disparity with its calibration."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.option_errors import check_choice
from ..decoding.depth_maps import read_label
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .formats import PathLike, numbers_in
from .frames import Frame, PublicSamples, mask_invalid, matches, path_below
from .spec import PublicDataset


METRES_PER_MILLIMETRE = 1e-3


def open_middlebury(root: Path, split: str | None, *, label: str = "disparity") -> PublicSamples:
    """Find the frames of Middlebury 2014 or MiddEval3.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; the test scenes have no labels.
        label: "disparity" (pixels plus the offset between the cameras) or "depth" (metres).

    Raises:
        ValueError: an unknown label.
    """
    check_choice("label", label, ("disparity", "depth"))
    frames = []
    for calibration in matches(root, "*/calib.txt", "training*/*/calib.txt"):
        folder = Path(calibration).parent
        names = ("disp0GT.pfm", "disp0.pfm")
        disparity = next((name for name in names if (folder / name).is_file()), names[1])
        files = (str(folder / "im0.png"), calibration, str(folder / disparity))
        frames.append(Frame(path_below(root, str(folder)), files))
    return PublicSamples(label, frames, partial(_read_middlebury, label=label))


def _read_middlebury(frame: Frame, label: str) -> Sample:
    picture, calibration_file, disparity_file = frame.files
    calibration = read_middlebury_calibration(calibration_file)
    stored = read_label(disparity_file)
    # With the offset added, disparity is proportional to inverse depth.
    disparity = stored + calibration["offset"]
    valid = np.isfinite(stored) & (disparity > 0)
    if label == "depth":
        focal = calibration["intrinsics"][0, 0]
        values = focal * calibration["baseline_metres"] / np.where(valid, disparity, 1.0)
    else:
        values = disparity
    return {
        "image": read_image(picture),
        label: mask_invalid(values, valid),
        "intrinsics": calibration["intrinsics"],
    }


def read_middlebury_calibration(path: PathLike) -> dict[str, Any]:
    """Read a `calib.txt` of Middlebury 2014 or MiddEval3.

    Returns:
        "intrinsics" (3, 3) float64 of the left camera, "baseline_metres", and "offset" (`doffs`): the pixels between
        the principal points of both cameras, which are added to a disparity before it is inverted.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: a line is missing.
    """
    content, name = read_bytes(path)
    lines = dict(line.split("=", 1) for line in content.decode("utf-8", "replace").splitlines() if "=" in line)
    try:
        camera = numbers_in(lines["cam0"])
        return {
            "intrinsics": np.array(camera).reshape(3, 3),
            "baseline_metres": float(lines["baseline"]) * METRES_PER_MILLIMETRE,
            "offset": float(lines["doffs"]),
        }
    except (KeyError, ValueError) as error:
        raise UnreadableImageError(f"{name}: expected lines cam0=, doffs= and baseline=, got {error!r}") from error


MIDDLEBURY = PublicDataset(
    name="middlebury",
    title="Middlebury stereo 2014 and MiddEval3",
    license="terms of the authors: unverified",
    citation="Scharstein et al., High-Resolution Stereo Datasets with Subpixel-Accurate Ground Truth, GCPR 2014",
    homepage="https://vision.middlebury.edu/stereo/data/scenes2014",
    layout="Adirondack-perfect/im0.png, disp0.pfm, calib.txt\nor trainingQ/Adirondack/im0.png, disp0GT.pfm, calib.txt",
    label="disparity",
    unit="pixels plus the offset of calib.txt, so that it is proportional to inverse depth; infinite is invalid",
    splits=("train",),
    default_split=None,
    opener=open_middlebury,
    verified="layout by other public code; files made by hand",
    traps="Without the offset (doffs) disparity 0 is not infinitely far. label=depth gives metres.",
)
