# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Open what a recipe names: a folder, a table, unlabelled images, a public dataset, or a dataset on the Hub."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, overload

import datasets

from ..utils.typed_fields import convert_fields
from .datasets import DepthFolder, DepthTable, PhotoFolder
from .decoding.depth_maps import LABELS, SCALE_ADVICE
from .decoding.files import files_below
from .decoding.images import IMAGE_SUFFIXES
from .depth_stream import DepthStream, columns_of
from .folder_layouts import LAYOUTS, has_layout, label_in_folder
from .left_out import holds_labels, outside_labels, warn_of_left_out
from .pair_lists import LIST_SUFFIXES, images_in_list
from .pair_orientation import EXIF_CHOICES
from .public.catalog import PUBLIC_DATASETS, open_public
from .rows import LABEL_COLUMNS
from .samples import SampleDataset, check_choice
from .table_files import (
    SHARD_SUFFIXES,
    TABLE_FORMATS,
    is_saved_dataset,
    most_open_shards,
    opens_as_parquet,
    table_files,
)


# The columns of webdataset shards are the suffixes of their files.
IMAGE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp")
# Fields that mean something for labels only.
ASK_FOR_LABELS = ("label", "label_column", "scale", "invalid_values", "sky_value", "max_depth")


@dataclass
class DataSource:
    """One source of a recipe: where its samples come from, and how to read them.

    Attributes:
        path: local folder or file, or the id of a dataset on the Hub.
        kind: "folder" (`DepthFolder`), "table" (`DepthTable`), "photos" (unlabelled), "auto" (by what is there), or
            a public dataset in its own layout (a name of `PUBLIC_DATASETS`, such as "hypersim").
        label: "depth" or "disparity"; None takes the one that is there, depth before disparity.
        image_column, label_column: columns of a table.
        scale, invalid_values, sky_value, max_depth, limit: as in `DepthFolder`.
        split: split of a Hub dataset, a saved DatasetDict, a folder with one sub-folder or file name per split, or
            of a public dataset, where "" takes its default.
        weight: share of this source in a mixture; None means in proportion to its size.
        streaming: read a table, webdataset shards or a Hub dataset in order, without downloading or converting it
            first; see `StreamingMixture`.
        open_shards: shards of a stream that each process and worker reads at once; None: 16, fewer where their row
            groups would take more than 0.8 GB, and 4 from the Hub. 1 reads shard after shard.
        exif: how an image and its label come into one orientation, see `PairOrientation`: "auto", "apply" or "ignore".
        options: further arguments of `open_public`.

    Raises:
        ValueError: an unknown kind or label, a number out of range, or options that do not go together.
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
    streaming: bool = False
    open_shards: int | None = None
    options: Mapping[str, Any] | None = None
    exif: str = "auto"

    def __post_init__(self) -> None:
        # One of several paths would be taken for the name of a file.
        if not isinstance(self.path, str | os.PathLike):
            raise ValueError(f"the path of a data source must be text, got {self.path!r}")
        self.path = os.fspath(self.path)
        # In YAML a split or column may look like a number.
        for name in ("split", "image_column", "label_column"):
            if isinstance(getattr(self, name), int | float) and not isinstance(getattr(self, name), bool):
                setattr(self, name, str(getattr(self, name)))
        convert_fields(self, f"{self.path}: ")
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise ValueError(f"{self.path}: scale must be > 0, got {self.scale:g}; {SCALE_ADVICE}")
        check_choice("kind", self.kind, ("auto", "folder", "table", "photos", *PUBLIC_DATASETS))
        check_choice("exif", self.exif, EXIF_CHOICES)
        if self.exif != "auto" and self.kind in ("photos", *PUBLIC_DATASETS):
            raise ValueError(f"{self.path}: exif is for labelled data, and not for kind {self.kind!r}; leave it out")
        check_choice("label", self.label, (*LABELS, None))
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"{self.path}: limit must be at least 1, got {self.limit}")
        if self.open_shards is not None and self.open_shards < 1:
            raise ValueError(f"{self.path}: open_shards must be at least 1, got {self.open_shards}")
        if self.open_shards is not None and not self.streaming:
            raise ValueError(f"{self.path}: open_shards is for streams; set streaming: true, or leave it out")
        for name in ("weight", "max_depth"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{self.path}: {name} must be > 0, got {value}")
        asked = _asked_for_label(self)
        if self.kind == "photos" and asked:
            raise ValueError(
                f"{self.path}: {asked} is for labelled data, and kind 'photos' is read without labels; leave one out"
            )
        if self.options and self.kind not in PUBLIC_DATASETS:
            raise ValueError(
                f"{self.path}: options are for public datasets, not for kind {self.kind!r}; set kind to one of "
                f"{list(PUBLIC_DATASETS)}"
            )
        if self.streaming and self.limit is not None:
            raise ValueError(
                f"{self.path}: limit cannot be combined with streaming; set max_steps, or name fewer files"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataSource:
        """Build a source from the keys of a recipe.

        Raises:
            ValueError: an unknown key, where the message names the nearest one, or no path.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                nearest = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {known}"
                raise ValueError(f"unknown key {key!r} in a data source; {hint}")
        if "path" not in values:
            raise ValueError(f"a data source needs the key 'path', got the keys {sorted(values)}")
        return cls(**values)


