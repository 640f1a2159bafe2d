# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of an evaluation by their names, and which files of these names are not an evaluation's.

Each is known by its content, so that the user's own files are not replaced unasked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..utils.outputs import check_folder, refuse_to_replace
from ..visualization.encode import jpeg_comment
from .html_report import GENERATOR


RESULTS_FILE, ROWS_FILE, CARD_FILE, SHEET_FILE = "results.json", "per_image.parquet", "card_entries.json", "errors.jpg"
CONFIDENCE_FILE = "confidence.jpg"
VIDEO_SCORES_FILE = "video_scores.json"
COMPARISON_FILE, PAGE_FILE = "comparison.json", "comparison.html"
# In the parquet file's metadata, the scores of a video, a comparison, and the comment of the pictures.
MARK = "depth_anything_hf.evaluation"
MARK_KEY = b"written_by"
# Of results.json. The sheets of version 1, which has no such entry, have no comment.
FORMAT_KEY, FORMAT = "format", 2
# The first columns of the rows, in every version.
FIRST_COLUMNS = ["index", "name", "valid_pixels"]
# Of a page, within which its head says what has written it.
PAGE_HEAD_CHARACTERS = 1000
CARD_KEYS = {"metrics", "images", "protocol"}


def check_results_folder(folder: Path, names: tuple[str, ...], *, overwrite: bool) -> None:
    """Check that some files of an evaluation can be written into a folder; those of an earlier one may be replaced.

    Args:
        folder: need not exist yet.
        names: of the files.
        overwrite: whether files that are no evaluation's may be replaced too.

    Raises:
        FileExistsError: files that are no evaluation's would be replaced; the message names them.
        OSError: see `outputs.check_folder`; or a folder has the name of one of the files.
    """
    check_folder(folder)
    for path in (folder / name for name in names):
        if path.is_dir():
            raise IsADirectoryError(
                f"expected a file, or nothing, at {path}, got a folder; choose another output folder"
            )
    if not overwrite:
        theirs = [path for name in names if _exists(path := folder / name) and not _is_own(path)]
        refuse_to_replace(theirs, "choose another output folder, or replace them by --overwrite (overwrite=True)")


def remove_own(path: Path) -> None:
    """Remove a file that an earlier evaluation has left; anything else stays."""
    if _exists(path) and _is_own(path):
        path.unlink()


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _is_own(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name == ROWS_FILE:
        return _is_own_table(path)
    if path.name == CONFIDENCE_FILE:
        return jpeg_comment(path) == MARK
    if path.name == SHEET_FILE:
        results = _read_json(path.with_name(RESULTS_FILE))
        return jpeg_comment(path) == MARK or (_are_results(results) and FORMAT_KEY not in results)
    if path.name == PAGE_FILE:
        return _is_own_page(path)
    found = _read_json(path)
    if path.name in (VIDEO_SCORES_FILE, COMPARISON_FILE):
        return isinstance(found, dict) and found.get(MARK_KEY.decode()) == MARK
    return _are_results(found) if path.name == RESULTS_FILE else _are_card_entries(found)


def _is_own_table(path: Path) -> bool:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False
    return (schema.metadata or {}).get(MARK_KEY) == MARK.encode() or schema.names[
        : len(FIRST_COLUMNS)
    ] == FIRST_COLUMNS


def _is_own_page(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return GENERATOR in file.read(PAGE_HEAD_CHARACTERS)
    except (OSError, ValueError):
        return False


def _are_results(found: Any) -> bool:
    return isinstance(found, dict) and {"depth_anything_hf", "protocol", "settings", "mean"} <= found.keys()


def _are_card_entries(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(entry, dict) and entry.keys() == CARD_KEYS for entry in found.values()
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
