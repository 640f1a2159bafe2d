# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names that folders of images, of labels and of splits have in datasets for depth."""

from __future__ import annotations

import re
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

# Words of file names that tell image and label of a pair apart.
_KIND_WORDS = re.compile(
    r"(^|[-_. ])(sync|rgb|rgbs|image|img|color|colour|photo|depth|depths|depthmap|disparity|disp|map|gt)(?=[-_. ]|$)",
    re.IGNORECASE,
)
_FURTHER_WORDS = frozenset({"dmap", "dmaps", "invdepth", "zdepth"})


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


def label_folder(folders: Iterable[Path], label: str, parent: Path, told: Iterable[Path] = ()) -> Path | None:
    """Return the folder of labels among these.

    Args:
        folders: candidates.
        label: "depth" or "disparity".
        parent: their folder, for messages.
        told: those of them that hold such labels whatever their names say.

    Raises:
        ValueError: several have such a name, and none of them is exactly `label`.
    """
    others = set(told)
    found = [each for each in folders if each in others or normalize(each.name) in LABEL_NAMES[label]]
    return _only(found, label, parent)


def is_label_folder(name: str) -> bool:
    """Tell whether a folder has the name of one of labels."""
    return any(normalize(name) in LABEL_NAMES[label] for label in LABELS)


def names_a_label(name: str) -> bool:
    """Tell whether a word in the name of a file or folder is one of labels, as in `0_depth` and `pred-disp2`."""
    words = (word.strip("0123456789") for word in re.split(r"[-_. ]", name.lower()))
    return is_label_folder(name) or any(is_label_folder(word) or word in _FURTHER_WORDS for word in words)


def drop_kind_words(name: str) -> str:
    """Return the name of a file without the words for image and label, as in rgb_0 and depth_0."""
    return _KIND_WORDS.sub("", name).strip("-_. ")


def _only(found: list[Path], preferred: str, parent: Path) -> Path | None:
    exact = [each for each in found if each.name == preferred]
    if len(found) > 1 and not exact:
        names = [f"{each.name}/" for each in found]
        raise ValueError(
            f"{parent}: each of {', '.join(names)} could hold the {preferred}; name one of them {preferred}/"
        )
    return exact[0] if exact else found[0] if found else None
