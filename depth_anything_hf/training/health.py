# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the steps of a run: counted, named in the log, and when it is too much for the run to go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from accelerate import Accelerator
from accelerate.utils import gather_object

from ..data.decoding.errors import too_many_broken
from .state import Progress, RunGeometry
from .step_status import PendingStep, StepStatus
from .tracking import MetricLog


if TYPE_CHECKING:
    from .arguments import TrainingArguments

NAMES_SHOWN = 8
# A scale for fp16 that halves at every overflow has by then fallen from any start to nothing.
MOST_OVERFLOWS_IN_A_ROW = 50


class HealthMonitor:
    """Looks at one step after the other; every process must do so.

    Args:
        accelerator: gathers the names of samples.
        arguments: say how much may go wrong.
        run_geometry: of the run.
        log: gets the names.
        say: prints for a person.

    Attributes:
        fault: the first reason why the run cannot go on, or None.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        run_geometry: RunGeometry,
        log: MetricLog,
        say: Callable[[str], None],
    ) -> None:
        self.accelerator, self.arguments, self.run_geometry, self.log, self.say = (
            accelerator,
            arguments,
            run_geometry,
            log,
            say,
        )
        self.fault: Exception | None = None
        self._skipped_names: list[str] = []

    def look_at(self, step: PendingStep, findings: StepStatus, progress: Progress, loss_scale: float | None) -> None:
        """Counts in `progress` what was found about a step, and notes it where a person should know.

        Args:
            step: as given to the device.
            findings: of all processes about it.
            progress: changed in place.
            loss_scale: of the scaler for fp16, if there is one.
        """
        progress.overflows_in_a_row = progress.overflows_in_a_row + 1 if findings.overflowed else 0
        if findings.is_finite:
            progress.skipped_in_a_row = 0
        else:
            progress.skipped_steps += 1
            progress.skipped_in_a_row += 1
            self._name_skipped(step, findings)
        if findings.broken_samples:
            progress.broken_samples += self._name_broken(step)
        self.fault = self.fault or self._found_fault(step.number, findings, progress, loss_scale)

    def _name_skipped(self, step: PendingStep, findings: StepStatus) -> None:
        reason = "the gradient is not finite" if findings.loss_is_finite else "the loss or the output is not finite"
        at_fault = findings.loss_is_finite or not step.loss_is_finite.item()
        self._skipped_names = gather_object(step.names if at_fault else [])
        self.say(f"step {step.number} is left out: {reason}, {_some(self._skipped_names)}")
        self.log.write(step.number, {"skipped_step": reason, "names": self._skipped_names})

    def _name_broken(self, step: PendingStep) -> int:
        broken = gather_object(step.broken_samples)
        self.say(f"step {step.number}: replaced {_some([f'{name} ({reason})' for name, reason in broken])}")
        entries = [{"name": name, "reason": reason} for name, reason in broken]
        self.log.write(step.number, {"broken_samples": entries})
        return len(broken)

    def _found_fault(
        self, step: int, findings: StepStatus, progress: Progress, loss_scale: float | None
    ) -> Exception | None:
        most_skipped = min(self.arguments.max_skipped_steps, self.run_geometry.total_steps)
        if not findings.is_finite and progress.skipped_in_a_row >= most_skipped:
            return FloatingPointError(
                f"loss or gradient was not finite in the last {progress.skipped_in_a_row} steps, up to step "
                f"{step} with {_some(self._skipped_names)}. Look at these images, or lower the learning rate"
            )
        if too_many_overflows(progress.overflows_in_a_row):
            return FloatingPointError(
                f"the gradient was not finite in the last {progress.overflows_in_a_row} steps, up to step "
                f"{step}, although the scale of the loss in fp16 has fallen to {loss_scale:g}. "
                "Train with mixed_precision bf16 or no, or lower the learning rate"
            )
        read, largest_share = step * self.run_geometry.images_per_step, self.arguments.max_broken_share
        if findings.broken_samples and too_many_broken(progress.broken_samples, read, largest_share):
            return ValueError(
                f"{progress.broken_samples} of {read + progress.broken_samples} samples could not be used, more than "
                f"max_broken_share {largest_share:.2%}; {self.log.path} names them. Repair or remove "
                "them, or raise max_broken_share, and go on with --resume_from_checkpoint latest"
            )
        return None

    def require_bounds(self, step: int, values: dict[str, float]) -> None:
        """Raises FloatingPointError if the logged output has left its bounds.

        Args:
            step: of the entry.
            values: of the entry; without `output_maximum` and `output_zero_share` there is nothing to check.
        """
        arguments = self.arguments
        if "output_maximum" in values and values["output_maximum"] > arguments.max_output:
            raise FloatingPointError(
                f"the output reached {values['output_maximum']:.3g} at step {step}, above max_output "
                f"{arguments.max_output:g}: its scale runs away, which the affine-invariant loss does not see. "
                "Set anchor_weight to 1 (the default from random weights) or lower the learning rate"
            )
        if values.get("output_zero_share", 0.0) > arguments.max_zero_share:
            raise FloatingPointError(
                f"{values['output_zero_share']:.0%} of the output is 0 at step {step}, above "
                f"max_zero_share {arguments.max_zero_share:.0%}: the last ReLU is dying. Lower the learning "
                "rate, set anchor_weight to 1, or raise max_zero_share if the images are mostly sky"
            )


def _some(names: list[str]) -> str:
    """The first names of a list that may be long."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def too_many_overflows(in_a_row: int) -> bool:
    """Whether so many steps without a finite gradient in fp16 are no search for a scale any more."""
    return in_a_row > MOST_OVERFLOWS_IN_A_ROW


__all__ = ["HealthMonitor", "too_many_overflows"]
