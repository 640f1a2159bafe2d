# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Spring: an animated film in stereo, disparity at twice the size of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...geometry.stereo import stereo_disparity_to_depth
from ...utils.option_errors import check_choice
from ..decoding.encodings.decode import decode_map
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..decoding.optional import import_optional
from ..samples import Sample
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, lines_of, matches, path_below
from .spec import PublicDataset


SPRING_BASELINE_METRES = 0.065


def open_spring(root: Path, split: str | None, *, cameras: Sequence[str] = ("left",)) -> PublicSamples:
    """Find the frames of Spring; only its training part has disparity.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything that has disparity.
        cameras: "left", "right", or both.

    Raises:
        ImportError: h5py is not installed.
        ValueError: another camera.
    """
    for camera in cameras:
        check_choice("cameras", camera, ("left", "right"))
    import_optional("h5py")
    frames = []
    for camera in cameras:
        label = f"disp1_{camera}"
        for disparity in matches(root, f"train/*/{label}/{label}_*.dsp5", f"spring/train/*/{label}/{label}_*.dsp5"):
            scene, number = Path(disparity).parents[1], Path(disparity).stem.removeprefix(f"{label}_")
            picture = str(scene / f"frame_{camera}" / f"frame_{camera}_{number}.png")
            files, sky = [picture, str(scene / "cam_data" / "intrinsics.txt")], scene / "maps" / f"skymap_{camera}"
            if sky.is_dir():
                files.append(str(sky / f"skymap_{camera}_{number}.png"))
            frames.append(Frame(path_below(root, picture), (*files, disparity), int(number)))
    return PublicSamples("depth", frames, _read_spring)


def _read_spring(frame: Frame) -> Sample:
    picture, cameras, *sky, disparity = frame.files
    intrinsics = _spring_camera(cameras, frame.details)
    depth = stereo_disparity_to_depth(decode_map(disparity, "spring").values, intrinsics[0, 0], SPRING_BASELINE_METRES)
    if sky:
        # As large as the disparity.
        depth[read_image(sky[0])[::2, ::2, 0] > 0] = np.inf
    return {"image": read_image(picture), "depth": depth.astype(np.float32), "intrinsics": intrinsics}


def _spring_camera(path: str, number: int) -> np.ndarray:
    """Return the intrinsics of a frame, whose numbers start at 1."""
    lines = lines_of(path)
    try:
        focal_x, focal_y, centre_x, centre_y = (float(word) for word in lines[number - 1].split())
    except (IndexError, ValueError) as error:
        raise UnreadableImageError(
            f"{path}: expected four numbers (fx, fy, cx, cy) in a line for each frame, line {number}: {error!r}"
        ) from error
    return pinhole_matrix(focal_x, focal_y, centre_x, centre_y)


SPRING = PublicDataset(
    name="spring",
    title="Spring",
    license="CC BY 4.0",
    citation=(
        "Mehl et al., Spring: A High-Resolution High-Detail Dataset and Benchmark for Scene Flow, Optical Flow and "
        "Stereo, CVPR 2023"
    ),
    homepage="https://spring-benchmark.org",
    layout=(
        "train/0001/frame_left/frame_left_0001.png\n"
        "train/0001/disp1_left/disp1_left_0001.dsp5\n"
        "train/0001/cam_data/intrinsics.txt\n"
        "train/0001/maps/skymap_left/skymap_left_0001.png (if the folder is there)"
    ),
    label="depth",
    unit="metres, 0.065 fx / disparity; NaN and infinite disparity invalid, 0 and the sky map +inf",
    splits=("train",),
    default_split=None,
    opener=open_spring,
    verified=(
        "layout, baseline and cameras by cv-stuttgart/spring_utils, sky maps by public loaders; files made by hand"
    ),
    traps=(
        "Disparity has twice the rows and columns of the picture, in pixels of the picture; every other is taken. "
        "Without the sky maps sky has the depth that was rendered. The right camera needs cameras=[right]."
    ),
)
