# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Map-style datasets of pictures, with or without labels.

An item is a sample:
`{"image": uint8 (H, W, 3) RGB, "depth" | "disparity": float32 (H, W) unless unlabelled, "name": str}`.
In a label NaN is invalid, and sky is depth +inf or disparity 0.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import datasets
import numpy as np

from .decoding.depth_maps import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    LABELS,
    LabelRules,
    decode_disparity,
    read_bytes,
    read_image,
    single_channel,
)
from .decoding.errors import BrokenSampleError, UnreadableImageError


Sample: TypeAlias = dict[str, Any]

LABEL_COLUMNS = {"depth": ("depth", "depth_map"), "disparity": ("disparity",)}


class SampleDataset(Protocol):
    """What the other rooms need of a dataset; `label` is "depth", "disparity" or None (unlabelled)."""

    label: str | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


class DepthFolder:
    """Pictures with depth or disparity maps in a local folder.

    Either a `metadata.jsonl` in the `imagefolder` form of `datasets` (`file_name`, and `depth_file_name` or
    `disparity_file_name`, relative to the folder), or the sub-folders `images/` and `depth/` (or `disparity/`) whose
    files are matched by their path without suffix.

    Args:
        root: the folder.
        label: "depth" (metres after scaling) or "disparity" (any affine scale).
        scale: stored units per metre, see `read_label`.
        invalid_values: stored values that mean no measurement. Default: 0, except for floating-point disparity,
            where 0 is sky. Depth <= 0, NaN and infinite disparity are always invalid.
        sky_value: stored depth values >= this (disparity: <=) are sky.
        max_depth: finite depth beyond this many metres becomes invalid; +inf stays sky.
        limit: use the first this many samples only.

    Raises:
        FileNotFoundError: no such folder, or neither layout is there.
        ValueError: no samples, or a missing column or label.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        label: str = "depth",
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
    ) -> None:
        check_choice("label", label, LABELS)
        self.label: str | None = label
        self._rules = label_rules(label, scale, invalid_values, sky_value, max_depth)
        self._pairs = _pairs_in_folder(Path(root).expanduser(), label)[:limit]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Sample:
        image_path, label_path = self._pairs[index]
        sample = {"image": read_image(image_path), "name": str(image_path)}
        return _with_label(sample, self._rules.label, self._rules.read(label_path), str(label_path))

    def name_of(self, index: int) -> str:
        """Name of a sample, which need not be readable."""
        return str(self._pairs[index][0])


class DepthTable:
    """Samples from the rows of a map-style `datasets.Dataset`.

    The cells are decoded by `reading` when a row is read: pictures and maps as `datasets.Image`, bytes, paths or
    nested lists. A pseudo-label table of this package (`disparity` with `disparity_minimum` and
    `disparity_maximum`) is decoded by `decode_disparity`.

    Args:
        dataset: from `datasets.load_dataset(..., split=...)`, not streaming.
        image_column: column of pictures.
        label_column: column of maps; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for pictures only.
        scale, invalid_values, sky_value, max_depth, limit: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to.

    Raises:
        TypeError: not a map-style dataset.
        ValueError: no rows, or a missing column.
    """

    def __init__(
        self,
        dataset: datasets.Dataset,
        image_column: str = "image",
        label_column: str | None = None,
        label: str | None = None,
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(dataset, datasets.Dataset):
            raise TypeError(f"expected a map-style datasets.Dataset (one split, not streaming), got {type(dataset)}")
        if len(dataset) == 0:
            raise ValueError("the table has no rows")
        self.label = label
        rules = label_rules(label, scale, invalid_values, sky_value, max_depth)
        self._reader = RowReader(dataset.column_names, image_column, label_column, label, rules, root)
        self._rows = _undecoded(dataset if limit is None else dataset.select(range(min(limit, len(dataset)))))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        return self._reader.read(self._rows[int(index)], f"row {index}")

    def name_of(self, index: int) -> str:
        """Name of a sample, which need not be readable."""
        return self.encoded(index)[0]

    def encoded(self, index: int) -> tuple[str, Any]:
        """Name and undecoded picture of a row, see `RowReader.encoded`."""
        return self._reader.encoded(self._rows[int(index)], f"row {index}")


class RowReader:
    """Turns the row of a table, whose pictures are still encoded, into a sample.

    Args:
        columns: of the table.
        image_column: column of pictures.
        label_column: column of maps; by default the first of depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for pictures only.
        rules: how stored values become a label.
        root: folder that relative paths in text cells refer to.

    Raises:
        ValueError: a missing column.
    """

    def __init__(
        self,
        columns: Sequence[str],
        image_column: str,
        label_column: str | None,
        label: str | None,
        rules: LabelRules,
        root: str | os.PathLike[str] | None,
    ) -> None:
        check_choice("label", label, (*LABELS, None))
        self._image_column = _existing_column(columns, (image_column,), "image_column")
        self._label_column = None
        if label is not None:
            candidates = (label_column,) if label_column else LABEL_COLUMNS[label]
            self._label_column = _existing_column(columns, candidates, "label_column")
        self._label = label
        self._rules = rules
        self._root = Path(root or ".")

    def encoded(self, row: Mapping[str, Any], place: str) -> tuple[str, Any]:
        """Returns the name of a row (`place` where it has none) and its picture as `read_image` takes it."""
        image_cell = self._resolved(row[self._image_column])
        path = image_cell.get("path") if isinstance(image_cell, Mapping) else image_cell
        return str(row.get("name") or (path if isinstance(path, str) else None) or place), image_cell

    def read(self, row: Mapping[str, Any], place: str) -> Sample:
        """Decodes a row; `place` says where it stands, for messages and as the name of a row without one."""
        name, image_cell = self.encoded(row, place)
        try:
            sample = {"image": _image_of_cell(image_cell), "name": name}
            if self._label_column is None:
                return sample
            label = self._label_of_row(row, self._label_column)
        except UnreadableImageError as error:
            raise UnreadableImageError(f"{place} ({name}): {error}") from error
        return _with_label(sample, self._rules.label, label, f"column {self._label_column!r}")

    def _label_of_row(self, row: Mapping[str, Any], column: str) -> np.ndarray:
        cell = self._resolved(row[column])
        if cell is None:
            raise UnreadableImageError(f"column {column!r} is empty")
        minimum, maximum = row.get(f"{column}_minimum"), row.get(f"{column}_maximum")
        if self._label == "disparity" and minimum is not None and maximum is not None:
            encoding = row.get(f"{column}_encoding") or "linear"
            return decode_disparity(read_bytes(cell)[0], minimum, maximum, encoding)
        if isinstance(cell, list | np.ndarray):
            return self._rules.apply(single_channel(np.asarray(cell), column), column)
        return self._rules.read(cell)

    def _resolved(self, cell: Any) -> Any:
        return str(self._root / cell) if isinstance(cell, str) else cell


class PhotoFolder:
    """Photographs without labels: all pictures below a folder, sorted by path, or a list of files in its order.

    Hidden files and folders are left out. Of a folder in one of the layouts of `DepthFolder` the pictures are taken
    and the maps are not.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: no pictures.
    """

    label: str | None = None

    def __init__(
        self, root: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], limit: int | None = None
    ) -> None:
        if isinstance(root, str | os.PathLike):
            self._paths = _pictures_in(Path(root).expanduser())[:limit]
            if not self._paths:
                raise ValueError(f"{root}: no pictures with a suffix of {sorted(IMAGE_SUFFIXES)}")
        else:
            self._paths = [Path(path) for path in root][:limit]
            if not self._paths:
                raise ValueError("the list of photographs is empty")

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        path = self._paths[index]
        return {"image": read_image(path), "name": str(path)}

    @property
    def names(self) -> list[str]:
        """Names of all samples, in their order."""
        return [str(path) for path in self._paths]

    def encoded(self, index: int) -> tuple[str, str]:
        """Name and path of a picture."""
        return str(self._paths[index]), str(self._paths[index])


def _with_label(sample: Sample, label: str, values: np.ndarray, label_name: str) -> Sample:
    if values.shape != sample["image"].shape[:2]:
        raise BrokenSampleError(
            f"{sample['name']} is {_size_in_words(sample['image'])} (after its EXIF orientation), "
            f"but its label {label_name} is {_size_in_words(values)}; "
            "they must agree pixel by pixel: resize the picture to the label, or the label with nearest neighbour"
        )
    sample[label] = values
    return sample


def _size_in_words(array: np.ndarray) -> str:
    return f"{array.shape[0]} x {array.shape[1]} (height x width)"


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Raises ValueError where the argument `name` is none of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")


def label_rules(
    label: str | None,
    scale: float | None,
    invalid_values: Sequence[float] | float | None,
    sky_value: float | None,
    max_depth: float | None,
) -> LabelRules:
    """The options of a dataset as rules; one invalid value may stand without a list."""
    invalid = None if invalid_values is None else tuple(np.atleast_1d(invalid_values).tolist())
    return LabelRules(label or "depth", scale, invalid, sky_value, max_depth)


def _pictures_in(root: Path) -> list[Path]:
    if not root.exists():
        raise FileNotFoundError(f"{root}: no such folder")
    if root.is_file():
        return [root]
    if (root / "metadata.jsonl").is_file():
        return [root / row["file_name"] for _, row in metadata_rows(root / "metadata.jsonl") if row.get("file_name")]
    is_paired = (root / "images").is_dir() and any((root / label).is_dir() for label in LABELS)
    return files_below(root / "images" if is_paired else root, IMAGE_SUFFIXES)


def files_below(root: Path, suffixes: Iterable[str]) -> list[Path]:
    """Returns the files in a folder at any depth with one of the suffixes, sorted; hidden ones are left out."""
    wanted = set(suffixes)
    found = (path for path in root.rglob("*") if path.suffix.lower() in wanted and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def _pairs_in_folder(root: Path, label: str) -> list[tuple[Path, Path]]:
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    if (root / "metadata.jsonl").is_file():
        return _pairs_in_metadata(root / "metadata.jsonl", label)
    if (root / "images").is_dir() and (root / label).is_dir():
        return _pairs_by_stem(root / "images", root / label)
    entries = sorted(entry.name for entry in root.iterdir())[:10]
    raise FileNotFoundError(
        f"{root}: expected metadata.jsonl, or the folders images/ and {label}/; "
        + (f"there are {entries}" if entries else "the folder is empty")
    )


def _pairs_in_metadata(metadata: Path, label: str) -> list[tuple[Path, Path]]:
    column = f"{label}_file_name"
    pairs = []
    for number, row in metadata_rows(metadata):
        for needed in ("file_name", column):
            if not row.get(needed):
                raise ValueError(f"{metadata}, line {number}: no column {needed!r}; there are {sorted(row)}")
        pairs.append((metadata.parent / row["file_name"], metadata.parent / row[column]))
    if not pairs:
        raise ValueError(f"{metadata}: no rows")
    return pairs


def metadata_rows(metadata: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yields (line number from 1, row) of a `metadata.jsonl`; a line that is no JSON object is a ValueError."""
    with metadata.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{metadata}, line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise ValueError(f"{metadata}, line {number}: expected an object, got {type(row).__name__}")
            yield number, row


