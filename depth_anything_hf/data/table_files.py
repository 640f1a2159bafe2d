# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of local tables: their formats, which of them belong to a split, and how many are open at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from pyarrow import ArrowException, parquet

from .depth_stream import OPEN_SHARDS
from .index.file_runs import FileRun, FileRuns, suffix_of
from .index.looks import one_opening
from .index.scan import regular, scan_files
from .layout_names import is_split, split_names
from .left_out import describe_kinds, outside_labels
from .own_pictures import is_own_picture, is_own_table, may_have_own
from .prediction_list import LIST_FILE


AnyPath = TypeVar("AnyPath", bound=PurePath)

TABLE_FORMATS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset", ".jsonl": "json", ".json": "json"}
# Formats that hold the images themselves.
SHARD_SUFFIXES = (".parquet", ".arrow", ".tar")
# What `datasets` reads as tar archives, compressed or not.
TAR_ENDINGS = (".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tgz")
_LAST_PARTS = frozenset(f".{ending.rpartition('.')[2]}" for ending in TAR_ENDINGS)
# What `datasets` writes beside the files of a cache.
DATASET_INFO = "dataset_info.json"
OPEN_SHARDS_BYTES = 3 * 2**28


def table_suffix(name: str) -> str:
    """Return the suffix that tells the format of a file, in small letters; `.tar` also of a compressed archive."""
    return ".tar" if name.lower().endswith(TAR_ENDINGS) else suffix_of(name).lower()


def table_suffixes(files: FileRuns) -> set[str]:
    """Return the suffixes that tell the formats of files."""
    found = files.suffixes()
    if found.isdisjoint(_LAST_PARTS):
        return found
    return found - _LAST_PARTS | {table_suffix(name) for name in files.with_suffixes(_LAST_PARTS).names()}


@one_opening()
def tables_and_others(root: Path, suffixes: Iterable[str] = ()) -> FileRuns:
    """List the tables below a folder, and files of further suffixes, sorted, without hidden files and folders.

    What `datasets` has cached there of the others is left out, and so are the list of predictions and the pictures and
    records of runs.
    """
    wanted = {*TABLE_FORMATS, *suffixes}
    found = regular(scan_files(root).with_suffixes(wanted | _LAST_PARTS))
    if not found.suffixes() <= wanted:
        found = found.keep(lambda folder, names: [name for name in names if table_suffix(name) in wanted])
    others = found.keep(_without_made, _may_be_made)
    return others if others.runs else found


def _without_made(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not _is_made(Path(folder, name))]


def _may_be_made(run: FileRun) -> bool:
    return may_have_own(run) or run.may_have((LIST_FILE.encode(), DATASET_INFO.encode(), b".arrow"))


def _is_made(path: Path) -> bool:
    """Tell whether a file is of a cache of the library `datasets`, a list of predictions, or left by a run."""
    if path.name == LIST_FILE or is_own_picture(path) or is_own_table(path):
        return True
    is_made = path.suffix == ".arrow" or path.name == DATASET_INFO
    return is_made and (path.parent / DATASET_INFO).is_file() and not is_saved_dataset(path.parent)


def table_files(local: Path, split: str, of_photos: bool = False) -> tuple[str, list[str]]:
    """Return the format by its name in `datasets`, and the files of the split.

    Args:
        local: a table, or a folder of tables.
        split: which of several splits is meant.
        of_photos: whether photographs to label are asked for, and so no labels that were written among them.

    Raises:
        FileNotFoundError: no tables.
        ValueError: another file, parquet beside tar, or no files of the split.
    """
    if local.is_file():
        if table_suffix(local.name) not in TABLE_FORMATS:
            raise ValueError(f"{local}: expected a table ({', '.join(TABLE_FORMATS)}), got a file with another suffix")
        return TABLE_FORMATS[table_suffix(local.name)], [str(local)]
    tables = tables_and_others(local)
    found = list(outside_labels(tables, local) if of_photos else tables)
    for suffix, table_format in TABLE_FORMATS.items():
        files = [path for path in found if table_suffix(path.name) == suffix]
        if files:
            # Arrow files beside parquet may be a cache of the library `datasets`.
            others = [path for path in found if table_suffix(path.name) in {".parquet", ".tar"} - {suffix}]
            if others:
                kinds = describe_kinds([*files, *others], table_suffix)
                raise ValueError(
                    f"{local}: tables of two formats ({kinds}), e.g. {files[0]} and {others[0]}, and only one can be "
                    "read: name the folder or the file of the one that you mean, or move the others elsewhere"
                )
            return table_format, [str(file) for file in files_of_split(files, local, split)]
    raise FileNotFoundError(f"{local}: expected tables ({', '.join(TABLE_FORMATS)}), found none")


def files_of_split(files: list[AnyPath], root: AnyPath, split: str) -> list[AnyPath]:
    """Pick the files whose folder or name starts with a name of the split; all if none is named after a split.

    Args:
        files: below the root.
        root: their folder.
        split: which is meant, by any of its names ("val" is "validation" too); "" takes all.

    Raises:
        ValueError: files are named after other splits, and none after this one.
    """
    if not split:
        return files
    own = split_names(split)
    by_split: dict[str, list[AnyPath]] = {}
    for file in files:
        words = [re.split(r"[-_.]", part)[0] for part in file.relative_to(root).parts]
        named = [word if word == split else word.lower() for word in words if word == split or is_split(word)]
        by_split.setdefault(named[-1] if named else "", []).append(file)
    if set(by_split) == {""}:
        return files
    chosen = next((by_split[name] for name in own if name in by_split), None)
    if chosen is None:
        names = sorted(filter(None, by_split))
        raise ValueError(f'{root}: no files of split {split!r}; set split to one of {names}, or to "" for all files')
    return chosen


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
