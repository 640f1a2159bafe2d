# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Open what a recipe names: a folder, a table, unlabelled images, a recording, a public or a Hub dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import datasets

from ..utils.paths import local_path
from ..utils.printable_names import printable_name
from ..utils.redaction import redact_tokens
from .arrow_files import map_arrow_files
from .data_source import RECORDING, asked_for_label
from .data_source import DataSource as DataSource
from .datasets import DepthFolder, DepthTable, PhotoFolder
from .decoding.encodings.choice import parse_encoding
from .decoding.files import files_below
from .decoding.label_masks import require_masks
from .depth_stream import DepthStream
from .folder_layouts import label_in_folder, readable_suffixes
from .index.looks import one_opening
from .index.remembered import remember_answer
from .masked_pixels import MaskedPixels
from .parquet_rows import ParquetRows
from .public.catalog import PUBLIC_DATASETS, open_public
from .recordings.open_recording import open_recording
from .remote.file_systems import Patience, is_url
from .remote.locations import remote_files
from .remote.remote_shards import RemoteShards
from .remote.shard_cache import ShardCache
from .rows_left_out import filter_stream, leave_out_rows
from .samples import SampleDataset
from .shard_lists import DatasetShards, FileShards, ShardList
from .source_kinds import detect_kind, refuse_pictures_beside_tables
from .table_columns import choose_image_column, label_of_table
from .table_counts import open_in_place
from .table_files import is_saved_dataset, most_open_shards, opens_as_parquet, table_files


@overload
def open_source(spec: str | os.PathLike[str]) -> SampleDataset: ...


@overload
def open_source(spec: DataSource | Mapping[str, Any]) -> SampleDataset | DepthStream: ...


def open_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> SampleDataset | DepthStream:
    """Open a folder, a table, unlabelled images or a dataset on the Hub; with `streaming`, a table as a stream.

    With `kind="auto"`: a local folder with labels (metadata.jsonl or depth/ or disparity/) is a folder; a local
    file or folder of parquet, arrow or JSON is a table; bags of ROS and .r3d are recordings; a local folder of images
    is unlabelled; a path that does not exist is taken as the id of a dataset on the Hub.

    Raises:
        FileNotFoundError: nothing of a known kind is at the path.
        ImportError: a public dataset or a recording needs a package that is not installed.
        ValueError: an unknown key or choice, or a damaged dataset; the message names the path.
    """
    source = as_source(spec)
    try:
        with one_opening():
            if source.streaming:
                return _open_stream(source)
            samples = _open_map_style(source)
        if source.ignore_masks is not None and not isinstance(samples, DepthTable):
            require_masks(source.ignore_masks, (), source.path)
        return leave_out_rows(samples, source)
    except Exception as error:
        # `datasets` and the decoders of tables raise many kinds of exceptions, most of them without the path.
        if isinstance(error, ImportError) or (source.path in str(error) and isinstance(error, OSError | ValueError)):
            raise
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        # `datasets` wraps the reason in an error of its own; other errors tell more than their causes.
        reason = (error.__cause__ if type(error).__module__.startswith("datasets.") else None) or error
        raise kind(
            f"{source.path}: cannot be opened: {type(reason).__name__}: {reason}{_name_damaged(source)}"
            f"{_advise(reason)}"
        ) from error


def _advise(reason: BaseException) -> str:
    """Return what to do about reasons that `datasets` has for tar archives."""
    if isinstance(reason, UnicodeEncodeError):
        return f"; the name {printable_name(str(reason.object))!r} is not UTF-8: rename the file"
    if "WebDataset format" in str(reason):
        return (
            "; files with the same name up to its first dot are one sample, and each sample needs files of the same "
            "suffixes (17.jpg and 17.depth.png): rename them, or unpack the archive and name its folder"
        )
    return ""


def _name_damaged(source: DataSource) -> str:
    """Name the local parquet files that cannot be opened, because `datasets` does not."""
    if is_url(source.path):
        return ""
    local = local_path(source.path)
    files = [local] if local.suffix == ".parquet" else files_below(local, [".parquet"])
    damaged = [str(file) for file in files if not opens_as_parquet(file)]
    return f"; damaged: {', '.join(damaged)}" if damaged else ""


