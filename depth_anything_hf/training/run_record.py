# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`training_arguments.json`: what makes a run what it is, and what has changed in it on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from ..utils.files import atomic_write
from .arguments import ARGUMENTS_FILE, TrainingArguments
from .changes import RECIPE, Change, add_to_history
from .processes import decide_on_main
from .state import Progress
from .tracking import new_run_id


HISTORY = "changes"


@dataclass
class Claim:
    """How a run goes on in its folder.

    Attributes:
        checkpoint: to resume from; None for a start from the beginning.
        changes: what is another than before, and has a part in what comes out.
        history: the changes of earlier starts; see `changes.add_to_history`.
        messages: for the console.
        is_complete: whether there is nothing left to do, as the folder holds the final model and no checkpoint.
    """

    checkpoint: Path | None
    changes: list[Change]
    history: list[dict[str, Any]]
    messages: list[str]
    is_complete: bool = False

    def changed(self, key: str) -> bool:
        """Return whether an entry of the record, or one inside it, is another than before."""
        return any(each.is_covered_by(key) for each in self.changes)

    def history_from(self, step: int) -> list[dict[str, Any]]:
        """Return all changes of the run that goes on from `step`, each with the step from which it holds."""
        return add_to_history(self.history, self.changes, step)


class RunRecord:
    """The record of a run in its folder.

    Args:
        accelerator: the run's `Accelerator`; only the main process writes.
        arguments: the training arguments.
        recipe: what else makes the run what it is; see `description.describe_run`.
        adapters: of the model; see `adapters.adapter_record`.

    Attributes:
        fixed: what is compared on a resume beside the arguments.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        recipe: Mapping[str, Any],
        adapters: Mapping[str, Any] | None = None,
    ) -> None:
        self.accelerator, self.arguments = accelerator, arguments
        self.folder = Path(arguments.output_dir)
        # As it comes back from the file.
        own = {"precision": accelerator.mixed_precision, "adapters": adapters, RECIPE: recipe}
        self.fixed: dict[str, Any] = json.loads(json.dumps(own, default=str))

    @property
    def has_adapters(self) -> bool:
        """Whether the model came with adapters."""
        return self.fixed["adapters"] is not None

    def write(
        self, claim: Claim, progress: Progress, *, is_tracked: bool
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Write the record, and name the run for its trackers; every process must call it.

        Args:
            claim: gets a message for every change.
            progress: gets the name.
            is_tracked: whether there are trackers.

        Returns:
            The record; and what the log notes about the changes of this start.
        """
        if is_tracked and not progress.run_id:
            # The folder's record of it outlives a kill before the first checkpoint.
            progress.run_id = decide_on_main(self.accelerator, lambda: _recorded_run_id(self.folder) or new_run_id())
        record = {**asdict(self.arguments), **self.fixed}
        record |= {"processes": self.accelerator.num_processes, "run_id": progress.run_id}
        record[HISTORY] = claim.history_from(progress.step)
        if self.accelerator.is_main_process:
            atomic_write(self.folder / ARGUMENTS_FILE, json.dumps(record, indent=2) + "\n")
        changes = claim.changes if progress.step else []
        claim.messages += [f"from step {progress.step} on {each}" for each in changes]
        return record, [{"changed": each.name, "before": each.before, "after": each.after} for each in changes]


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record in a run folder, None if there is none; raise ValueError if it is damaged."""
    path = folder / ARGUMENTS_FILE
    if not path.exists():
        return None
    record: Any
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        record = str(error)
    if not isinstance(record, dict):
        raise ValueError(
            f"{path} is damaged, expected a JSON object with the arguments of the run: {record}. Remove this file and "
            "resume with the same arguments, which then cannot be checked"
        )
    return record


def _recorded_run_id(folder: Path) -> str | None:
    record = read_record(folder)
    return None if record is None else record.get("run_id")


__all__ = ["HISTORY", "Claim", "RunRecord", "read_record"]
