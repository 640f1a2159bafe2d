# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of CARLA: pictures and raw depth in folders whose names differ by a word."""

from __future__ import annotations

import math
import os
import re
from functools import partial
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import centred_matrix, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


CARLA_RULES = LabelRules("depth", encoding="carla")
# What stands in the place of "depth" in the names of folders and files of pictures, in the order of trials.
PICTURE_WORDS = ("rgb", "RGB", "image", "images", "color", "colour")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
DEPTH_WORD = re.compile("depth", re.IGNORECASE)
LEVELS = 4


def open_carla(
    root: Path, split: str | None, *, picture_word: str | None = None, fov: float | None = 90.0
) -> PublicSamples:
    """Find the frames of recordings of CARLA.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        picture_word: what stands for "depth" in the names of the pictures' folders; None tries rgb, image and color.
        fov: degrees between the left and the right border of the pictures, as CARLA has it; None: no intrinsics.

    Raises:
        ValueError: a view that no pinhole has.
    """
    if fov is not None and not 0 < fov < 180:
        raise ValueError(f"fov must be between 0 and 180 degrees, got {fov:g}")
    words = PICTURE_WORDS if picture_word is None else (picture_word,)
    pictures_of: dict[str, tuple[str, dict[str, str]]] = {}
    frames = []
    for depth in matches(root, *("*/" * level + "*[Dd]epth*/*.png" for level in range(LEVELS))):
        folder, name = os.path.split(depth)
        if folder not in pictures_of:
            pictures_of[folder] = _pictures_beside(folder, words)
        other, pictures = pictures_of[folder]
        # One that is missing is told by the name that it should have.
        named = str(Path(other, DEPTH_WORD.sub(words[0], name)))
        picture = pictures.get(DEPTH_WORD.sub("", Path(name).stem), named)
        frames.append(Frame(path_below(root, picture), (picture, depth)))
    return PublicSamples("depth", frames, partial(_read_carla, fov=fov))


def _pictures_beside(folder: str, words: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return the first folder of pictures that is there, and its pictures by their stems without its word."""
    parent, name = os.path.split(folder)
    for word in words:
        other = os.path.join(parent, DEPTH_WORD.sub(word, name))
        if os.path.isdir(other):
            found = (each for each in sorted(os.listdir(other)) if each.lower().endswith(PICTURE_SUFFIXES))
            return other, {Path(each).stem.replace(word, ""): os.path.join(other, each) for each in found}
    return os.path.join(parent, DEPTH_WORD.sub(words[0], name)), {}


def _read_carla(frame: Frame, fov: float | None) -> Sample:
    sample = read_pair(frame, CARLA_RULES)
    if fov is not None:
        height, width = sample["depth"].shape
        sample["intrinsics"] = centred_matrix(width / 2 / math.tan(math.radians(fov) / 2), height, width)
    return sample


CARLA = PublicDataset(
    name="carla",
    title="CARLA recordings",
    license="that of the recording (CARLA's code: MIT)",
    citation="Dosovitskiy et al., CARLA: An Open Urban Driving Simulator, CoRL 2017, and the authors of the recording",
    homepage="https://carla.readthedocs.io/en/latest/ref_sensors/#depth-camera",
    layout=(
        "rgb/000001.png and depth/000001.png, in up to three folders, by any of these pairs of names:\n"
        "rgb_front and depth_front, CameraRGB and CameraDepth, image_0 and depth_0, color and depth"
    ),
    label="depth",
    unit="metres; the files hold 24 bits of 1000 m, red the lowest, 2^24 - 1 (the far plane) is +inf",
    splits=("train",),
    default_split=None,
    opener=open_carla,
    verified=(
        "numbers by CARLA's documents and ColorConverter.h; there is no official layout: these are of public "
        "recorders; files made by hand"
    ),
    traps=(
        "Record depth raw: pictures of ColorConverter.Depth and LogarithmicDepth are grey and refused, and so are "
        "raw ones with red and blue exchanged. OpenCV gives the channels as B, G, R. Intrinsics are of CARLA's "
        "default view; other cameras need fov=."
    ),
)
