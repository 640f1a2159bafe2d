# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures and tables that runs, evaluations and cards have left among data: no photographs and no data."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..utils.card_pictures import PACKAGE, PICTURES_FOLDER, is_shown_by_card
from ..visualization.encode import jpeg_comment, png_texts
from .decoding.map_meaning import is_picture_of_prediction
from .index.file_runs import FileRun
from .index.looks import note_file


# Of pictures of predictions.
PICTURE_ENDINGS = ("_depth.png", "_side_by_side.png", "_normals.png", "_confidence.png")
# In the folder of every run.
RUN_RECORD = "training_arguments.json"
# In the folder of a run, and for the first also in those of its checkpoints.
RUN_TABLES = frozenset(
    {"config.json", "preprocessor_config.json", "manifest.json", "model.safetensors.index.json", "adapter_config.json"}
    | {"log.jsonl", "results.json", "per_image.parquet", "card_entries.json", RUN_RECORD}
)
# Beside the card, and in the folder of a run.
_FOLDERS_OF_PICTURES = (PICTURES_FOLDER, "pictures")
_STEP = re.compile(r"step-\d+\.png")


def _lies_in_run(path: Path) -> bool:
    return (path.parent / RUN_RECORD).is_file()


def _has_comment(path: Path) -> bool:
    return (jpeg_comment(path) or "").startswith(PACKAGE)


def _has_text(path: Path) -> bool:
    return png_texts(path).get("written_by", "").startswith(PACKAGE)


# Name -> what else tells that a picture is one of ours: of a run, its dry run, an evaluation, a check, a review.
_BY_NAME: Mapping[str, Callable[[Path], bool]] = {
    "training.png": _lies_in_run,
    **dict.fromkeys(("dry_run.jpg", "errors.jpg", "confidence.jpg"), _has_comment),
    **dict.fromkeys(("check.png", "worst.png"), _has_text),
}
_PARTS = tuple(part.encode() for part in (*PICTURE_ENDINGS, *RUN_TABLES, *_BY_NAME))


def may_have_own(run: FileRun) -> bool:
    """Return whether any of these files may be a picture or table of a run; False is certain."""
    return os.path.basename(run.folder) in _FOLDERS_OF_PICTURES or run.may_have(_PARTS)


def is_own_picture(path: Path) -> bool:
    """Return whether a file is a picture of a run, an evaluation, a check, a review, a card, or a prediction.

    The name decides first, so that photographs are not opened: `training.png` and `pictures/step-N.png` in the folder
    of a run, `dry_run.jpg`, `errors.jpg` and `confidence.jpg` with this package's comment, `check.png` and `worst.png`
    with its text, what a card shows, and pictures of predictions, which a text in them tells also where their list is
    missing.
    """
    folder = path.parent
    is_own = _BY_NAME.get(path.name)
    if is_own is not None:
        return is_own(path)
    if folder.name == "pictures" and _STEP.fullmatch(path.name):
        note_file(folder.parent / RUN_RECORD)
        return (folder.parent / RUN_RECORD).is_file()
    if path.name.endswith(PICTURE_ENDINGS) and is_picture_of_prediction(path):
        return True
    if folder.name == PICTURES_FOLDER:
        note_file(folder.parent / "README.md")
    return is_shown_by_card(path)


def is_own_table(path: Path) -> bool:
    """Return whether a file is a record of a run, which other data may be stored like."""
    if path.name not in RUN_TABLES:
        return False
    folders = (path.parent, path.parent.parent)
    for folder in folders:
        note_file(folder / RUN_RECORD)
    return any((folder / RUN_RECORD).is_file() for folder in folders)