def _pairs_by_stem(images: Path, labels: Path) -> list[tuple[Path, Path]]:
    image_paths, label_paths = _by_stem(images, IMAGE_SUFFIXES), _by_stem(labels, LABEL_SUFFIXES)
    matched = [stem for stem in image_paths if stem in label_paths]
    if not matched:
        raise ValueError(
            f"no file of {images} ({len(image_paths)} pictures) has one of the same name, suffix aside, "
            f"in {labels} ({len(label_paths)} maps)"
        )
    lonely = [str(path) for stem, path in image_paths.items() if stem not in label_paths]
    if lonely:
        warnings.warn(
            f"{len(lonely)} of {len(image_paths)} pictures have no map in {labels} and are left out, e.g. {lonely[0]}",
            stacklevel=2,
        )
    return [(image_paths[stem], label_paths[stem]) for stem in matched]


def _by_stem(root: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for path in files_below(root, suffixes):
        stem = path.relative_to(root).with_suffix("").as_posix()
        if stem in paths:
            raise ValueError(f"{paths[stem]} and {path} have the same name, suffix aside; keep one of them")
        paths[stem] = path
    return paths


def _existing_column(columns: Sequence[str], candidates: Sequence[str], parameter: str) -> str:
    for column in candidates:
        if column in columns:
            return column
    raise ValueError(f"no column {' or '.join(candidates)}; pass {parameter}= one of {list(columns)}")


def _undecoded(dataset: datasets.Dataset) -> datasets.Dataset:
    """The same rows with encoded picture bytes, because `datasets` would decode them without EXIF and error names."""
    dataset = dataset.with_format(None)
    for column, feature in dataset.features.items():
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset


def _image_of_cell(cell: Any) -> np.ndarray:
    if cell is None:
        raise UnreadableImageError("the picture cell is empty")
    return read_image(cell)
