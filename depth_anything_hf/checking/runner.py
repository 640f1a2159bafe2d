# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Save checks: a page, a picture sheet, and JSON of every number."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..data.checks.source_check import SourceCheck
from ..evaluation.html_report import GENERATOR
from ..utils.files import atomic_write
from ..utils.outputs import check_folder, refuse_to_replace
from ..utils.paths import local_path
from ..visualization.encode import encode_png, png_texts
from .page import write_page
from .record import MARK, MARK_KEY, text_of
from .sheet import picture_of


PAGE_FILE, SHEET_FILE, RECORD_FILE = "check.html", "check.png", "check.json"
HEAD_CHARACTERS = 1000


def save_checks(folder: str | os.PathLike[str], checks: Sequence[SourceCheck], *, overwrite: bool = False) -> Path:
    """Save `check.html`, `check.png` and `check.json` into a folder, and return it.

    Args:
        folder: created if it does not exist.
        checks: of `check_source`, at least one.
        overwrite: replace files of these names that are no check's; those of an earlier one always are.

    Raises:
        FileExistsError: a file of these names is no check's.
        OSError: the folder takes no files.
    """
    folder = local_path(folder)
    check_check_folder(folder, overwrite=overwrite)
    write_page(folder / PAGE_FILE, checks)
    picture = picture_of(checks)
    if picture is not None:
        atomic_write(folder / SHEET_FILE, encode_png(picture, {MARK_KEY: MARK}))
    atomic_write(folder / RECORD_FILE, text_of(checks))
    return folder


def check_check_folder(folder: Path, *, overwrite: bool) -> None:
    """Check that a check can be saved into a folder.

    Raises:
        FileExistsError: files of the names of a check's that are none; the message names them.
        OSError: the folder takes no files.
    """
    check_folder(folder)
    paths = [folder / name for name in (PAGE_FILE, SHEET_FILE, RECORD_FILE)]
    theirs = [] if overwrite else [path for path in paths if path.exists() and not is_own(path)]
    refuse_to_replace(theirs, "choose another output folder, or replace them by --overwrite (overwrite=True)")


def is_own(path: Path) -> bool:
    """Tell whether a file was written by a check."""
    try:
        if path.suffix == ".png":
            return png_texts(path).get(MARK_KEY) == MARK
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            return GENERATOR in text[:HEAD_CHARACTERS]
        found = json.loads(text)
        return isinstance(found, dict) and found.get(MARK_KEY) == MARK
    except (OSError, ValueError):
        return False


__all__ = ["check_check_folder", "is_own", "save_checks"]
