# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run that is ready to start: all that `fit` takes, made from arguments."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .starting_point import StartingPoint


if TYPE_CHECKING:
    from ..data.mixture import Mixture
    from ..data.streaming_mixture import StreamingMixture
    from ..training.arguments import TrainingArguments
    from ..training.callbacks import Callback
    from ..training.engine import Objective
    from ..training.trainer import FitResult
    from ..training.validation import Evaluation

RECIPE_FILE = "recipe.yaml"
MARK = "# written by depth_anything_hf at the start of the run"


@dataclass
class TrainingRun:
    """All that `fit` takes, made from the arguments of a command.

    Attributes:
        start: the model, its processor, and where it comes from.
        objective: computes the loss.
        arguments: how the run trains.
        train_data: the samples.
        evaluation: the held-out set, or None.
        card: content of the model card.
        record: what must not change on a resume, beside arguments, objective and augmentation: where the data and a
            teacher come from.
        forgetting: the held-out set of the old domain, or None.
    """

    start: StartingPoint
    objective: Objective
    arguments: TrainingArguments
    train_data: Mixture | StreamingMixture
    evaluation: Evaluation | None
    card: dict[str, Any]
    record: dict[str, Any]
    forgetting: Evaluation | None = None

    def fit(self, *, callbacks: Sequence[Callback] | Callback = ()) -> FitResult:
        """Train; see `training.trainer.fit`."""
        from ..training.trainer import fit

        return fit(
            self.start.model,
            self.objective,
            self.arguments,
            self.train_data,
            **self.start.options,
            evaluation=self.evaluation,
            forgetting=self.forgetting,
            card=self.card,
            record=self.record,
            callbacks=callbacks,
        )


@contextmanager
def save_recipe(text: str, arguments: TrainingArguments) -> Iterator[None]:
    """Write the effective configuration into the folder of the run that the block starts.

    It is written if the folder is free or holds this run. Otherwise `fit` refuses the folder and says why. Where the
    run is refused later, e.g. for its data, the recipe of the run before comes back. Only the main process writes.

    Args:
        text: YAML, as `ParsedArguments.as_recipe` gives it.
        arguments: training arguments of the run that is about to start.

    Raises:
        FileExistsError: the folder is no run's and has files that a run would replace.
        OSError: the folder cannot be written; the message says which, and what to do.
    """
    from ..training.arguments import ARGUMENTS_FILE
    from ..training.run_folder import check_run_folder
    from ..utils.files import atomic_write, write_error
    from ..utils.outputs import refuse_to_replace
    from ..utils.processes import is_first_process

    folder = Path(arguments.output_dir)
    path = folder / RECIPE_FILE
    # Before the model and the data are opened.
    check_run_folder(folder, arguments.resume_from_checkpoint)
    if not (folder / ARGUMENTS_FILE).exists() and os.path.lexists(path) and not _is_written_here(path):
        refuse_to_replace([path], "move it away, or choose another output_dir")
    # A run that has begun has written its arguments anew.
    record, earlier = _state_of(folder / ARGUMENTS_FILE), path.read_bytes() if path.is_file() else None
    is_written, is_new = False, not folder.exists()
    if is_first_process():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error
        is_written = _write_where_free(path, _with_mark(text), arguments)
    try:
        yield
    except (ValueError, OSError):
        if is_written and _state_of(folder / ARGUMENTS_FILE) == record:
            if earlier is None:
                path.unlink(missing_ok=True)
                if is_new:
                    with suppress(OSError):
                        folder.rmdir()
            else:
                atomic_write(path, earlier)
        raise


def _with_mark(text: str) -> str:
    """Return the text with a last line by which an unchanged file is known."""
    return f"{text}\n{MARK} (crc32 {zlib.crc32(text.encode()):08x})\n"


def _is_written_here(path: Path) -> bool:
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return not path.is_symlink() and written == _with_mark(written.rpartition(f"\n{MARK}")[0])


def _write_where_free(path: Path, text: str, arguments: TrainingArguments) -> bool:
    from ..training.resume import require_same_arguments
    from ..utils.files import atomic_write
    from ..utils.locks import FolderLock

    with suppress(ValueError), FolderLock(path.parent) as lock:
        lock.acquire()
        require_same_arguments(path.parent, arguments)
        atomic_write(path, text)
        return True
    return False


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


__all__ = ["RECIPE_FILE", "TrainingRun", "save_recipe"]
