# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which columns of a table are the images and the labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from .data_source import DataSource, asked_for_label
from .decoding.images import IMAGE_SUFFIXES
from .layout_names import is_label_folder
from .rows import INVERTED_COLUMN, LABEL_COLUMNS, find_label_column, holds_metres, names_label


# The columns of webdataset shards are the suffixes of their files, and their samples have a key.
IMAGE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp")
KEY = "__key__"


def choose_image_column(source: DataSource, columns: Sequence[str], label_column: str | None) -> str:
    """Return the column of the images: the one that the source names, the usual one, or the only one of tar shards.

    Pictures of tar shards that are in other columns, where photographs are read, are told in one line.

    Raises:
        ValueError: several columns of tar shards are pictures, and none has a usual name.
    """
    if source.image_column in columns or source.image_column != "image":
        return source.image_column
    lower = {column.lower(): column for column in reversed(columns)}
    chosen = next((lower[column] for column in IMAGE_COLUMNS if column in lower), None)
    pictures = [column for column in columns if _is_picture(column) and column != label_column]
    if KEY not in columns:
        return chosen or "image"
    if chosen is None and len(pictures) > 1:
        raise ValueError(
            f"{source.path}: the columns {pictures} of the tar shards are pictures; name that of the images with "
            f"image_column. {_explain_columns(pictures)}"
        )
    chosen = chosen or next(iter(pictures), "image")
    others = [column for column in pictures if column != chosen]
    if others and label_column is None:
        warnings.warn(
            f"{source.path}: of the tar shards the column {chosen!r} is read, and of the other pictures none: "
            f"{others}. {_explain_columns(others)}",
            stacklevel=2,
        )
    return chosen


def _is_picture(column: str) -> bool:
    *words, suffix = column.lower().split(".")
    return f".{suffix}" in IMAGE_SUFFIXES and not any(is_label_folder(word) for word in words)


def _explain_columns(columns: Sequence[str]) -> str:
    return (
        f"A column is what follows the first dot of a file's name, {columns[0]!r} that of name.{columns[0]}, and "
        "files with the same name before it are one sample; rename files whose names have further dots"
    )


def label_of_table(source: DataSource, columns: Sequence[str]) -> str | None:
    """Return the label of a table: what the source says, or the names of the columns; None without labels.

    Raises:
        ValueError: the source asks for labels, and no column has the name of one.
    """
    label = source.label or _label_of_columns(columns, source.label_column)
    asked = asked_for_label(source)
    if label is None and asked:
        raise ValueError(
            f"{source.path}: {asked} asks for labels, but no column of {list(columns)} is one of depth or "
            "disparity; name it with label_column, and set label"
        )
    return label


def _label_of_columns(columns: Sequence[str], label_column: str | None) -> str | None:
    if label_column in (None, INVERTED_COLUMN) and holds_metres(columns):
        return "depth"
    for label in LABEL_COLUMNS:
        if names_label(label_column, label) if label_column else find_label_column(columns, label):
            return label
    if label_column:
        raise ValueError(
            f"label_column={label_column!r} does not tell what the label is; set label to 'depth' or 'disparity'"
        )
    return None
