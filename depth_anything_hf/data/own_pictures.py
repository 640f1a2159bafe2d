# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures and tables that runs, evaluations and cards have left among data: no photographs and no data."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..utils.card_pictures import PACKAGE, PICTURES_FOLDER, is_shown_by_card
from ..visualization.encode import jpeg_comment, png_texts
from .decoding.map_meaning import is_picture_of_prediction
from .index.file_runs import FileRun
from .index.looks import note_file


# Of pictures of predictions.
PICTURE_ENDINGS = ("_depth.png", "_side_by_side.png", "_normals.png", "_confidence.png")
# Of a check.
CHECK_PICTURE = "check.png"
# In the folder of every run.
RUN_RECORD = "training_arguments.json"
# In the folder of a run, and for the first also in those of its checkpoints.
RUN_TABLES = frozenset(
    {"config.json", "preprocessor_config.json", "manifest.json", "model.safetensors.index.json", "adapter_config.json"}
    | {"log.jsonl", "results.json", "per_image.parquet", "card_entries.json", RUN_RECORD}
)
# Beside the card, and in the folder of a run.
_FOLDERS_OF_PICTURES = (PICTURES_FOLDER, "pictures")
_COMMENTED = frozenset({"dry_run.jpg", "errors.jpg", "confidence.jpg"})
_TRAINING = "training.png"
_PARTS = tuple(part.encode() for part in (*PICTURE_ENDINGS, *RUN_TABLES, *_COMMENTED, _TRAINING, CHECK_PICTURE))
_STEP = re.compile(r"step-\d+\.png")


def may_have_own(run: FileRun) -> bool:
    """Return whether any of these files may be a picture or table of a run; False is certain."""
    return os.path.basename(run.folder) in _FOLDERS_OF_PICTURES or run.may_have(_PARTS)


def is_own_picture(path: Path) -> bool:
    """Return whether a file is a picture of a run or its dry run, an evaluation, a check, a card, or a prediction.

    The name decides first, so that photographs are not opened: `training.png` and `pictures/step-N.png` in the folder
    of a run, `dry_run.jpg`, `errors.jpg` and `confidence.jpg` with this package's comment, `check.png` with
    its text, what a card shows, and pictures of predictions, which a text in them tells also where their list is
    missing.
    """
    folder = path.parent
    if path.name == _TRAINING:
        return (folder / RUN_RECORD).is_file()
    if folder.name == "pictures" and _STEP.fullmatch(path.name):
        note_file(folder.parent / RUN_RECORD)
        return (folder.parent / RUN_RECORD).is_file()
    if path.name in _COMMENTED:
        return (jpeg_comment(path) or "").startswith(PACKAGE)
    if path.name == CHECK_PICTURE:
        return png_texts(path).get("written_by", "").startswith(PACKAGE)
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