@overload
def open_source(spec: str | os.PathLike[str]) -> SampleDataset: ...


@overload
def open_source(spec: DataSource | Mapping[str, Any]) -> SampleDataset | DepthStream: ...


def open_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> SampleDataset | DepthStream:
    """Open a folder, a table, unlabelled images or a dataset on the Hub; with `streaming`, a table as a stream.

    With `kind="auto"`: a local folder with labels (metadata.jsonl or depth/ or disparity/) is a folder; a local
    file or folder of parquet, arrow or JSON is a table; a local folder of images is unlabelled; a path that does not
    exist is taken as the id of a dataset on the Hub.

    Raises:
        FileNotFoundError: nothing of a known kind is at the path.
        ImportError: a public dataset needs a package that is not installed.
        ValueError: an unknown key or choice, or a damaged dataset; the message names the path.
    """
    source = as_source(spec)
    try:
        return _open_stream(source) if source.streaming else _open_map_style(source)
    except Exception as error:
        # `datasets` and the decoders of tables raise many kinds of exceptions, most of them without the path.
        if isinstance(error, ImportError) or (source.path in str(error) and isinstance(error, OSError | ValueError)):
            raise
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        # `datasets` wraps the reason in an error of its own.
        reason = error.__cause__ or error
        raise kind(
            f"{source.path}: cannot be opened: {type(reason).__name__}: {reason}{_name_damaged(source)}"
        ) from error


def _name_damaged(source: DataSource) -> str:
    """Name the parquet files that cannot be opened, because `datasets` does not."""
    local = Path(source.path).expanduser()
    files = [local] if local.suffix == ".parquet" else files_below(local, [".parquet"])
    damaged = [str(file) for file in files if not opens_as_parquet(file)]
    return f"; damaged: {', '.join(damaged)}" if damaged else ""


def _open_map_style(source: DataSource) -> SampleDataset:
    if source.kind in PUBLIC_DATASETS:
        return _open_public(source)
    # Unlabelled images may also be in a table, whose labels are then not read.
    kind = _detect_kind(source) if source.kind in ("auto", "photos") else source.kind
    local = Path(source.path).expanduser()
    if kind == "folder":
        layout = source.label or label_in_folder(local, source.split) or "depth"
        return DepthFolder(local, layout, split=source.split, **_label_options(source))
    if kind == "photos":
        return PhotoFolder(local, limit=source.limit, split=source.split)
    table, folder = _load_table(source)
    label = None if source.kind == "photos" else _label_of_table(source, table.column_names)
    label_column = source.label_column if label else None
    image_column = _image_column(source, table.column_names)
    return DepthTable(table, image_column, label_column, label, root=folder, **_label_options(source))


