# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Health of a run: skipped steps and broken samples, counted and named, and when the run must abort."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import gather_object
from transformers import PreTrainedConfig

from ..data.decoding.errors import too_many_broken
from ..utils.messages import counted
from .arguments import TrainingArguments
from .state import Progress, RunGeometry
from .step_status import PendingStep, StepStatus


NAMES_SHOWN = 8
# More images without a valid label than this share are worth a warning, once so many were seen.
LARGEST_QUIET_SHARE, IMAGES_BEFORE_A_WARNING = 0.5, 100
# A loss scale that is halved at every overflow has by then underflowed from any initial value.
MOST_OVERFLOWS_IN_A_ROW = 50
RAISE = "If that is right, raise {name} and resume with resume_from_checkpoint latest"


@dataclass
class StepReport:
    """Messages, log entries and fault of a step, the same on all processes.

    Attributes:
        messages: lines for the console.
        entries: entries for the log.
        fault: the error that aborts the run, or None.
    """

    messages: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    fault: Exception | None = None


class HealthMonitor:
    """Examine the steps of a run in order; every process must do so.

    Args:
        accelerator: gathers the names of samples.
        arguments: give the limits.
        geometry: the run's `RunGeometry`.
        log_path: named in errors.
        describe_labels: returns, for each source whose labels cannot be learned from, what they look like.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        arguments: TrainingArguments,
        geometry: RunGeometry,
        log_path: Path,
        describe_labels: Callable[[], list[str]] = list,
    ) -> None:
        self.accelerator, self.arguments, self.geometry, self.log_path = accelerator, arguments, geometry, log_path
        self._describe_labels = describe_labels
        self._has_warned_of_labels = False
        self._skipped_names: list[str] = []

    def examine(
        self, step: PendingStep, status: StepStatus, progress: Progress, loss_scale: float | None
    ) -> StepReport:
        """Count what went wrong in a step, and name the samples.

        Args:
            step: of this process.
            status: of all processes about it.
            progress: its counts are changed in place.
            loss_scale: of the scaler for fp16, if there is one.
        """
        report = StepReport()
        progress.overflows_in_a_row = progress.overflows_in_a_row + 1 if status.overflowed else 0
        if status.is_finite:
            progress.skipped_in_a_row = 0
            self._count_labels(step.number, status, progress, report)
        else:
            progress.skipped_steps += 1
            progress.skipped_in_a_row += 1
            self._name_skipped(step, status, report)
        if status.broken_samples:
            progress.broken_samples += self._name_broken(step, report)
        report.fault = self._fault_of(step.number, status, progress, loss_scale)
        return report

    def _count_labels(self, step: int, status: StepStatus, progress: Progress, report: StepReport) -> None:
        # An output that is not finite looks like an image without a label, so only finite steps are counted.
        progress.images += self.geometry.images_per_step
        progress.images_without_label += self.geometry.images_per_step - status.counted_images
        if status.counted_images:
            progress.unlabelled_in_a_row = 0
        else:
            progress.unlabelled_steps += 1
            progress.unlabelled_in_a_row += 1
        share = progress.images_without_label / progress.images
        is_large = progress.images >= IMAGES_BEFORE_A_WARNING and share > LARGEST_QUIET_SHARE
        if is_large and not self._has_warned_of_labels:
            self._has_warned_of_labels = True
            text = (
                f"warning: {share:.0%} of the images up to step {step} have no valid label and add nothing to "
                "the loss; are unit and invalid values right? `depth-anything-hf check` looks at the labels"
            )
            report.messages.append(". ".join([text, *self._describe_labels()]))
            report.entries.append({"warning": report.messages[-1]})

    def _name_skipped(self, step: PendingStep, status: StepStatus, report: StepReport) -> None:
        reason = "the gradient is not finite" if status.loss_is_finite else "the loss or the output is not finite"
        at_fault = status.loss_is_finite or not step.loss_is_finite.item()
        self._skipped_names = gather_object(step.names if at_fault else [])
        report.messages.append(f"step {step.number} skipped: {reason}, {_some(self._skipped_names)}")
        report.entries.append({"skipped_step": reason, "names": self._skipped_names})

    def _name_broken(self, step: PendingStep, report: StepReport) -> int:
        broken = gather_object(step.broken_samples)
        named = _some([f"{name} ({reason})" for name, reason in broken])
        report.messages.append(f"step {step.number}: replaced {named}")
        report.entries.append({"broken_samples": [{"name": name, "reason": reason} for name, reason in broken]})
        return len(broken)

    def _fault_of(
        self, step: int, status: StepStatus, progress: Progress, loss_scale: float | None
    ) -> Exception | None:
        most_skipped = min(self.arguments.max_skipped_steps, self.geometry.total_steps)
        if not status.is_finite and progress.skipped_in_a_row >= most_skipped:
            return FloatingPointError(
                f"loss or gradient was not finite in the last {counted(progress.skipped_in_a_row, 'step')}, up to "
                f"step {step} with {_some(self._skipped_names)}. Check these images, or lower the learning rate"
            )
        if too_many_overflows(progress.overflows_in_a_row):
            return FloatingPointError(
                f"the gradient was not finite in the last {counted(progress.overflows_in_a_row, 'step')}, up to step "
                f"{step}, although the loss scale of fp16 has fallen to {loss_scale:g}. "
                "Train with mixed_precision bf16 or no, or lower the learning rate"
            )
        if progress.unlabelled_in_a_row >= min(self.arguments.max_unlabelled_steps, self.geometry.total_steps):
            images = progress.unlabelled_in_a_row * self.geometry.images_per_step
            return ValueError(
                ". ".join(
                    [
                        f"not one of the {counted(images, 'image')} of the last "
                        f"{counted(progress.unlabelled_in_a_row, 'step')}, up to step "
                        f"{step}, has a valid label, so that nothing can be learned from them",
                        *self._describe_labels(),
                        "Check the labels and the range of depth that is valid, or raise max_unlabelled_steps",
                    ]
                )
            )
        read, largest_share = step * self.geometry.images_per_step, self.arguments.max_broken_share
        if status.broken_samples and too_many_broken(progress.broken_samples, read, largest_share):
            return ValueError(
                f"{progress.broken_samples} of {read + progress.broken_samples} samples could not be used, more than "
                f"max_broken_share {largest_share:.2%}; see {self.log_path}. Repair or remove "
                "them, or raise max_broken_share, and resume with resume_from_checkpoint latest"
            )
        return None


def too_many_overflows(in_a_row: int) -> bool:
    """Return whether the loss scale cannot recover: after more than 50 consecutive fp16 overflows it will not."""
    return in_a_row > MOST_OVERFLOWS_IN_A_ROW


def largest_output(arguments: TrainingArguments, config: PreTrainedConfig) -> float:
    """Return the largest output that a run goes on with: that of a metric model cannot diverge."""
    return math.inf if config.depth_estimation_type == "metric" else arguments.max_output


def fault_of_bounds(
    arguments: TrainingArguments, config: PreTrainedConfig, step: int, values: dict[str, float]
) -> FloatingPointError | None:
    """Return the error that aborts a run whose output has left its bounds, or None.

    Args:
        arguments: give the bounds, `max_output` and `max_zero_share`.
        config: of the model; see `largest_output`.
        step: number of the step.
        values: numbers of a log entry; without `output_maximum` and `output_zero_share` there is nothing to check.
    """
    if "output_maximum" in values and values["output_maximum"] > largest_output(arguments, config):
        return FloatingPointError(
            f"the output reached {values['output_maximum']:.3g} at step {step}, above max_output "
            f"{arguments.max_output:g}: the output scale is diverging, to which the affine-invariant loss "
            f"is blind. {RAISE.format(name='max_output')}; if it diverges, start anew, or resume from an earlier "
            "checkpoint, with anchor_weight 1 (the default from random weights) or a lower learning rate"
        )
    if values.get("output_zero_share", 0.0) > arguments.max_zero_share:
        return FloatingPointError(
            f"{values['output_zero_share']:.0%} of the output is 0 at step {step}, above "
            f"max_zero_share {arguments.max_zero_share:.0%}: the last ReLU is dying. "
            f"{RAISE.format(name='max_zero_share')}, as where the images are mostly sky; else start anew, or resume "
            "from an earlier checkpoint, with a lower learning rate or anchor_weight 1"
        )
    return None


def _some(names: list[str]) -> str:
    """Join the first names of a list that may be long."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


__all__ = ["HealthMonitor", "StepReport", "fault_of_bounds", "largest_output", "too_many_overflows"]