def _open_map_style(source: DataSource) -> SampleDataset:
    if is_url(source.path):
        raise ValueError(f"{source.path}: tables elsewhere are read in order; set streaming: true in the source")
    if source.kind in PUBLIC_DATASETS:
        return _open_public(source)
    # Unlabelled images may also be in a table, whose labels are then not read.
    kind = _detect_kind(source) if source.kind in ("auto", "photos") else source.kind
    local = local_path(source.path)
    if kind == "folder":
        asked = source.label or _label_by_encoding(source)
        return DepthFolder(
            local,
            asked or _label_in_folder(local, source.split) or "depth",
            split=source.split,
            **_label_options(source),
        )
    if kind == RECORDING:
        return _open_recording(source)
    if kind == "photos":
        return PhotoFolder(local, limit=source.limit, split=source.split, max_pixels=source.max_pixels)
    table, folder = _load_table(source)
    label = None if source.kind == "photos" else label_of_table(source, table.column_names)
    label_column = source.label_column if label else None
    image_column = choose_image_column(source, table.column_names, label_column)
    options = _label_options(source) | _mask_options(source, table.column_names)
    return DepthTable(table, image_column, label_column, label, root=folder, **options)


def _detect_kind(source: DataSource) -> str:
    names = ("kind", "split", "label", "encoding")
    options = {name: getattr(source, name) for name in names}
    options |= {"asked": asked_for_label(source), "formats": readable_suffixes()}
    return str(remember_answer("kind", local_path(source.path), options, partial(detect_kind, source)))


def _label_in_folder(local: Path, split: str | None) -> str | None:
    options = {"split": split, "formats": readable_suffixes()}
    return remember_answer("label", local, options, partial(label_in_folder, local, split))


def _label_by_encoding(source: DataSource) -> str | None:
    return None if source.encoding is None else parse_encoding(source.encoding).kind


def _open_recording(source: DataSource) -> SampleDataset:
    for name in ("invalid_values", "sky_value"):
        if getattr(source, name) is not None:
            raise ValueError(f"{source.path}: {name} is told by what recordings hold; leave it out")
    if source.label not in (None, "depth"):
        raise ValueError(f"{source.path}: recordings have the label 'depth', not {source.label!r}; leave label out")
    unknown = sorted(set(source.options or {}) - {"tolerance"})
    if unknown:
        raise ValueError(f"{source.path}: recordings have no option {unknown[0]!r}; theirs is tolerance")
    return open_recording(
        local_path(source.path),
        # What a source has without being asked, and no topic of ROS is.
        image_topic=None if source.image_column == "image" else source.image_column,
        depth_topic=source.label_column,
        scale=source.scale,
        encoding=source.encoding,
        max_depth=source.max_depth,
        limit=source.limit,
        max_pixels=source.max_pixels,
        **(source.options or {}),
    )


def _open_public(source: DataSource) -> SampleDataset:
    for name in ("scale", "invalid_values", "sky_value", "label_column", "encoding"):
        if getattr(source, name) is not None:
            raise ValueError(f"{source.path}: {name} is fixed for the dataset {source.kind}; leave it out")
    samples = open_public(
        source.kind,
        source.path,
        source.split or None,
        limit=source.limit,
        max_depth=source.max_depth,
        max_pixels=source.max_pixels,
        **(source.options or {}),
    )
    if source.label not in (None, samples.label):
        raise ValueError(
            f"{source.path}: {source.kind} has the label {samples.label!r}, not {source.label!r}; leave label out"
        )
    return samples


