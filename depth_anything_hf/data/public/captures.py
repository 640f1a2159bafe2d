# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What readers of recordings share: maps smaller than their pictures, confidence, cameras, every Nth frame."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...utils.option_errors import check_choice
from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_stored_image
from ..pair_sizes import enlarge_to
from ..samples import Sample


Item = TypeVar("Item")

MILLIMETRES = LabelRules("depth", encoding="mm")
# Confidence of ARKit, low, medium and high, as its recorders store it.
ARKIT_LEVELS = (0, 1, 2)
CONFIDENCE_BESIDE = "../confidence/{stem}.png"


def read_capture(picture: str, depth: str, rules: LabelRules, intrinsics: np.ndarray | None) -> Sample:
    """Read a picture as its sensor stores it, and its map, enlarged by the nearest value to the picture's size.

    Args:
        picture: file of an image; an EXIF orientation does not turn it, because maps have none.
        depth: file of the map.
        rules: how it is written.
        intrinsics: of the picture as stored, (3, 3) pixels; None: not known.
    """
    return join_capture(read_stored_image(picture)[0], rules.read(depth), intrinsics)


def join_capture(image: np.ndarray, depth: np.ndarray, intrinsics: np.ndarray | None) -> Sample:
    """Return a sample of an image (H, W, 3) and a map that may be smaller."""
    sample: Sample = {"image": image, "depth": enlarge_to(depth, image.shape[:2])}
    if intrinsics is not None:
        sample["intrinsics"] = np.array(intrinsics, dtype=np.float64)
    return sample


def take_every(items: Sequence[Item], every: int) -> Sequence[Item]:
    """Return the first item, and those that are a multiple of `every` after it.

    Raises:
        ValueError: less than 1.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}; 10 takes every tenth frame of a recording")
    return items[::every]


def in_order(paths: Sequence[str]) -> list[str]:
    """Sort paths by the numbers in their names, so that 10 comes after 9."""

    def key(path: str) -> tuple[Any, ...]:
        folder, name = os.path.split(path)
        # Every second part is a number.
        words = enumerate(re.split(r"(\d+)", name))
        return folder, [(0, int(word), "") if odd % 2 else (1, 0, word) for odd, word in words if word]

    return sorted(paths, key=key)


def scenes_of_split(
    found: Mapping[str, Path], names: Sequence[str] | None, title: str, source: Path | None
) -> list[Path]:
    """Return the folders of the scenes of a split, in the order of its list; those that are absent are warned of.

    Args:
        found: folders of the scenes on disk, by their names.
        names: scenes of the split; None takes all on disk.
        title: of the data set.
        source: the list, for the warning.
    """
    if names is None:
        return list(found.values())
    absent = [name for name in names if name not in found]
    if absent and len(absent) < len(names):
        warnings.warn(
            f"{len(absent)} of {len(names)} scenes of {title} in {source} are not on disk, e.g. {absent[0]}",
            stacklevel=4,
        )
    return [found[name] for name in names if name in found]


def check_confidence(min_confidence: int | None) -> None:
    """Check a least level of confidence: 0 low, 1 medium, 2 high; None: it is left out.

    Raises:
        ValueError: another level.
    """
    check_choice("min_confidence", min_confidence, (None, *ARKIT_LEVELS))


def confidence_rules(
    has_confidence: bool, min_confidence: int | None, levels: Sequence[int] = ARKIT_LEVELS
) -> LabelRules:
    """Return how millimetres of a phone are read: without pixels of less confidence than a level.

    Args:
        has_confidence: whether the recording has maps of confidence, as `CONFIDENCE_BESIDE` names them.
        min_confidence: 0, 1 or 2; None takes 1 where there are maps of confidence, else 0.
        levels: least stored number of each level.
    """
    level = min_confidence if min_confidence is not None else int(has_confidence)
    if level == 0:
        return MILLIMETRES
    return LabelRules("depth", encoding=f"mm:min_confidence={levels[level]},confidence={CONFIDENCE_BESIDE}")


def read_json(path: Path | str) -> Any:
    """Read a JSON file; one that tells of many frames is kept.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: no JSON.
    """
    place = Path(path)
    if not place.is_file():
        raise FileNotFoundError(f"{place}: no such file")
    return _read_json(place, place.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_json(path: Path, time: int) -> Any:
    # `time` is that of the file's last change.
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnreadableImageError(f"{path}: expected JSON, this is damaged: {error}") from error


def numbers_of(source: Mapping[str, Any], keys: Sequence[str], path: Path | str) -> list[float]:
    """Return numbers of a JSON object by their keys.

    Raises:
        UnreadableImageError: one is missing or no number; the message names the file.
    """
    try:
        return [float(source[key]) for key in keys]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{path}: expected the numbers {', '.join(keys)}, got {error!r}") from error
