# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Turn the row of a table into a sample."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry.disparity import disparity_to_depth
from ..utils.option_errors import check_choice
from ..utils.paths import local_path
from .decoding.depth_maps import LABEL_SUFFIXES, LABELS, LabelRules
from .decoding.disparity_codec import decode_disparity
from .decoding.errors import BrokenSampleError, UnreadableImageError
from .decoding.files import in_memory, read_bytes
from .decoding.images import read_image
from .decoding.label_masks import MissingMaskError
from .decoding.limits import allow_pixels, check_max_pixels
from .decoding.map_meaning import meaning_of
from .decoding.stored_maps import key_of_map, single_channel
from .further_frames import FrameWarning
from .masked_pixels import WEIGHTS, MaskedPixels
from .pair_orientation import PairOrientation
from .samples import Sample, add_label


ENCODED_CELL = frozenset({"bytes", "path"})
LABEL_COLUMNS = {"depth": ("depth", "depth_map"), "disparity": ("disparity",)}
# Of labels by a metric teacher: disparity of this unit, which a column tells.
INVERTED_COLUMN, UNIT_COLUMN, INVERSE_METRES = "disparity", "disparity_unit", "1/m"


class RowReader:
    """Turns rows of a table, whose images are still encoded, into samples.

    Args:
        columns: names of the columns of the table.
        image_column: column of images.
        label_column: column of labels; by default the one that `find_label_column` finds.
        label: "depth", "disparity", or None for images only.
        rules: how stored values become a label; also an attribute.
        root: folder that relative paths in text cells refer to.
        exif: as in `PairOrientation`, for rows with a label.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.
        masks: what becomes of masked pixels; None: nothing.

    Raises:
        MissingMaskError: the table has no such masks.
        ValueError: a column is missing, or the label is neither "depth" nor "disparity".
    """

    def __init__(
        self,
        columns: Sequence[str],
        image_column: str,
        label_column: str | None,
        label: str | None,
        rules: LabelRules,
        root: str | os.PathLike[str] | None,
        exif: str = "auto",
        max_pixels: int | None = None,
        masks: MaskedPixels | None = None,
    ) -> None:
        check_max_pixels(max_pixels)
        if masks is not None:
            masks.check_columns(columns, "the table")
        self._masks = masks
        self._max_pixels = max_pixels
        check_choice("label", label, (*LABELS, None))
        self._image_column = _find_column(columns, (image_column,), "image_column")
        self._label_column = None
        # Labels of this package hold metres as their inverse.
        self._is_inverse = label == "depth" and label_column in (None, INVERTED_COLUMN) and holds_metres(columns)
        if self._is_inverse:
            self._label_column = INVERTED_COLUMN
        elif label is not None:
            found = label_column or find_label_column(columns, label)
            candidates = LABEL_COLUMNS[label] if found is None else (found,)
            self._label_column = _find_column(columns, candidates, "label_column")
        self._label = label
        self.rules = rules
        self._root = local_path(root or ".")
        self._orientation = PairOrientation(exif)
        self._frames = FrameWarning()

    def read_encoded(self, row: Mapping[str, Any], place: str) -> tuple[str, Any]:
        """Return the name of a row (`place` if it has none), and its image as `read_image` takes it.

        That of a tar archive is a cell with the further key "archive", the archive's path or URL, and its "path" is
        the name of the file in the archive.
        """
        image_cell = self._resolve(row[self._image_column])
        path = image_cell.get("path") if isinstance(image_cell, Mapping) else image_cell
        name = str(row.get("name") or (path if isinstance(path, str) else None) or place)
        archived = self._archived(row, image_cell)
        return name, image_cell if archived is None else archived

    def encoded_pair(self, row: Mapping[str, Any], place: str) -> tuple[Any, Any]:
        """Return image and label as they are stored; None for a label that is no file, or codes of a range."""
        image, column = self.read_encoded(row, place)[1], self._label_column
        if column is None or row.get(f"{column}_minimum") is not None:
            return image, None
        cell = self._resolve(row[column])
        is_file = isinstance(cell, str | bytes) or (isinstance(cell, Mapping) and bool(ENCODED_CELL & set(cell)))
        return image, cell if is_file else None

    def _archived(self, row: Mapping[str, Any], image_cell: Any) -> dict[str, Any] | None:
        """Return an image of a tar archive with the names of archive and file; None for any other."""
        # `datasets` leaves bytes of formats that it does not know.
        is_cell = isinstance(image_cell, Mapping)
        content = image_cell.get("bytes") if is_cell else image_cell
        key, archive = row.get("__key__"), row.get("__url__")
        if not key or not archive or not isinstance(content, bytes):
            return None
        path = str((is_cell and image_cell.get("path")) or f"{key}.{self._image_column}")
        # Tables that were made from archives have only the last part of it.
        member = path if path.startswith(f"{key}.") else f"{key}{Path(path).suffix}"
        return {"bytes": content, "path": member, "archive": str(archive)}

    def name_of(self, row: Mapping[str, Any], place: str) -> str:
        """Return the name of a sample: the row's own, its key in a tar archive, its image's path, or `place`."""
        key = str(row.get("__key__") or "").removeprefix("./")
        return str(row.get("name") or key or self.read_encoded(row, place)[0])

    def read(self, row: Mapping[str, Any], place: str) -> Sample:
        """Decode a row.

        Args:
            row: column -> cell.
            place: where the row stands, for messages and as the name of a row without one.

        Raises:
            BrokenSampleError: image and label differ in size, or the label is no map.
            FileNotFoundError: a file that a cell refers to is missing.
            UnreadableImageError: an empty or damaged cell; the message names the row.
        """
        with allow_pixels(self._max_pixels):
            return self._read(row, place)

    def _read(self, row: Mapping[str, Any], place: str) -> Sample:
        name, image_cell = self.name_of(row, place), self._resolve(row[self._image_column])
        try:
            if image_cell is None:
                raise UnreadableImageError(f"column {self._image_column!r} is empty, expected an image")
            image_cell = in_memory(image_cell)
            self._frames.look_at(image_cell["bytes"], f"{place} ({name})")
            if self._label_column is None:
                return {"image": read_image(image_cell), "name": name}
            image, label = self._read_pair(row, self._label_column, image_cell, name)
            weights = None
            if self._masks is not None:
                label, weights = self._masks.apply(row, label, f"{place} ({name})")
        except MissingMaskError:
            raise
        except BrokenSampleError as error:
            raise type(error)(f"{place} ({name}): {error}") from error
        except ValueError as error:
            raise ValueError(f"{place} ({name}): {error}") from error
        sample = (
            {"image": image, "name": name} if weights is None else {"image": image, "name": name, WEIGHTS: weights}
        )
        return add_label(sample, self.rules.label, label, f"column {self._label_column!r}")

    def _read_pair(
        self, row: Mapping[str, Any], column: str, image_cell: Any, name: str
    ) -> tuple[np.ndarray, np.ndarray]:
        cell = self._resolve(row[column])
        is_file = isinstance(cell, str | bytes) or (isinstance(cell, Mapping) and bool(ENCODED_CELL & set(cell)))
        if is_file:
            # Read once, for the values and for an orientation of their own.
            cell = in_memory(cell)
        values = self._decode_label(cell, row, column)
        # Pseudo-labels and predictions were made from upright images.
        is_upright = row.get(f"{column}_minimum") is not None and row.get(f"{column}_maximum") is not None
        is_upright |= is_file and meaning_of(cell["bytes"], name) is not None
        return self._orientation.read_pair(
            image_cell,
            values,
            cell if is_file else None,
            name,
            is_upright=is_upright,
            may_enlarge=is_file and self.rules.is_encoded(cell["bytes"]),
        )

    def _decode_label(self, cell: Any, row: Mapping[str, Any], column: str) -> np.ndarray:
        if cell is None:
            raise UnreadableImageError(f"column {column!r} is empty, expected a label")
        minimum, maximum = row.get(f"{column}_minimum"), row.get(f"{column}_maximum")
        if self._is_inverse:
            return self._decode_metres(cell, row, column)
        if self._label == "disparity" and minimum is not None and maximum is not None:
            self._refuse_rules_of_stored_numbers(column)
            encoding = row.get(f"{column}_encoding") or "linear"
            return decode_disparity(read_bytes(cell)[0], minimum, maximum, encoding)
        if isinstance(cell, Mapping) and not ENCODED_CELL & set(cell):
            # `datasets` unpacks the npz files of tar archives.
            key = key_of_map(list(cell), f"column {column!r}", self._label)
            if (cell := cell[key]) is None:
                raise UnreadableImageError(f"column {column!r} is empty at the key {key!r}, expected a label")
        if isinstance(cell, list | np.ndarray):
            return self.rules.apply(single_channel(np.asarray(cell), f"column {column!r}"), column)
        return self.rules.read(cell)

    def _decode_metres(self, cell: Any, row: Mapping[str, Any], column: str) -> np.ndarray:
        """Return the depth of a label that holds its inverse, +inf where that is 0."""
        unit, low, high = row.get(UNIT_COLUMN), row.get(f"{column}_minimum"), row.get(f"{column}_maximum")
        if unit != INVERSE_METRES or low is None or high is None:
            raise BrokenSampleError(
                f"column {column!r}: expected a label in {INVERSE_METRES} with its range, got {UNIT_COLUMN} {unit!r} "
                f"and the range {low} to {high}"
            )
        self._refuse_rules_of_stored_numbers(column)
        disparity = decode_disparity(read_bytes(cell)[0], low, high, row.get(f"{column}_encoding") or "linear")
        return self.rules.limit(disparity_to_depth(disparity))

    def _refuse_rules_of_stored_numbers(self, column: str) -> None:
        names = ("scale", "invalid_values", "sky_value", "encoding")
        given = [name for name in names if getattr(self.rules, name) is not None]
        if given:
            raise ValueError(
                f"column {column!r}: labels of `pseudo-label` have range, unit and pixels without a value beside "
                f"them, so {', '.join(given)} would say nothing; leave out {'it' if len(given) == 1 else 'them'}"
            )

    def _resolve(self, cell: Any) -> Any:
        return str(self._root / cell) if isinstance(cell, str) else cell


