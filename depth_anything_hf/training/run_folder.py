# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files that a run writes into its folder, and those of these names that no run has written."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.result_files import RESULTS_FILE as SCORES_FILE
from ..evaluation.result_files import ROWS_FILE
from ..hub.card_results import EVALUATION_FOLDER
from ..hub.publisher import ADAPTER_FOLDER
from ..utils.card_pictures import PICTURES_FOLDER
from ..utils.manifest import MANIFEST_FILE
from ..utils.outputs import check_folder, is_same_file, refuse_to_replace
from .arguments import ARGUMENTS_FILE
from .checkpoint_finder import list_checkpoints
from .summary import CHART_FILE, RESULTS_FILE
from .tracking import LOG_FILE


# A README.md is not among them: its text is kept in the card.
PATTERNS = (
    *(LOG_FILE, RESULTS_FILE, CHART_FILE, SCORES_FILE, ROWS_FILE, "best", ADAPTER_FOLDER),
    *("config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json"),
    *("pictures/step-*.png", f"{PICTURES_FOLDER}/*", f"{EVALUATION_FOLDER}/*.yaml"),
)
# Names of what is written under a hidden name first, whatever the version.
WRITTEN_NAMES = (
    *("checkpoint-[0-9]*", "best", "final", "push-*"),
    *(ARGUMENTS_FILE, LOG_FILE, RESULTS_FILE, CHART_FILE, SCORES_FILE, ROWS_FILE),
)


def check_run_folder(folder: Path, resume_from_checkpoint: str | None) -> None:
    """Check that a run can write into a folder, which need not exist yet, without replacing the user's files.

    A folder that has the record of a run is that run's. One that has lost it is, too, when its checkpoint is resumed.

    Args:
        folder: of the run.
        resume_from_checkpoint: as in the training arguments.

    Raises:
        FileExistsError: the folder is no run's, and has files that a run would replace.
        OSError: no folder can be made there, or it takes no files.
    """
    check_folder(folder)
    checkpoints = list_checkpoints(folder)
    wanted = resume_from_checkpoint
    is_from_here = wanted == "latest" or (wanted is not None and is_same_file(Path(wanted).parent, folder))
    is_resumed = is_from_here and any((each / MANIFEST_FILE).is_file() for each in checkpoints)
    if not (folder / ARGUMENTS_FILE).exists() and not is_resumed:
        found = [path for pattern in PATTERNS for path in folder.glob(pattern)]
        # A folder in the place of table or chart is not replaced: these then cannot be written, which is a warning.
        found = [path for path in found if path.name not in (RESULTS_FILE, CHART_FILE) or not path.is_dir()]
        refuse_to_replace(sorted([*found, *checkpoints]), "choose another output_dir")


__all__ = ["WRITTEN_NAMES", "check_run_folder"]
