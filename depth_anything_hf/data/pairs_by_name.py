# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pair the images of a folder with the labels of another one by the names of the files."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from ..utils.messages import counted
from .decoding.depth_maps import LABEL_SUFFIXES
from .decoding.files import files_below, visible_files
from .decoding.images import IMAGE_SUFFIXES
from .layout_names import drop_kind_words
from .left_out import describe_kinds, warn_of_left_out
from .predicted_labels import drop_format_ending, listed_labels, without_pictures
from .prediction_list import OwnFiles


# COLMAP calls the maps of a.jpg a.jpg.geometric.bin and a.jpg.photometric.bin.
OF_COLMAP = re.compile(r"\.(?:jpe?g|png|tiff?)\.(?:geometric|photometric)$", re.IGNORECASE)


class NoCommonNameError(ValueError):
    """No image of a folder has a label of the same name in the folder beside it."""


def pairs_by_name(images: Path, labels: Path) -> list[tuple[Path, Path]]:
    """List (image, label) of two folders whose files have equal names, but for suffixes and words such as depth.

    Of what `predict` has written, the file of numbers that is the most exact belongs to its image.

    Raises:
        NoCommonNameError: no two names are equal.
        ValueError: two files of one folder have the same name, except for the suffix.
    """
    image_paths = _by_stem(files_below(images, IMAGE_SUFFIXES), images)
    label_files = files_below(labels, LABEL_SUFFIXES)
    listed = listed_labels(image_paths, labels)
    if listed:
        written = OwnFiles()
        label_files = [path for path in label_files if path not in written]
    else:
        label_files = without_pictures(label_files)
    label_paths = {**_by_stem(label_files, labels), **listed}
    if not set(image_paths) & set(label_paths):
        image_paths, label_paths = _without_kind(image_paths), _without_kind(label_paths)
    matched = [stem for stem in image_paths if stem in label_paths]
    if not matched:
        raise NoCommonNameError(
            f"no image of {images} ({counted(len(image_paths), 'image')}) has a label of the same name, except "
            f"for the suffix, "
            f"in {labels} ({counted(len(label_paths), 'label')}, which end in one of {sorted(LABEL_SUFFIXES)}); "
            f"rename the files "
            "so that they match, name their pairs in a text list, or convert the labels"
            + _describe_unknown(images, IMAGE_SUFFIXES)
            + _describe_unknown(labels, LABEL_SUFFIXES)
        )
    for kind, paths, others, folder in (
        ("image", image_paths, label_paths, labels),
        ("label", label_paths, image_paths, images),
    ):
        lonely = [str(path) for stem, path in paths.items() if stem not in others]
        if lonely:
            other = "label" if kind == "image" else "image"
            warnings.warn(
                f"{len(lonely)} of {len(paths)} {kind}s have no {other} in {folder} and are skipped, e.g. {lonely[0]}",
                stacklevel=2,
            )
    for folder, suffixes in ((images, IMAGE_SUFFIXES), (labels, LABEL_SUFFIXES)):
        warn_of_left_out(folder, _unknown_in(folder, suffixes), "not in a format that is read here")
    return [(image_paths[stem], label_paths[stem]) for stem in matched]


def _unknown_in(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    known = set(suffixes)
    return [path for path in visible_files(folder) if path.suffix.lower() not in known]


def _describe_unknown(folder: Path, suffixes: Iterable[str]) -> str:
    kinds = describe_kinds(_unknown_in(folder, suffixes))
    return f"; in a format that is not read there: {kinds} in {folder}" if kinds else ""


def _without_kind(paths: dict[str, Path]) -> dict[str, Path]:
    """Return the files by names without the words for image and label, as in rgb_0.png and depth_0.png."""
    shortened: dict[str, Path] = {}
    for stem, path in paths.items():
        folder, _, name = stem.rpartition("/")
        short = f"{folder}/{drop_kind_words(drop_format_ending(name))}"
        if short in shortened:
            # Then these words are not what tells image and label apart.
            return paths
        shortened[short] = path
    return shortened


def _by_stem(files: Iterable[Path], root: Path) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for path in files:
        stem = OF_COLMAP.sub("", path.relative_to(root).with_suffix("").as_posix())
        if stem in paths:
            raise ValueError(f"{paths[stem]} and {path} have the same name, except for the suffix; keep one of them")
        paths[stem] = path
    return paths
