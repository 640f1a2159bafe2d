# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names that folders of images, of labels and of splits have in datasets for depth."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .decoding.depth_maps import LABELS


IMAGE_NAMES = frozenset(
    {"color", "colors", "colour", "colours", "image", "images", "img", "imgs", "photo", "photos", "rgb", "rgbs"}
)
LABEL_NAMES = {
    "depth": frozenset(
        {"depth", "depth_gt", "depth_map", "depth_maps", "depthmap", "depthmaps", "depths", "groundtruth_depth"}
        | {"gt_depth"}
    ),
    "disparity": frozenset(
        {"disp", "disparities", "disparity", "disparity_map", "disparity_maps", "disparitymap", "disparitymaps"}
    ),
}
# The name that the library `datasets` has for a split comes first.
SPLITS = (("train", "training"), ("validation", "val", "valid", "dev"), ("test", "testing"))


def normalize(name: str) -> str:
    """Return the name of a folder as the names of this file are written."""
    return name.lower().replace("-", "_").replace(" ", "_")


def split_names(split: str) -> tuple[str, ...]:
    """Return the names of a split, its own first: "val" is "validation" too."""
    others = next((names for names in SPLITS if split.lower() in names), ())
    return (split, *(name for name in others if name != split))


def is_split(name: str) -> bool:
    """Tell whether a folder has the name of a split."""
    return any(name.lower() in names for names in SPLITS)


def image_folder(folders: Iterable[Path], parent: Path) -> Path | None:
    """Return the folder of images among these.

    Raises:
        ValueError: several have such a name, and none of them is `images`.
    """
    return _only([each for each in folders if normalize(each.name) in IMAGE_NAMES], "images", parent)


def label_folder(folders: Iterable[Path], label: str, parent: Path) -> Path | None:
    """Return the folder of labels among these.

    Raises:
        ValueError: several have such a name, and none of them is exactly `label`.
    """
    return _only([each for each in folders if normalize(each.name) in LABEL_NAMES[label]], label, parent)


def is_label_folder(name: str) -> bool:
    """Tell whether a folder has the name of one of labels."""
    return any(normalize(name) in LABEL_NAMES[label] for label in LABELS)


def _only(found: list[Path], preferred: str, parent: Path) -> Path | None:
    exact = [each for each in found if each.name == preferred]
    if len(found) > 1 and not exact:
        names = [f"{each.name}/" for each in found]
        raise ValueError(
            f"{parent}: each of {', '.join(names)} could hold the {preferred}; name one of them {preferred}/"
        )
    return exact[0] if exact else found[0] if found else None
