# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files that list which label belongs to which image: the metadata of `imagefolder`, and lines of two paths."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pyarrow import ArrowException, parquet

from ..utils.paths import local_path
from .decoding.depth_maps import LABEL_SUFFIXES, LABELS
from .decoding.images import IMAGE_SUFFIXES
from .index.looks import note_file, note_folder, tell
from .layout_names import IMAGE_NAMES, LABEL_NAMES, normalize, split_names
from .left_out import is_map


METADATA_NAMES = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
LIST_SUFFIXES = frozenset({".csv", ".lst", ".txt"})
# What KITTI's lists write where an image has no label.
NO_LABEL = frozenset({"-", "nan", "none", "null"})
_NUMBER = re.compile(r"[\d.]+([eE][-+]?\d+)?")


def metadata_in(root: Path) -> Path | None:
    """Return the metadata of a folder in the layout of `imagefolder`; None if it has none, or names no files."""
    return next((path for path in _metadata_files(root) if _is_of_images(_keys(path))), None)


def warn_of_unused_metadata(root: Path) -> None:
    """Warn of metadata that names no files: documents of other layouts are called so too."""
    unused = [path for path in _metadata_files(root) if not _is_of_images(_keys(path))]
    if unused and metadata_in(root) is None:
        tell(f"{unused[0]}: has no key file_name and is not read; its keys are {_keys(unused[0])}", stacklevel=3)


def _is_of_images(keys: list[str]) -> bool:
    # One without rows may be unfinished; whoever reads it tells.
    return not keys or _image_key(keys) is not None


def _metadata_files(root: Path) -> list[Path]:
    note_folder(root)
    return [root / name for name in METADATA_NAMES if (root / name).is_file()]


def labels_of_metadata(metadata: Path) -> list[str]:
    """Return the labels that the first row has, depth before disparity."""
    keys = _keys(metadata)
    return [label for label in LABELS if _file_key(keys, LABEL_NAMES[label])]


def _keys(metadata: Path) -> list[str]:
    """Return the keys of the header or of the first row.

    Raises:
        ValueError: it cannot be read.
    """
    note_file(metadata)
    if metadata.suffix == ".csv":
        with metadata.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            keys = list(csv.DictReader(lines).fieldnames or [])
        if not _image_key(keys) and any("file_name" in key.replace("\0", "") for key in keys):
            raise ValueError(f"{metadata}: expected UTF-8 text with commas between the fields, got the header {keys}")
        return keys
    _, first_row = next(iter(metadata_rows(metadata)), (0, {}))
    return list(first_row)


def pairs_in_metadata(metadata: Path, label: str) -> Iterator[tuple[Path, Path]]:
    """Yield (image, label) of the rows.

    Raises:
        ValueError: no rows, a row that cannot be read, or one without image or label.
    """
    column = f"{label}_file_name"
    is_empty = True
    for number, row in metadata_rows(metadata):
        image, map_ = _image_key(row), _file_key(row, LABEL_NAMES[label])
        for needed, key in (("file_name", image), (column, map_)):
            if key is None or not row.get(key):
                raise ValueError(f"{metadata}, line {number}: expected the key {needed!r}, got the keys {sorted(row)}")
        is_empty = False
        yield _named(metadata, number, row[str(image)]), _named(metadata, number, row[str(map_)])
    if is_empty:
        raise ValueError(f"{metadata}: no rows; expected file_name and {column} in each")


def images_in_metadata(metadata: Path) -> Iterator[Path]:
    """Yield the images of the rows.

    Raises:
        ValueError: no rows, or what is no name of a file.
    """
    is_empty = True
    for number, row in metadata_rows(metadata):
        key = _image_key(row)
        if key and row.get(key):
            is_empty = False
            yield _named(metadata, number, row[key])
    if is_empty:
        raise ValueError(f"{metadata}: no rows; expected file_name in each, or no such file")


def _named(metadata: Path, number: int, name: Any) -> Path:
    """Return the file that a cell names."""
    try:
        # JSON can have zero bytes and halves of letters, which no file system takes.
        if b"\0" not in os.fsencode(name):
            return Path(metadata.parent, name)
    except (TypeError, UnicodeEncodeError):
        pass
    raise ValueError(f"{metadata}, line {number}: expected the name of a file, got {name!r}")


