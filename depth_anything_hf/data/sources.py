# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Opening what a configuration names: a folder, a table, photographs or a dataset on the Hub."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import datasets

from .datasets import (
    LABEL_COLUMNS,
    DepthFolder,
    DepthTable,
    PhotoFolder,
    SampleDataset,
    check_choice,
    files_below,
    metadata_rows,
)
from .reading import IMAGE_SUFFIXES, LABELS


TABLE_FORMATS = {".parquet": "parquet", ".arrow": "arrow", ".jsonl": "json", ".json": "json"}


@dataclass
class DataSource:
    """One line of a training configuration: where samples come from and how to read them.

    Attributes:
        path: local folder or file, or the id of a dataset on the Hub.
        kind: "folder" (`DepthFolder`), "table" (`DepthTable`), "photos" (unlabelled), or "auto".
        label: "depth" or "disparity"; None takes what is there, depth before disparity.
        image_column, label_column: of a table.
        scale, invalid_values, sky_value, max_depth, limit: as in `DepthFolder`.
        split: of a Hub dataset, a saved DatasetDict, or a folder with one sub-folder or file name per split.
        weight: share of this source in a mixture; None means in proportion to its size.
    """

    path: str
    kind: str = "auto"
    label: str | None = None
    image_column: str = "image"
    label_column: str | None = None
    scale: float | None = None
    invalid_values: Sequence[float] | None = None
    sky_value: float | None = None
    max_depth: float | None = None
    split: str = "train"
    weight: float | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        self.path = os.fspath(self.path)
        check_choice("kind", self.kind, ("auto", "folder", "table", "photos"))
        check_choice("label", self.label, (*LABELS, None))
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")
        if self.weight is not None and not self.weight > 0:
            raise ValueError(f"weight must be positive, got {self.weight}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataSource:
        """Builds a source from configuration keys; an unknown key is an error that names the nearest one."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                nearest = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {known}"
                raise ValueError(f"unknown key {key!r} in a data source; {hint}")
        if "path" not in values:
            raise ValueError(f"a data source needs the key 'path', got the keys {sorted(values)}")
        return cls(**values)


def open_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> SampleDataset:
    """Opens a folder, table, photographs or a Hub dataset.

    With `kind="auto"`: a local folder with labels (metadata.jsonl or depth/ or disparity/) is a folder; a local
    file or folder of parquet, arrow or JSON is a table; a local folder of pictures is photographs; a path that does
    not exist is taken as a dataset id on the Hub.

    Raises:
        FileNotFoundError: nothing of a known kind is at the path.
        ValueError: an unknown key or choice, or a damaged dataset.
    """
    source = _as_source(spec)
    kind = _detected_kind(source) if source.kind == "auto" else source.kind
    local = Path(source.path).expanduser()
    if kind == "folder":
        root = _split_folder(local, source.split)
        return DepthFolder(root, source.label or _label_of_folder(root) or "depth", **_label_options(source))
    # Photographs may also sit in a table, whose labels are then not read.
    if kind == "photos" and local.exists() and _detected_kind(source) != "table":
        return PhotoFolder(_split_folder(local, source.split), limit=source.limit)
    table, folder = _load_table(source)
    label = None if kind == "photos" else source.label or _label_of_columns(table, source.label_column)
    label_column = source.label_column if label else None
    return DepthTable(table, source.image_column, label_column, label, root=folder, **_label_options(source))


def _as_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> DataSource:
    if isinstance(spec, DataSource):
        return spec
    if isinstance(spec, Mapping):
        return DataSource.from_dict(spec)
    return DataSource(os.fspath(spec))


def _label_options(source: DataSource) -> dict[str, Any]:
    names = ("scale", "invalid_values", "sky_value", "max_depth", "limit")
    return {name: getattr(source, name) for name in names}


def _detected_kind(source: DataSource) -> str:
    local = Path(source.path).expanduser()
    if local.is_file():
        if local.suffix.lower() in IMAGE_SUFFIXES:
            return "photos"
        if local.suffix.lower() in TABLE_FORMATS:
            return "table"
        raise FileNotFoundError(f"{local}: neither a picture nor a table ({', '.join(TABLE_FORMATS)})")
    if not local.is_dir():
        return "table"
    root = _split_folder(local, source.split)
    if _label_of_folder(root) or (source.label and (root / "metadata.jsonl").is_file()):
        return "folder"
    if _is_saved_dataset(local) or files_below(local, [".parquet", ".arrow"]):
        return "table"
    if files_below(local, IMAGE_SUFFIXES):
        return "photos"
    if files_below(local, TABLE_FORMATS):
        return "table"
    raise FileNotFoundError(
        f"{local}: expected metadata.jsonl with pictures, images/ with depth/ or disparity/, "
        f"tables ({', '.join(TABLE_FORMATS)}), or pictures ({', '.join(sorted(IMAGE_SUFFIXES))}); found none of them"
    )


def _split_folder(root: Path, split: str) -> Path:
    """The sub-folder of the split, where the `imagefolder` layout has one per split."""
    has_own_samples = (root / "metadata.jsonl").is_file() or (root / "images").is_dir()
    return root / split if not has_own_samples and (root / split / "metadata.jsonl").is_file() else root


def _label_of_folder(root: Path) -> str | None:
    metadata = root / "metadata.jsonl"
    if metadata.is_file():
        _, first_row = next(iter(metadata_rows(metadata)), (0, {}))
        present = [label for label in LABELS if f"{label}_file_name" in first_row]
    else:
        present = [label for label in LABELS if (root / "images").is_dir() and (root / label).is_dir()]
    return present[0] if present else None


def _label_of_columns(table: datasets.Dataset, label_column: str | None) -> str | None:
    for label, names in LABEL_COLUMNS.items():
        if label_column in names if label_column else any(name in table.column_names for name in names):
            return label
    if label_column:
        raise ValueError(f"label_column={label_column!r} needs label='depth' or label='disparity'")
    return None


def _is_saved_dataset(root: Path) -> bool:
    return (root / "state.json").is_file() or (root / "dataset_dict.json").is_file()


def _load_table(source: DataSource) -> tuple[datasets.Dataset, Path | None]:
    """Returns the rows, and the folder that relative paths in them refer to (None for a Hub dataset)."""
    local = Path(source.path).expanduser()
    if not local.exists():
        return _load_from_hub(source), None
    if local.is_dir() and _is_saved_dataset(local):
        saved = datasets.load_from_disk(str(local))
        if isinstance(saved, datasets.DatasetDict):
            if source.split not in saved:
                raise ValueError(f"{local}: no split {source.split!r}; there are {sorted(saved)}")
            saved = saved[source.split]
        return saved, local
    folder = local if local.is_dir() else local.parent
    files = _table_files(local, source.split)
    table_format = TABLE_FORMATS[files[0].suffix.lower()]
    return datasets.load_dataset(table_format, data_files=[str(file) for file in files], split="train"), folder


def _table_files(local: Path, split: str) -> list[Path]:
    if local.is_file():
        return [local]
    for suffix in TABLE_FORMATS:
        files = files_below(local, [suffix])
        if files:
            return _files_of_split(files, local, split)
    raise FileNotFoundError(f"{local}: no tables ({', '.join(TABLE_FORMATS)})")


def _files_of_split(files: list[Path], root: Path, split: str) -> list[Path]:
    """Files whose folder or name starts with a split's name belong to that split; without such names all are used."""
    by_split: dict[str, list[Path]] = {}
    for file in files:
        words = [re.split(r"[-_.]", part)[0] for part in file.relative_to(root).parts]
        named = [word for word in words if word in {"train", "validation", "test", split}]
        by_split.setdefault(named[-1] if named else "", []).append(file)
    if set(by_split) == {""}:
        return files
    if split not in by_split:
        raise ValueError(f"{root}: no files of split {split!r}; there are {sorted(filter(None, by_split))}")
    return by_split[split]


def _load_from_hub(source: DataSource) -> datasets.Dataset:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source.path) or source.path.startswith("."):
        raise FileNotFoundError(f"{source.path}: no such file or folder")
    try:
        return datasets.load_dataset(source.path, split=source.split)
    except OSError as error:
        raise FileNotFoundError(
            f"{source.path!r} is no local file or folder, and not loadable as a dataset id from the Hub: {error}"
        ) from error