def _open_public(source: DataSource) -> SampleDataset:
    for name in ("scale", "invalid_values", "sky_value", "label_column"):
        if getattr(source, name) is not None:
            raise ValueError(f"{source.path}: {name} is fixed for the dataset {source.kind}; leave it out")
    samples = open_public(
        source.kind,
        source.path,
        source.split or None,
        limit=source.limit,
        max_depth=source.max_depth,
        **(source.options or {}),
    )
    if source.label not in (None, samples.label):
        raise ValueError(
            f"{source.path}: {source.kind} has the label {samples.label!r}, not {source.label!r}; leave label out"
        )
    return samples


def _open_stream(source: DataSource) -> DepthStream:
    local = Path(source.path).expanduser()
    folder: Path | None = None
    open_shards, parquet_files = source.open_shards, []
    if source.kind in PUBLIC_DATASETS:
        raise ValueError(f"{local}: {source.kind} is read by index and cannot stream; set streaming: false")
    if local.exists():
        kind = "table" if source.kind in ("photos", "table") else _detect_kind(source)
        if kind != "table":
            raise ValueError(
                f"{local}: a folder of files is read by index and cannot stream; set streaming: false, or pack it "
                "into parquet or tar shards"
            )
        folder = local if local.is_dir() else local.parent
        table_format, files = table_files(local, source.split, source.kind == "photos")
        rows = datasets.load_dataset(table_format, data_files=files, split="train", streaming=True)
        open_shards = open_shards or most_open_shards(files)
        # `datasets` takes names for patterns, which may match other files as well.
        parquet_files = files if table_format == "parquet" and rows.num_shards == len(files) else []
    else:
        rows = _load_from_hub(source, streaming=True)
    columns = columns_of(rows, source.path)
    label = None if source.kind == "photos" else _label_of_table(source, columns)
    label_column = source.label_column if label else None
    options = {name: value for name, value in _label_options(source).items() if name != "limit"}
    image_column = _image_column(source, columns)
    options |= {"root": folder, "open_shards": open_shards, "parquet_files": parquet_files}
    return DepthStream(rows, source.path, image_column, label_column, label, **options)


def _image_column(source: DataSource, columns: Sequence[str]) -> str:
    if source.image_column in columns or source.image_column != "image":
        return source.image_column
    return next((column for column in IMAGE_COLUMNS if column in columns), "image")


def as_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> DataSource:
    """Return a source that is given as a path, as a Hub id, or by its fields."""
    if isinstance(spec, DataSource):
        return spec
    if isinstance(spec, Mapping):
        return DataSource.from_dict(spec)
    return DataSource(os.fspath(spec))


def _label_options(source: DataSource) -> dict[str, Any]:
    names = ("scale", "invalid_values", "sky_value", "max_depth", "limit", "exif")
    return {name: getattr(source, name) for name in names}


def _asked_for_label(source: DataSource) -> str | None:
    """Return a field that is given and means something for labels only."""
    return next((name for name in ASK_FOR_LABELS if getattr(source, name) is not None), None)


