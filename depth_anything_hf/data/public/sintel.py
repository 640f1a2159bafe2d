# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MPI Sintel: an animated film with depth, in formats of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...utils.option_errors import check_choice
from ..decoding.encodings.sintel import check_sintel_tag, stored_sintel_depth
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .formats import PathLike
from .frames import DEPTH_RULES, Frame, PublicSamples, matches
from .spec import PublicDataset


def open_sintel(root: Path, split: str | None, *, render_pass: str = "final") -> PublicSamples:
    """Find the frames of MPI Sintel.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; only the training part has depth.
        render_pass: "final", "clean" or "albedo".

    Raises:
        ValueError: an unknown pass.
    """
    check_choice("render_pass", render_pass, ("final", "clean", "albedo"))
    frames = []
    for depth in matches(root, "training/depth/*/*.dpt", "depth/*/*.dpt"):
        folder, scene, stem = Path(depth).parents[2], Path(depth).parts[-2], Path(depth).stem
        picture = str(folder / render_pass / scene / f"{stem}.png")
        camera = str(folder / "camdata_left" / scene / f"{stem}.cam")
        frames.append(Frame(f"{render_pass}/{scene}/{stem}", (picture, camera, depth)))
    return PublicSamples("depth", frames, _read_sintel)


def _read_sintel(frame: Frame) -> Sample:
    picture, camera, depth_file = frame.files
    depth = DEPTH_RULES.apply(read_sintel_depth(depth_file), depth_file)
    return {"image": read_image(picture), "depth": depth, "intrinsics": read_sintel_intrinsics(camera)}


def read_sintel_depth(path: PathLike) -> np.ndarray:
    """Read a `.dpt` file of MPI Sintel: tag, width, height, float32 metres.

    Returns:
        float32 (H, W).

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: another tag, or another number of values than in the header.
    """
    return stored_sintel_depth(*read_bytes(path)).copy()


def read_sintel_intrinsics(path: PathLike) -> np.ndarray:
    """Read the intrinsics (3, 3) float64 of a `.cam` file of MPI Sintel.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: another tag, or a truncated file.
    """
    content, name = read_bytes(path)
    check_sintel_tag(content, name)
    if len(content) < 4 + 9 * 8:
        raise UnreadableImageError(
            f"{name}: expected a camera file of at least 76 bytes, got {len(content)}; it is truncated"
        )
    return np.frombuffer(content, dtype="<f8", count=9, offset=4).reshape(3, 3).copy()


SINTEL = PublicDataset(
    name="sintel",
    title="MPI Sintel with depth",
    license="the authors' own terms: unverified",
    citation="Butler et al., A Naturalistic Open Source Movie for Optical Flow Evaluation, ECCV 2012",
    homepage="http://sintel.is.tue.mpg.de/depth",
    layout=(
        "training/final/alley_1/frame_0001.png (or clean, albedo: render_pass=)\n"
        "training/depth/alley_1/frame_0001.dpt\n"
        "training/camdata_left/alley_1/frame_0001.cam"
    ),
    label="depth",
    unit="metres of the film's scale",
    splits=("train",),
    default_split=None,
    opener=open_sintel,
    verified="layout by other public code; files made by hand",
    traps="Sky has large finite values: a protocol must cap them.",
)