def metadata_rows(metadata: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, row) of the metadata of a folder.

    Raises:
        ValueError: a line is not a JSON object or not as long as the header; the message names it.
    """
    if metadata.suffix == ".parquet":
        note_file(metadata)
        try:
            yield from enumerate(parquet.read_table(metadata).to_pylist(), start=1)
        except ArrowException as error:
            raise ValueError(f"{metadata}: not a readable parquet file: {error}") from error
        return
    # The names in it are names of files, which need not be UTF-8.
    note_file(metadata)
    with metadata.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        yield from _csv_rows(metadata, lines) if metadata.suffix == ".csv" else _json_rows(metadata, lines)


def _json_rows(metadata: Path, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
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


def _csv_rows(metadata: Path, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(lines)
    for row in reader:
        # DictReader gives surplus fields the key None, and missing fields the value None.
        if None in row or None in row.values():
            count = len(reader.fieldnames or [])
            raise ValueError(
                f"{metadata}, line {reader.line_num}: expected {count} fields as in the header, got another number; "
                "put fields with a comma in quotes"
            )
        yield reader.line_num, row


def _image_key(row: Iterable[str]) -> str | None:
    return "file_name" if "file_name" in row else _file_key(row, IMAGE_NAMES)


def _file_key(row: Iterable[str], names: Iterable[str]) -> str | None:
    keys = [key for key in row if key.endswith("_file_name") and normalize(key.removesuffix("_file_name")) in names]
    return keys[0] if keys else None


def list_in_folder(root: Path, split: str | None, label: str | None = None) -> Path | None:
    """Return the text list of a folder that pairs images with labels: that of the split, or the only one.

    Raises:
        ValueError: several lists are as near to the split.
    """
    return _one_list(root, split, label, is_named=False)


def list_of_split(root: Path, split: str | None, label: str | None = None) -> Path | None:
    """Return the text list of a folder that has the name of the split and pairs images with labels; None without.

    Args:
        root: the folder.
        split: its name; None is none.
        label: that its names must not contradict; None takes any.

    Raises:
        ValueError: several such lists.
    """
    return None if split is None else _one_list(root, split, label, is_named=True)


def _one_list(root: Path, split: str | None, label: str | None, *, is_named: bool) -> Path | None:
    note_folder(root)
    with os.scandir(root) as entries:
        # Of a million pictures none becomes a path.
        likely = [root / each.name for each in entries if each.name.lower().endswith(tuple(LIST_SUFFIXES))]
    lists = sorted(path for path in likely if path.suffix.lower() in LIST_SUFFIXES and path.is_file())
    names = set(split_names(split or "train"))
    named = [path for path in lists if names & set(re.split(r"[-_. ]", path.stem.lower()))]
    if not named and (is_named or split not in (None, "train")):
        return None
    found = [path for path in named or lists if is_pair_list(path) and _may_have(path, label)]
    if len(found) > 1:
        raise ValueError(
            f"{root}: the lists {[path.name for path in found]} pair images with labels; name one of them"
        )
    return found[0] if found else None


def _may_have(path: Path, label: str | None) -> bool:
    first = _first_label(path)
    kinds = [] if first is None else _kinds_named(first, path)
    return label is None or not kinds or label in kinds


def is_pair_list(path: Path) -> bool:
    """Tell whether a text file pairs images with labels, by the name and the content of its first label."""
    label = _first_label(path)
    if label is None:
        return False
    return bool(_kinds_named(label, path)) or label.suffix.lower() in LABEL_SUFFIXES - IMAGE_SUFFIXES or is_map(label)


def label_of_list(path: Path) -> str | None:
    """Return the label of a list by the folders and the name of its first label; None where it has no labels.

    Raises:
        ValueError: the names do not tell.
    """
    label = _first_label(path)
    if label is None or not is_pair_list(path):
        return None
    kinds = _kinds_named(label, path)
    if len(kinds) != 1:
        raise ValueError(
            f"{path}: the name of {label} does not tell depth from disparity; set label to 'depth' or 'disparity'"
        )
    return kinds[0]


def _first_label(path: Path) -> Path | None:
    return next((label for _, label in _lines(path, is_probe=True) if label is not None), None)


def _kinds_named(label: Path, path: Path) -> list[str]:
    """Return the kinds that the nearest part of a label's path names: folders up to the list, then its own name."""
    above = next((each for each in (path.parent, path.parent.parent) if each in label.parents), Path(label.anchor))
    *folders, name = label.relative_to(above).parts
    for part in (*reversed(folders), name):
        words = {normalize(word) for word in (part, *re.split(r"[-_. ]", part))}
        kinds = [kind for kind in LABELS if words & LABEL_NAMES[kind]]
        if kinds:
            return kinds
    return []