def _detect_kind(source: DataSource) -> str:
    """Tell a folder with labels, a table and photographs apart; a source that asks for labels gets no photographs."""
    local = Path(source.path).expanduser()
    asked = _asked_for_label(source)
    if local.is_file():
        suffix = local.suffix.lower()
        if suffix in TABLE_FORMATS:
            return "table"
        if suffix in LIST_SUFFIXES and source.kind != "photos" and (asked or label_in_folder(local)):
            return "folder"
        if suffix not in IMAGE_SUFFIXES and not (suffix in LIST_SUFFIXES and images_in_list(local, is_probe=True)):
            raise FileNotFoundError(
                f"{local}: expected an image, a table ({', '.join(TABLE_FORMATS)}) or a text list of images "
                f"({', '.join(sorted(LIST_SUFFIXES))}), got a file of neither kind"
            )
        if asked and source.kind != "photos":
            raise ValueError(f"{local}: {asked} is for labelled data, and this is an image; leave {asked} out")
        return "photos"
    if not local.is_dir():
        return "table"
    if source.kind != "photos" and has_layout(local, source.split, source.label):
        return "folder"
    found = files_below(local, [*TABLE_FORMATS, *IMAGE_SUFFIXES])
    if source.kind == "photos":
        found = outside_labels(found, local)
    suffixes = {path.suffix.lower() for path in found}
    if is_saved_dataset(local) or not suffixes.isdisjoint(SHARD_SUFFIXES):
        # Those of a folder of labels are its card's.
        pictures = [] if holds_labels(local) else [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
        warn_of_left_out(local, pictures, "there are tables beside them, which are read; move one or the other")
        return "table"
    if not suffixes.isdisjoint(IMAGE_SUFFIXES):
        if asked and source.kind != "photos":
            layouts = LAYOUTS.format(label=source.label or "depth")
            raise FileNotFoundError(
                f"{local}: {asked} asks for labels, but the folder has images in none of the layouts for labels; "
                f"expected {layouts}; found {sorted(each.name for each in local.iterdir())[:10]}"
            )
        return "photos"
    if suffixes:
        return "table"
    raise FileNotFoundError(
        f"{local}: expected images with labels ({LAYOUTS.format(label='depth')}), "
        f"tables ({', '.join(TABLE_FORMATS)}), or images ({', '.join(sorted(IMAGE_SUFFIXES))}); found none of them"
    )


def _label_of_table(source: DataSource, columns: Sequence[str]) -> str | None:
    label = source.label or _label_of_columns(columns, source.label_column)
    asked = _asked_for_label(source)
    if label is None and asked:
        raise ValueError(
            f"{source.path}: {asked} asks for labels, but no column of {list(columns)} is one of depth or "
            "disparity; name it with label_column, and set label"
        )
    return label


def _label_of_columns(columns: Sequence[str], label_column: str | None) -> str | None:
    for label, names in LABEL_COLUMNS.items():
        if label_column in names if label_column else any(name in columns for name in names):
            return label
    if label_column:
        raise ValueError(
            f"label_column={label_column!r} does not tell what the label is; set label to 'depth' or 'disparity'"
        )
    return None


def _load_table(source: DataSource) -> tuple[datasets.Dataset, Path | None]:
    """Return the rows, and the folder that relative paths in them refer to (None for a Hub dataset)."""
    local = Path(source.path).expanduser()
    if not local.exists():
        return _load_from_hub(source), None
    if local.is_dir() and is_saved_dataset(local):
        saved = datasets.load_from_disk(str(local))
        if isinstance(saved, datasets.DatasetDict):
            if source.split not in saved:
                raise ValueError(f"{local}: no split {source.split!r}; set split to one of {sorted(saved)}")
            saved = saved[source.split]
        return saved, local
    folder = local if local.is_dir() else local.parent
    table_format, files = table_files(local, source.split, source.kind == "photos")
    return datasets.load_dataset(table_format, data_files=files, split="train"), folder


def _load_from_hub(source: DataSource, streaming: bool = False) -> Any:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source.path) or source.path.startswith("."):
        raise FileNotFoundError(f"{source.path}: no such file or folder, and not the id of a dataset on the Hub")
    try:
        return datasets.load_dataset(source.path, split=source.split, streaming=streaming)
    except OSError as error:
        raise FileNotFoundError(
            f"{source.path!r} is no local file or folder, and no dataset that could be loaded from the Hub: {error}"
        ) from error
