# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""NYU Depth V2: rooms seen by a Kinect, as MATLAB files or as PNG in one of several layouts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample
from .formats import pinhole_matrix, read_hdf5, read_matlab
from .frames import DEPTH_RULES, MILLIMETRE_RULES, Frame, PublicSamples, matches, path_below, require_file, swap_last
from .spec import PublicDataset


# Colour camera of the toolbox's camera_params.m, whose pixel indices start at 1.
NYU_INTRINSICS = pinhole_matrix(518.857901, 519.469611, 325.582449 - 1, 253.736166 - 1)
NYU_MATLAB, NYU_SPLITS = "nyu_depth_v2_labeled.mat", "splits.mat"


def open_nyu(root: Path, split: str | None, *, filled: bool = False) -> PublicSamples:
    """Find the frames of NYU Depth V2, in MATLAB files or as PNG files in one of several layouts.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" (795 images) or "test" (654 images, Eigen's).
        filled: take depth with its holes filled in, not the raw depth of the sensor.

    Raises:
        FileNotFoundError: `splits.mat` is missing beside the labelled dataset.
        ImportError: h5py or scipy is missing for MATLAB files.
        UnreadableImageError: `splits.mat` is damaged.
    """
    if (root / NYU_MATLAB).is_file() or (root / NYU_SPLITS).is_file():
        return _open_nyu_matlab(root, split, filled)
    folder = _nyu_folder(root, str(split))
    pairs = _nyu_pairs(folder, filled) if folder else ()
    frames = [Frame(path_below(folder or root, picture), (picture, depth)) for picture, depth in pairs]
    return PublicSamples("depth", frames, _read_nyu_png)


def _nyu_folder(root: Path, split: str) -> Path | None:
    """Return the folder of a split; the root itself only if it has no folder of another split."""
    folders = [root / "official_splits" / split, root / split, *([root / "sync"] if split == "train" else [])]
    other = [root / name for name in ("official_splits", "train", "test") if (root / name).is_dir()]
    return next((folder for folder in folders if folder.is_dir()), None if other else root)


def _open_nyu_matlab(root: Path, split: str | None, filled: bool) -> PublicSamples:
    # Indices in the file start at 1.
    splits = read_matlab(require_file(root / NYU_SPLITS, "it is published beside the labelled dataset"))
    try:
        indices = np.atleast_1d(splits["trainNdxs" if split == "train" else "testNdxs"]).astype(int) - 1
    except KeyError as error:
        raise UnreadableImageError(f"{root / NYU_SPLITS}: expected trainNdxs and testNdxs") from error
    labelled = str(root / NYU_MATLAB)
    frames = [Frame(f"nyu_{index + 1:04d}", (labelled,), int(index)) for index in indices]
    return PublicSamples("depth", frames, partial(_read_nyu_matlab, key="depths" if filled else "rawDepths"))


def _nyu_pairs(root: Path, filled: bool) -> Iterator[tuple[str, str]]:
    label = "filled_" if filled else "depth_"
    pictures = matches(root, "*.jpg", "*.png", "*/*.jpg", "*/*.png", "*/*/*.jpg", "*/*/*.png")
    known = set(pictures)
    for picture in pictures:
        folder, name = os.path.split(picture)
        stem = os.path.splitext(name)[0]
        if name.startswith("rgb_"):
            number = stem[len("rgb_") :]
            synchronized = os.path.join(folder, f"sync_depth_{number}.png")
            has_synchronized = not filled and synchronized in known
            yield picture, synchronized if has_synchronized else os.path.join(folder, f"{label}{number}.png")
        elif os.path.basename(folder) == "rgb":
            yield picture, os.path.join(swap_last(folder, "rgb", "depth"), f"{stem}.png")
        elif name.endswith(".jpg") and os.path.join(folder, f"{stem}.png") in known:
            yield picture, os.path.join(folder, f"{stem}.png")


def _read_nyu_matlab(frame: Frame, key: str) -> Sample:
    # MATLAB stores columns first: (3, W, H) and (W, H).
    image = read_hdf5(frame.files[0], "images", frame.details).transpose(2, 1, 0)
    depth = read_hdf5(frame.files[0], key, frame.details).T
    return {
        "image": np.ascontiguousarray(image),
        "depth": DEPTH_RULES.apply(depth, f"{frame.files[0]}, {frame.name}"),
        "intrinsics": NYU_INTRINSICS.copy(),
    }


def _read_nyu_png(frame: Frame) -> Sample:
    picture, depth = frame.files
    sample: Sample = {"image": read_image(picture), "depth": MILLIMETRE_RULES.read(depth)}
    if sample["image"].shape[:2] == (480, 640):
        sample["intrinsics"] = NYU_INTRINSICS.copy()
    return sample


NYU = PublicDataset(
    name="nyu",
    title="NYU Depth V2",
    license="the authors' own terms: unverified",
    citation="Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012",
    homepage="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
    layout=(
        "nyu_depth_v2_labeled.mat and splits.mat\n"
        "or 16-bit PNG in millimetres: test/bathroom/rgb_00045.jpg and sync_depth_00045.png (or depth_00045.png); "
        "rgb/NAME.jpg and depth/NAME.png; NAME.jpg beside NAME.png"
    ),
    label="depth",
    unit="metres; 0 invalid (PNG: also 65535)",
    splits=("train", "test"),
    default_split="test",
    opener=open_nyu,
    verified="layouts by other public code; 16-bit PNG with a genuine file, MATLAB files made by hand",
    traps=(
        "test is Eigen's 654 images. The label is the raw sensor depth; filled=True gives the painted-in one, "
        "against which AbsRel is worse by about 0.01."
    ),
)
