# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ScanNet: rooms seen by a tablet with a depth camera, as .sens or as exported frames."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...utils.paths import local_path
from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..samples import Sample
from .captures import MILLIMETRES, in_order, join_capture, scenes_of_split, take_every
from .formats import numbers_in
from .frames import Frame, PublicSamples, lines_of, matches, path_below, require_file
from .sens import read_sens_frame, read_sens_header
from .spec import PublicDataset


def open_scannet(root: Path, split: str | None, *, split_list: str | None = None, every: int = 1) -> PublicSamples:
    """Find the frames of ScanNet: exported ones where a scan has them, else those of its .sens.

    Args:
        root: the folder with the files of `PublicDataset.layout`, or a scan.
        split: "train", "val" or "test", by the list of scans; None takes all.
        split_list: list of the split's scans, if `scannetv2_train.txt` and so on is not in the root.
        every: 25 takes every 25th frame of a scan.

    Raises:
        FileNotFoundError: the list is needed and missing.
        UnreadableImageError: a .sens is damaged.
    """
    own = [root] if root.name.startswith("scene") else []
    found = {place.name: place for place in own}
    for folder in matches(root, *(f"{above}scene*_*" for above in ("", "scans/", "scans_test/", "*/scans/"))):
        if Path(folder).is_dir():
            found.setdefault(Path(folder).name, Path(folder))
    names, source = None, None
    if split is not None:
        source = local_path(split_list) if split_list else root / f"scannetv2_{split}.txt"
        advice = "it lists the scans of the split and is published in ScanNet/ScanNet, Tasks/Benchmark"
        names = lines_of(require_file(source, advice))
    frames: list[Frame] = []
    for scan in scenes_of_split(found, names, SCANNET.title, source):
        frames += _exported(root, scan, every) if (scan / "depth").is_dir() else _packed(root, scan, every)
    return PublicSamples("depth", frames, _read_scannet)


def _exported(root: Path, scan: Path, every: int) -> list[Frame]:
    cameras = [
        next((place for place in _camera_places(scan, kind) if place.is_file()), None) for kind in ("color", "depth")
    ]
    details, known = tuple(cameras), tuple(str(camera) for camera in cameras if camera is not None)
    frames, folder = [], str(scan / "color")
    for depth in take_every(in_order(matches(scan / "depth", "*.png")), every):
        picture = os.path.join(folder, os.path.basename(depth).removesuffix(".png") + ".jpg")
        frames.append(Frame(path_below(root, picture), (picture, *known, depth), details))
    return frames


def _camera_places(scan: Path, kind: str) -> tuple[Path, Path]:
    # As SensReader exports it, and as it is in scannet_frames_25k.
    return scan / "intrinsic" / f"intrinsic_{kind}.txt", scan / f"intrinsics_{kind}.txt"


def _packed(root: Path, scan: Path, every: int) -> list[Frame]:
    frames = []
    for stream in matches(scan, "*.sens"):
        name, count = path_below(root, stream), read_sens_header(stream).frames
        frames += [Frame(f"{name}:{index}", (stream,), index) for index in take_every(range(count), every)]
    return frames


def _read_scannet(frame: Frame) -> Sample:
    if isinstance(frame.details, int):
        image, depth, header = read_sens_frame(frame.files[0], frame.details)
        color, mapped = header.color_intrinsics, header.depth_intrinsics
        return join_capture(image, depth, mapped if image.shape[:2] == depth.shape else color)
    image, depth = read_image(frame.files[0]), MILLIMETRES.read(frame.files[-1])
    # Pictures that were exported at the size of the maps have the camera of the maps.
    camera = frame.details[1] if image.shape[:2] == depth.shape else frame.details[0]
    return join_capture(image, depth, None if camera is None else _read_camera(str(camera)))


def _read_camera(path: str) -> np.ndarray:
    """Return the intrinsics (3, 3) of a matrix (4, 4) in a text file."""
    content, name = read_bytes(path)
    numbers = numbers_in(content.decode("utf-8", "replace"))
    if len(numbers) != 16:
        raise UnreadableImageError(f"{name}: expected a matrix of sixteen numbers, got {len(numbers)}")
    return np.array(numbers).reshape(4, 4)[:3, :3]


SCANNET = PublicDataset(
    name="scannet",
    title="ScanNet",
    license="ScanNet's Terms of Use, non-commercial: unverified",
    citation="Dai et al., ScanNet: Richly-annotated 3D Reconstructions of Indoor Scenes, CVPR 2017",
    homepage="http://www.scan-net.org",
    layout=(
        "scans/scene0000_00/scene0000_00.sens (likewise scans_test/)\n"
        "or exported: scene0000_00/color/0.jpg, depth/0.png, intrinsic/intrinsic_color.txt, intrinsic_depth.txt\n"
        "or scannet_frames_25k: scene0000_00/color/000000.jpg, depth/000000.png, intrinsics_color.txt\n"
        "scannetv2_train.txt, scannetv2_val.txt, scannetv2_test.txt (for a split)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres (.sens: its own depth_shift), 0 and 65535 invalid",
    splits=("train", "val", "test"),
    default_split=None,
    opener=open_scannet,
    verified="layout and .sens by ScanNet/ScanNet, SensReader/python; files made by hand",
    traps=(
        "2.5 million frames: every=25 takes one a second or so. Pictures are 1296 x 968, maps 640 x 480, and are "
        "enlarged by the nearest value. Colour and depth are of two cameras: how well they are registered is "
        "unverified. A .sens is read in place; only its index of frames is kept."
    ),
)
