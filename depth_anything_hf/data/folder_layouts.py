# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Layouts of local folders: which files are images, and which label belongs to which image."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .decoding.depth_maps import LABEL_SUFFIXES, LABELS
from .decoding.files import files_below
from .decoding.images import IMAGE_SUFFIXES


def images_in(root: Path) -> list[Path]:
    """List the images of a folder in one of the layouts, or anywhere below it; a file is a list of one.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: a damaged `metadata.jsonl`.
    """
    if not root.exists():
        raise FileNotFoundError(f"{root}: no such folder")
    if root.is_file():
        return [root]
    if (root / "metadata.jsonl").is_file():
        return [root / row["file_name"] for _, row in metadata_rows(root / "metadata.jsonl") if row.get("file_name")]
    is_paired = (root / "images").is_dir() and any((root / label).is_dir() for label in LABELS)
    return files_below(root / "images" if is_paired else root, IMAGE_SUFFIXES)


def pairs_in_folder(root: Path, label: str) -> list[tuple[Path, Path]]:
    """List (image, label) of a folder, either by its `metadata.jsonl` or by equal names in two sub-folders.

    Raises:
        FileNotFoundError: no such folder, or neither layout is there.
        ValueError: no pairs, a damaged `metadata.jsonl`, or two files of the same name.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    if (root / "metadata.jsonl").is_file():
        return _pairs_in_metadata(root / "metadata.jsonl", label)
    if (root / "images").is_dir() and (root / label).is_dir():
        return _pairs_by_stem(root / "images", root / label)
    entries = sorted(entry.name for entry in root.iterdir())[:10]
    raise FileNotFoundError(
        f"{root}: expected metadata.jsonl, or the folders images/ and {label}/; "
        + (f"found {entries}" if entries else "the folder is empty")
    )


def _pairs_in_metadata(metadata: Path, label: str) -> list[tuple[Path, Path]]:
    column = f"{label}_file_name"
    pairs = []
    for number, row in metadata_rows(metadata):
        for needed in ("file_name", column):
            if not row.get(needed):
                raise ValueError(f"{metadata}, line {number}: expected the key {needed!r}, got the keys {sorted(row)}")
        pairs.append((metadata.parent / row["file_name"], metadata.parent / row[column]))
    if not pairs:
        raise ValueError(f"{metadata}: no rows; expected a JSON object with file_name and {column} on each line")
    return pairs


def metadata_rows(metadata: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, row) of a `metadata.jsonl`.

    Raises:
        ValueError: a line is not a JSON object; the message names it.
    """
    with metadata.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"{metadata}, line {number}: expected a JSON object, got text that is not JSON: {error}"
                ) from error
            if not isinstance(row, dict):
                raise ValueError(f"{metadata}, line {number}: expected a JSON object, got {type(row).__name__}")
            yield number, row


def _pairs_by_stem(images: Path, labels: Path) -> list[tuple[Path, Path]]:
    image_paths, label_paths = _by_stem(images, IMAGE_SUFFIXES), _by_stem(labels, LABEL_SUFFIXES)
    matched = [stem for stem in image_paths if stem in label_paths]
    if not matched:
        raise ValueError(
            f"no image of {images} ({len(image_paths)} images) has a label of the same name, except for the suffix, "
            f"in {labels} ({len(label_paths)} labels, which end in one of {sorted(LABEL_SUFFIXES)}); rename the files "
            "so that they match, or convert the labels"
        )
    lonely = [str(path) for stem, path in image_paths.items() if stem not in label_paths]
    if lonely:
        warnings.warn(
            f"{len(lonely)} of {len(image_paths)} images have no label in {labels} and are skipped, e.g. {lonely[0]}",
            stacklevel=2,
        )
    return [(image_paths[stem], label_paths[stem]) for stem in matched]


def _by_stem(root: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for path in files_below(root, suffixes):
        stem = path.relative_to(root).with_suffix("").as_posix()
        if stem in paths:
            raise ValueError(f"{paths[stem]} and {path} have the same name, except for the suffix; keep one of them")
        paths[stem] = path
    return paths
