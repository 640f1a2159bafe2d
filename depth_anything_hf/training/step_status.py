# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Per-step status, all-reduced on the device and read one step later to avoid a host sync."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor


@dataclass
class StepStatus:
    """Status of a step, all-reduced over all processes.

    Attributes:
        stop: a process was asked to stop by a signal.
        unreadable: a process could not read its data.
        broken_samples: samples that were replaced.
        loss_is_finite: on all processes.
        gradient_is_finite: on all processes; also true for an overflow that a scaler for fp16 handles.
        overflowed: a gradient is not finite, as it may be under a scaler for fp16, which leaves the step out itself.
        counted_images: images that count in the loss, see `losses.reduction.images_that_count`.
    """

    stop: bool
    unreadable: bool
    broken_samples: int
    loss_is_finite: bool
    gradient_is_finite: bool
    overflowed: bool
    counted_images: int

    @property
    def is_finite(self) -> bool:
        """Whether both loss and gradient are finite."""
        return self.loss_is_finite and self.gradient_is_finite


class ReducedStatus:
    """Status of a step, all-reduced on the device, not yet read on the host. Every process must make one.

    Args:
        accelerator: reduces it, in one small all-reduce.
        stop, unreadable, broken_samples: of this process; see `StepStatus`.
        loss_is_finite: of this process, a boolean on the device.
        gradient_norm: the same on all processes, on the device.
        counted_images: of all processes, on the device.
        overflow_is_allowed: whether a gradient that is not finite is the business of a scaler for fp16.

    Attributes:
        leave_out: whether the step must not be taken: 1 or 0 as float32 on the device, the same on all processes.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        stop: bool,
        unreadable: bool,
        broken_samples: int,
        loss_is_finite: Tensor,
        gradient_norm: Tensor,
        counted_images: Tensor,
        overflow_is_allowed: bool,
    ) -> None:
        found = [
            # Filled in on the device: a copy from the host would wait for all that the device has to do before.
            *(
                torch.full_like(gradient_norm, float(number), dtype=torch.float32)
                for number in (stop, broken_samples, unreadable)
            ),
            (~loss_is_finite).float(),
            (~torch.isfinite(gradient_norm)).float(),
        ]
        reduced: Tensor = accelerator.reduce(torch.stack(found), reduction="sum")
        self._overflow_is_allowed = overflow_is_allowed
        reasons = reduced[2:4] if overflow_is_allowed else reduced[2:]
        self.leave_out = (reasons.amax() > 0).float()
        numbers = torch.cat([reduced, counted_images.float().reshape(1)])
        self._numbers = numbers.to("cpu", non_blocking=reduced.is_cuda)
        self._arrival = torch.cuda.Event() if reduced.is_cuda else None  # type: ignore[no-untyped-call]
        if self._arrival is not None:
            self._arrival.record()

    def read(self) -> StepStatus:
        """Wait for the device to complete this step, not for work launched since."""
        if self._arrival is not None:
            self._arrival.synchronize()
        stop, broken_samples, unreadable, bad_losses, bad_gradients, counted = self._numbers.tolist()
        return StepStatus(
            stop=stop > 0,
            unreadable=unreadable > 0,
            broken_samples=int(broken_samples),
            loss_is_finite=bad_losses == 0,
            gradient_is_finite=bad_gradients == 0 or self._overflow_is_allowed,
            overflowed=bad_gradients > 0 and self._overflow_is_allowed,
            # NaN where a process does not know, see `terms.checked_images`.
            counted_images=0 if math.isnan(counted) else round(counted),
        )


def is_finite(terms: Sequence[dict[str, Tensor]]) -> Tensor:
    """Return whether loss and output of all micro-batches of this process are finite, a boolean on the device.

    Args:
        terms: of each micro-batch, with "loss" and, where the objective watches it, "output_maximum".
    """
    watched = torch.zeros((), device=terms[0]["loss"].device)
    for each in terms:
        # On an accelerator an output of NaN gives a loss of 0 without images; its maximum tells.
        watched = watched + each["loss"].float() + each.get("output_maximum", watched.new_zeros(()))
    return torch.isfinite(watched)


@dataclass
class PendingStep:
    """An optimizer step that was launched on the device and whose status has not been read.

    Attributes:
        number: of the step, from 1.
        reduced: its status over all processes.
        loss_is_finite: of this process, a boolean on the device.
        names: the samples of this process.
        broken_samples: those of this process that were replaced, each with the reason.
        terms: named scalars of each micro-batch.
        data_state, random_numbers: as they were before the step.
    """

    number: int
    reduced: ReducedStatus
    loss_is_finite: Tensor
    names: list[str]
    broken_samples: list[tuple[str, str]]
    terms: list[dict[str, Tensor]]
    data_state: dict[str, Any]
    random_numbers: dict[str, Any]


class PendingSteps:
    """The steps that were launched and whose status has not been read, oldest first."""

    def __init__(self) -> None:
        self._steps: list[PendingStep] = []

    def append(self, step: PendingStep) -> None:
        """Add the newest step."""
        self._steps.append(step)

    def settle(self, leave: int = 0) -> Iterator[tuple[PendingStep, StepStatus]]:
        """Yield the oldest steps with their status, and leave the `leave` newest ones pending."""
        while len(self._steps) > leave:
            step = self._steps.pop(0)
            yield step, step.reduced.read()

    def clear(self) -> None:
        """Forget all steps, unread."""
        self._steps.clear()


__all__ = ["PendingStep", "PendingSteps", "ReducedStatus", "StepStatus", "is_finite"]
