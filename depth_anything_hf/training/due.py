# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is due after an optimizer step: an entry of the log, a picture, an evaluation, a checkpoint, the end."""

from __future__ import annotations

from dataclasses import dataclass

from .arguments import TrainingArguments
from .early_stopping import is_out_of_patience
from .state import Progress


@dataclass
class Due:
    """What is to be done after a step; callbacks may change it.

    Attributes:
        log, picture, evaluate, save: see the intervals in `TrainingArguments`.
        stop: this is the last step.
    """

    log: bool = False
    picture: bool = False
    evaluate: bool = False
    save: bool = False
    stop: bool = False

    @classmethod
    def after(cls, progress: Progress, total_steps: int, arguments: TrainingArguments) -> Due:
        """Return what the arguments ask for after so many steps; a log entry and an evaluation end a run.

        One that is out of patience has come to its end before its last step.
        """
        step = progress.step

        def every(interval: int) -> bool:
            return interval > 0 and step > 0 and step % interval == 0

        is_last = step == total_steps
        return cls(
            log=every(arguments.logging_steps) or is_last,
            picture=every(arguments.picture_steps),
            evaluate=every(arguments.eval_steps) or is_last,
            save=every(arguments.save_steps),
            stop=is_last or is_out_of_patience(arguments, progress),
        )

    @property
    def anything(self) -> bool:
        """Whether the host has to wait for the step."""
        return self.log or self.picture or self.evaluate or self.save or self.stop


__all__ = ["Due"]