def _open_stream(source: DataSource) -> DepthStream:
    local = local_path(source.path)
    # Broken samples are told, and stored, with it.
    name = redact_tokens(source.path) if is_url(source.path) else source.path
    folder: Path | None = None
    open_shards = source.open_shards
    shards: ShardList
    parquet_files: list[Path] = []
    if source.kind in PUBLIC_DATASETS:
        raise ValueError(f"{local}: {source.kind} is read by index and cannot stream; set streaming: false")
    if is_url(source.path):
        shards = _open_remote(source)
    elif local.exists():
        kind = source.kind if source.kind == RECORDING else "table"
        if source.kind not in ("photos", "table", RECORDING):
            kind = _detect_kind(source)
        if source.kind == "photos" and local.is_dir():
            refuse_pictures_beside_tables(source)
        if kind == RECORDING:
            raise ValueError(f"{local}: a recording is read by index and cannot stream; set streaming: false")
        if kind != "table":
            raise ValueError(
                f"{local}: a folder of files is read by index and cannot stream; set streaming: false, or pack it "
                "into parquet or tar shards"
            )
        folder = local if local.is_dir() else local.parent
        table_format, files = table_files(local, source.split, source.kind == "photos")
        shards = FileShards(table_format, files, source.path)
        if table_format == "parquet":
            open_shards = open_shards or most_open_shards(files)
            parquet_files = [Path(file) for file in files]
    else:
        shards = DatasetShards(_load_from_hub(source, streaming=True), source.path)
    columns = shards.columns
    label = None if source.kind == "photos" else label_of_table(source, columns)
    label_column = source.label_column if label else None
    options = {name: value for name, value in _label_options(source).items() if name != "limit"}
    image_column = choose_image_column(source, columns, label_column)
    options |= {"root": folder, "open_shards": open_shards, "max_lost_share": source.max_lost_share}
    options |= _mask_options(source, columns)
    stream = DepthStream(shards, name, image_column, label_column, label, **options)
    return filter_stream(stream, source, parquet_files)


def _open_remote(source: DataSource) -> RemoteShards:
    if source.kind not in ("auto", "table", "photos"):
        raise ValueError(f"{source.path}: tables are read from elsewhere, and no kind {source.kind!r}; leave kind out")
    patience = Patience(source.read_timeout)
    table_format, files = remote_files(source.path, source.split, patience)
    return RemoteShards(table_format, files, source.path, ShardCache(source.cache_bytes, patience))


def as_source(spec: DataSource | str | os.PathLike[str] | Mapping[str, Any]) -> DataSource:
    """Return a source that is given as a path, as a Hub id, or by its fields."""
    if isinstance(spec, DataSource):
        return spec
    if isinstance(spec, Mapping):
        return DataSource.from_dict(spec)
    return DataSource(os.fspath(spec))


def _label_options(source: DataSource) -> dict[str, Any]:
    names = ("scale", "invalid_values", "sky_value", "max_depth", "limit", "exif", "max_pixels", "encoding")
    return {name: getattr(source, name) for name in names}


def _mask_options(source: DataSource, columns: Sequence[str]) -> dict[str, Any]:
    if source.ignore_masks is not None:
        MaskedPixels(source.ignore_masks).check_columns(columns, source.path)
    return {"ignore_masks": source.ignore_masks, "mask_weight": source.mask_weight}


def _load_table(source: DataSource) -> tuple[datasets.Dataset | ParquetRows, Path | None]:
    """Return the rows, and the folder that relative paths in them refer to (None for a Hub dataset)."""
    local = local_path(source.path)
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
    in_place = {"parquet": open_in_place, "arrow": map_arrow_files}.get(table_format)
    rows = None if in_place is None else in_place(files)
    if rows is None:
        rows = datasets.load_dataset(table_format, data_files=files, split="train")
    return rows, folder


def _load_from_hub(source: DataSource, streaming: bool = False) -> Any:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source.path) or source.path.startswith("."):
        raise FileNotFoundError(f"{source.path}: no such file or folder, and not the id of a dataset on the Hub")
    try:
        return datasets.load_dataset(source.path, split=source.split, streaming=streaming)
    except OSError as error:
        raise FileNotFoundError(
            f"{source.path!r} is no local file or folder, and no dataset that could be loaded from the Hub: {error}"
        ) from error