def pairs_in_list(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield (image, label) of a text file with an image, its label, and perhaps a focal length in each line.

    Paths are relative to the folder of the list or to the one above it. Lines whose label is `None` are left out.

    Raises:
        FileNotFoundError: an image or label of the list is not there.
        ValueError: no line has a label.
    """
    lines = missing = 0
    for image, map_ in _lines(path):
        lines += 1
        if map_ is None:
            missing += 1
        else:
            yield image, map_
    if missing == lines:
        raise ValueError(
            f"{path}: expected lines of an image and its label, as in 'rgb/0.png depth/0.png', got none with a label"
        )
    if missing:
        tell(f"{path}: {missing} of {lines} lines have no label and are skipped", stacklevel=2)


def images_in_list(path: Path, is_probe: bool = False) -> Iterator[Path]:
    """Yield the images of a text file, one in each line, perhaps with a label; a probe ends where one is missing.

    Raises:
        FileNotFoundError: a file of the list is not there.
    """
    return (image for image, _ in _lines(path, is_probe))


def _lines(path: Path, is_probe: bool = False) -> Iterator[tuple[Path, Path | None]]:
    """Yield the image and the label, if any, of each line; a probe ends at the first line without files."""
    is_first = True
    note_file(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            found = next(filter(None, (_files(path.parent, words) for words in _divisions(text))), None)
            is_header, is_first = is_first and path.suffix.lower() == ".csv", False
            if found is None and is_header:
                continue
            if found is None and is_probe:
                return
            if found is None:
                raise FileNotFoundError(
                    f"{path}, line {number}: expected an image and its label, below {path.parent} or "
                    f"{path.parent.parent}, got {text!r}; there are no such files"
                )
            yield found


def _files(folder: Path, words: tuple[str, ...]) -> tuple[Path, Path | None] | None:
    """Return the files that the words of a line name; None if one of them is not there."""
    image = _place(folder, words[0])
    if image is None:
        return None
    if len(words) == 1 or words[1].lower() in NO_LABEL:
        return image, None
    label = _place(folder, words[1])
    return None if label is None else (image, label)


def _divisions(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways to read a line as one path or two, the likeliest first; names may have blanks."""
    for separator in ("\t", ",", ";"):
        if separator in text:
            yield tuple(word.strip() for word in text.split(separator)[:2])
    words = text.split()
    if len(words) == 2 or (len(words) > 2 and _NUMBER.fullmatch(words[-1])):
        yield words[0], words[1]
    if len(words) == 4 and _NUMBER.fullmatch(words[0]) and _NUMBER.fullmatch(words[2]):
        # Each with the time of its exposure, as `associate.py` of the TUM RGB-D benchmark writes them.
        yield words[1], words[3]
    yield (text,)
    # The focal length behind two names with blanks.
    for part in (text, text.rsplit(None, 1)[0]):
        for blank in re.finditer(r"\s+", part):
            yield part[: blank.start()], part[blank.end() :]


def _place(folder: Path, word: str) -> Path | None:
    """Return the file that a word names; lists of NYU have a slash before relative paths."""
    word = word.strip("\"'")
    below = word.lstrip("/\\")
    places = [local_path(word)] if local_path(word).is_absolute() else []
    places += [root / below for root in (folder, folder.parent) if below]
    found = None
    for place in places:
        # Also of those where none is: one that comes later would be the one that is meant.
        note_folder(place.parent)
        if os.path.isfile(place):
            found = place
            break
    return found


__all__ = [
    "LIST_SUFFIXES",
    "METADATA_NAMES",
    "images_in_list",
    "images_in_metadata",
    "is_pair_list",
    "label_of_list",
    "labels_of_metadata",
    "list_in_folder",
    "list_of_split",
    "metadata_in",
    "metadata_rows",
    "pairs_in_list",
    "pairs_in_metadata",
    "warn_of_unused_metadata",
]
