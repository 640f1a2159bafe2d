# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MoGe's evaluation bundle: ten datasets in one format."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from ..decoding.disparity_codec import LARGEST_CODE
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..decoding.limits import open_picture
from ..samples import Sample
from .formats import PathLike
from .frames import Frame, PublicSamples, lines_of, matches, require_file
from .spec import PublicDataset


def open_moge(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of MoGe's evaluation bundle.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: one of its datasets, such as "NYUv2"; None takes all that are there.

    Raises:
        FileNotFoundError: the list `.index.txt` of a dataset is missing.
    """
    if split is not None and (root / split).is_dir():
        subsets = [root / split]
    elif (root / ".index.txt").is_file():
        subsets = [root] if split in (None, root.name) else []
    else:
        folders = [Path(path) for path in matches(root, "*")] if split is None else []
        subsets = [folder for folder in folders if (folder / ".index.txt").is_file()]
    frames = []
    for subset in subsets:
        index = require_file(subset / ".index.txt", "it lists the samples; hidden files must be downloaded too")
        for name in lines_of(index):
            files = tuple(str(subset / name / file) for file in ("image.jpg", "meta.json", "depth.png"))
            frames.append(Frame(f"{subset.name}/{name}", files))
    return PublicSamples("depth", frames, _read_moge)


def _read_moge(frame: Frame) -> Sample:
    picture, meta_file, depth_file = frame.files
    image = read_image(picture)
    height, width = image.shape[:2]
    try:
        normalized = json.loads(Path(meta_file).read_text(encoding="utf-8"))["intrinsics"]
        intrinsics = np.diag([width, height, 1.0]) @ np.asarray(normalized, dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(
            f"{meta_file}: expected the key intrinsics with 3 x 3 numbers: {error!r}"
        ) from error
    # Normalized coordinates run from border to border.
    intrinsics[:2, 2] -= 0.5
    return {"image": image, "depth": read_log_depth(depth_file), "intrinsics": intrinsics}


def read_log_depth(path: PathLike) -> np.ndarray:
    """Read depth in the 16-bit logarithmic encoding of MoGe (microsoft/MoGe, moge/utils/io.py).

    Code 0 is invalid, and 65535 is infinitely far; codes 1..65534 run in equal ratios from "near" to "far", which are
    texts of the PNG. A text "unit" multiplies the result.

    Returns:
        float32 (H, W); NaN invalid, +inf infinitely far.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not a 16-bit PNG, or without the texts.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with open_picture(path, str(path)) as picture:
            codes, text = np.asarray(picture), dict(picture.info)
        near, far, unit = float(text["near"]), float(text["far"]), float(text.get("unit") or 1.0)
    except UnreadableImageError:
        raise
    except Exception as error:
        # Pillow raises many kinds of exceptions for damaged files.
        raise UnreadableImageError(f"{path}: expected a PNG with the texts near and far: {error!r}") from error
    if codes.ndim != 2 or codes.dtype.kind not in "iu" or not 0 < near <= far < math.inf:
        raise UnreadableImageError(
            f"{path}: expected 16-bit grey and 0 < near <= far, got {codes.dtype} {codes.shape}, {near} and {far}"
        )
    share = (codes.astype(np.float64) - 1) / (LARGEST_CODE - 2)
    depth = near * (far / near) ** np.clip(share, 0, 1) * unit
    depth[codes == 0] = np.nan
    depth[codes == LARGEST_CODE] = np.inf
    return depth.astype(np.float32)


MOGE_BUNDLE = PublicDataset(
    name="moge",
    title="MoGe's evaluation bundle of ten datasets",
    license="that of each dataset in it",
    citation=(
        "Wang et al., MoGe: Unlocking Accurate Monocular Geometry Estimation, CVPR 2025, and each dataset's authors"
    ),
    homepage="https://huggingface.co/datasets/Ruicheng/monocular-geometry-evaluation",
    layout="NYUv2/.index.txt\nNYUv2/SAMPLE/image.jpg, depth.png, meta.json",
    label="depth",
    unit="metres in NYUv2, KITTI, ETH3D, iBims-1, DDAD, DIODE and HAMMER, other units elsewhere; infinite is +inf",
    splits=("NYUv2", "KITTI", "ETH3D", "iBims-1", "GSO", "Sintel", "DDAD", "DIODE", "Spring", "HAMMER"),
    default_split=None,
    opener=open_moge,
    verified="layout and encoding by microsoft/MoGe; files made by hand",
    traps=".index.txt is hidden and often left behind when copying. In GSO infinite depth is the background.",
)