def holds_metres(columns: Sequence[str]) -> bool:
    """Tell whether a table has labels of this package that hold metres, as disparity in 1 / metres."""
    return {INVERTED_COLUMN, f"{INVERTED_COLUMN}_minimum", UNIT_COLUMN} <= {*columns}


def find_label_column(columns: Sequence[str], label: str) -> str | None:
    """Return the column that has the name of a label: as it is written, else the only one that differs in little.

    That is one with capital letters, or with the suffix of its files, as the columns of tar shards have (`depth.npy`).
    """
    exact = next((name for name in LABEL_COLUMNS[label] if name in columns), None)
    others = [column for column in columns if names_label(column, label)]
    return exact or (others[0] if len(others) == 1 else None)


def names_label(column: str, label: str) -> bool:
    """Tell whether the name of a column is one of a label, but for capital letters and the suffix of files."""
    name, dot, suffix = column.lower().partition(".")
    return name in LABEL_COLUMNS[label] and (not dot or f".{suffix}" in LABEL_SUFFIXES)


def _find_column(columns: Sequence[str], candidates: Sequence[str], parameter: str) -> str:
    for column in candidates:
        if column in columns:
            return column
    raise ValueError(
        f"expected a column {' or '.join(candidates)}, got the columns {list(columns)}; "
        f"name the right one with {parameter}"
    )
