# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of local tables: their formats, which of them belong to a split, and how many are open at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pyarrow import ArrowException, parquet

from .decoding.files import files_below
from .depth_stream import OPEN_SHARDS
from .left_out import outside_labels, warn_of_left_out


TABLE_FORMATS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset", ".jsonl": "json", ".json": "json"}
# Formats that hold the images themselves.
SHARD_SUFFIXES = (".parquet", ".arrow", ".tar")
OPEN_SHARDS_BYTES = 3 * 2**28


def table_files(local: Path, split: str, of_photos: bool = False) -> tuple[str, list[str]]:
    """Return the format by its name in `datasets`, and the files of the split.

    Args:
        local: a table, or a folder of tables.
        split: which of several splits is meant.
        of_photos: whether photographs to label are asked for, and so no labels that were written among them.
    """
    if local.is_file():
        if local.suffix.lower() not in TABLE_FORMATS:
            raise ValueError(f"{local}: expected a table ({', '.join(TABLE_FORMATS)}), got a file with another suffix")
        return TABLE_FORMATS[local.suffix.lower()], [str(local)]
    found = files_below(local, TABLE_FORMATS)
    if of_photos:
        found = outside_labels(found, local)
    for suffix, table_format in TABLE_FORMATS.items():
        files = [path for path in found if path.suffix.lower() == suffix]
        if files:
            # Arrow files beside parquet may be a cache of the library `datasets`.
            others = {".parquet", ".tar"} - {suffix}
            why = f"the {suffix} files beside them are read; move one or the other"
            warn_of_left_out(local, [path for path in found if path.suffix.lower() in others], why)
            return table_format, [str(file) for file in _files_of_split(files, local, split)]
    raise FileNotFoundError(f"{local}: expected tables ({', '.join(TABLE_FORMATS)}), found none")


def _files_of_split(files: list[Path], root: Path, split: str) -> list[Path]:
    """Pick the files whose folder or name starts with the name of the split; all if none is named after a split."""
    by_split: dict[str, list[Path]] = {}
    for file in files:
        words = [re.split(r"[-_.]", part)[0] for part in file.relative_to(root).parts]
        named = [word for word in words if word in {"train", "validation", "test", split}]
        by_split.setdefault(named[-1] if named else "", []).append(file)
    if set(by_split) == {""}:
        return files
    if split not in by_split:
        raise ValueError(f"{root}: no files of split {split!r}; set split to one of {sorted(filter(None, by_split))}")
    return by_split[split]


def is_saved_dataset(root: Path) -> bool:
    """Tell whether `save_to_disk` of the library `datasets` wrote a folder."""
    return (root / "state.json").is_file() or (root / "dataset_dict.json").is_file()


def most_open_shards(files: Sequence[str]) -> int:
    """Return how many files may be open at once; of parquet files, a row group each lies in memory."""
    for file in files:
        if not opens_as_parquet(Path(file)):
            continue
        metadata = parquet.read_metadata(file)
        groups: list[int] = [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]
        if sum(groups):
            return max(1, min(OPEN_SHARDS, OPEN_SHARDS_BYTES // max(groups)))
    return OPEN_SHARDS


def opens_as_parquet(file: Path) -> bool:
    """Tell whether a file has the end of a parquet file, where its schema is."""
    try:
        parquet.read_metadata(file)
    except (OSError, ArrowException):
        return False
    return True
