# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Write files or pairs as Arrow IPC: blocks of names, of which common beginnings, ends and folders are stored once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import pyarrow as pa

from .pair_runs import PairRun


BLOCK_ROWS, BATCH_ROWS = 4096, 1 << 18
# Of fewer files in a row from one folder, each has the number of its folder.
SMALL_RUN = 64
# A number of a folder where the files of a block are of several.
SEVERAL = -1

_NAMES, _FOLDERS = pa.list_(pa.binary()), pa.list_(pa.int32())
SCHEMA = pa.schema(
    [
        # Without prefix and suffix.
        ("images", _NAMES),
        ("image_prefix", pa.binary()),
        ("image_suffix", pa.binary()),
        ("image_folder", pa.int32()),
        ("image_folders", _FOLDERS),
        # Empty where they are the same as those of the images.
        ("labels", _NAMES),
        ("label_prefix", pa.binary()),
        ("label_suffix", pa.binary()),
        ("label_folder", pa.int32()),
        ("label_folders", _FOLDERS),
    ]
)
FOLDER_SCHEMA = pa.schema([("folder", pa.binary())])


class BlockWriter:
    """Writes runs of files or pairs.

    Args:
        entries: file or path of the blocks.
        folders: file or path of the folders' names.
    """

    def __init__(self, entries: Any, folders: Any) -> None:
        self._folders_file = folders
        self._numbers: dict[str, int] = {}
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        self._rows = 0
        self._small: list[tuple[str, int, str, int]] = []
        self._writer = pa.ipc.new_file(entries, SCHEMA)

    def write(self, runs: Iterable[PairRun]) -> None:
        """Write all runs, and end."""
        with self._writer:
            for images, labels in runs:
                image_folder = self._number(images.folder)
                label_folder = image_folder if labels is None else self._number(labels.folder)
                names = images.names()
                label_names = names if labels is None or labels == images else labels.names()
                if len(names) < SMALL_RUN:
                    rows = zip(names, label_names, strict=True)
                    self._small += [(image, image_folder, label, label_folder) for image, label in rows]
                    if len(self._small) >= BLOCK_ROWS:
                        self._end_small()
                    continue
                self._end_small()
                for start in range(0, len(names), BLOCK_ROWS):
                    part = slice(start, start + BLOCK_ROWS)
                    self._add(names[part], [image_folder], label_names[part], [label_folder])
            self._end_small()
            self._end_batch()
        with pa.ipc.new_file(self._folders_file, FOLDER_SCHEMA) as writer:
            writer.write_batch(pa.record_batch([list(map(os.fsencode, self._numbers))], schema=FOLDER_SCHEMA))

    def _number(self, folder: str) -> int:
        return self._numbers.setdefault(folder, len(self._numbers))

    def _end_small(self) -> None:
        if self._small:
            images, image_folders, labels, label_folders = map(list, zip(*self._small, strict=True))
            self._small = []
            self._add(images, image_folders, labels, label_folders)

    def _add(self, images: list[str], image_folders: list[int], labels: list[str], label_folders: list[int]) -> None:
        names, prefix, suffix = _trimmed(images)
        label_names, label_prefix, label_suffix = (names, prefix, suffix) if labels is images else _trimmed(labels)
        block: dict[str, Any] = {"images": names, "image_prefix": prefix, "image_suffix": suffix}
        block |= {"labels": [] if label_names == names else label_names}
        block |= {"label_prefix": label_prefix, "label_suffix": label_suffix}
        for kind, folders in (("image", image_folders), ("label", label_folders)):
            is_one = len(set(folders)) == 1
            block |= {
                f"{kind}_folder": folders[0] if is_one else SEVERAL,
                f"{kind}_folders": [] if is_one else folders,
            }
        for field in SCHEMA:
            value = block[field.name]
            # Names of a batch as objects would take ten times their length.
            self._columns[field.name].append(
                pa.array(value, field.type.value_type) if pa.types.is_list(field.type) else value
            )
        self._rows += len(images)
        if self._rows >= BATCH_ROWS:
            self._end_batch()

    def _end_batch(self) -> None:
        if self._rows:
            arrays = [_column(field.type, self._columns[field.name]) for field in SCHEMA]
            self._writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            self._columns = {name: [] for name in SCHEMA.names}
            self._rows = 0


def _column(kind: Any, values: list[Any]) -> Any:
    """Return the column of a batch, of a value or an array for each block."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    ends = accumulate(map(len, values), initial=0)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.concat_arrays(values), type=kind)


def _trimmed(names: list[str]) -> tuple[list[bytes], bytes, bytes]:
    """Return names without what all begin and end with, and these two, encoded."""
    prefix = _common_start(names)
    suffix = _common_start([name[len(prefix) :][::-1] for name in names])[::-1]
    # No letter is cut in two: names are cut before they are encoded.
    end = -len(suffix) or None
    packed = os.fsencode("\0".join([name[len(prefix) : end] for name in names]))
    return packed.split(b"\0"), os.fsencode(prefix), os.fsencode(suffix)


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]
