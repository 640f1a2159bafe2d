# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""DA-2K: pairs of points, of which one is nearer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.option_errors import check_choice
from ..decoding.errors import BrokenSampleError
from ..decoding.images import read_image
from ..samples import Sample
from .frames import Frame, PublicSamples
from .spec import PublicDataset


def open_da_2k(root: Path, split: str | None, *, scenario: str | None = None) -> PublicSamples:
    """Find the images of DA-2K, with their pairs of points.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "test" or None; there is no other.
        scenario: one of the folders of images, such as "indoor"; None takes all.

    Raises:
        ValueError: damaged annotations, or an unknown scenario.
    """
    root = root / "DA-2K" if (root / "DA-2K" / "annotations.json").is_file() else root
    path = root / "annotations.json"
    if not path.is_file():
        return PublicSamples(None, [], _read_da_2k)
    try:
        annotations = json.loads(path.read_text(encoding="utf-8"))
        frames = [
            Frame(name, (str(root / name),), _da_2k_points(pairs)) for name, pairs in sorted(annotations.items())
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: expected {{image: [{{point1: [row, column], point2: [row, column], closer_point}}]}}: {error!r}"
        ) from error
    if scenario is not None:
        check_choice("scenario", scenario, sorted({_scenario(frame) for frame in frames}))
        frames = [frame for frame in frames if _scenario(frame) == scenario]
    return PublicSamples(None, frames, _read_da_2k)


def _scenario(frame: Frame) -> str:
    return Path(frame.name).parent.name


def _da_2k_points(pairs: Iterable[Mapping[str, Any]]) -> tuple[list[list[int]], list[list[int]]]:
    nearer, farther = [], []
    for pair in pairs:
        check_choice("closer_point", pair["closer_point"], ("point1", "point2"))
        points = [[int(row), int(column)] for row, column in (pair["point1"], pair["point2"])]
        first, second = points if pair["closer_point"] == "point1" else points[::-1]
        nearer.append(first)
        farther.append(second)
    return nearer, farther


def _read_da_2k(frame: Frame) -> Sample:
    image = read_image(frame.files[0])
    height, width = image.shape[:2]
    pairs = {}
    for side, points in zip(("nearer", "farther"), frame.details, strict=True):
        for row, column in points:
            if not (0 <= row < height and 0 <= column < width):
                raise BrokenSampleError(
                    f"{frame.name}: the annotated point (row {row}, column {column}) lies outside the image of "
                    f"{height} x {width} (height x width); is this another version of the image?"
                )
        pairs[side] = np.array(points, dtype=np.int64).reshape(-1, 2)
    return {"image": image, "pairs": pairs, "scenario": _scenario(frame)}


DA_2K = PublicDataset(
    name="da-2k",
    title="DA-2K",
    license="Apache-2.0",
    citation="Yang et al., Depth Anything V2, NeurIPS 2024, arXiv 2406.09414",
    homepage="https://huggingface.co/datasets/depth-anything/DA-2K",
    layout="annotations.json\nimages/indoor/NAME.jpg and so on (DA-2K.zip, unpacked)",
    label="pairs",
    unit="none: of two points, one is nearer; [row, column]",
    splits=("test",),
    default_split=None,
    opener=open_da_2k,
    verified="layout by the authors' dataset card; files made by hand",
    traps="Points are given as (row, column) in the image's own size.",
)
