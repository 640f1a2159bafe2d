# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The micro-batches of a run on its device; a GPU gets the next one while it computes with the one before."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from ..data.cutmix import BatchCutMix
from ..data.loader import BatchLoader
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from .arguments import TrainingArguments
from .processes import on_any_process


Batch = dict[str, Any]


class DevicePrefetcher:
    """Batches of a loader, in its order, with their tensors on a device.

    Args:
        loader: of this process.
        device: where the tensors go.
        first: number of the first micro-batch in the run.
        mix: CutMix of the batches, on the host; None leaves them as they are.
        reads_ahead: whether `look_ahead` does something; default: on a GPU.

    Attributes:
        last: the batch handed out last; empty before the first.
        error: why no further batch can be read, once `next_or_last` met that.
    """

    def __init__(
        self,
        loader: BatchLoader,
        device: torch.device,
        *,
        first: int,
        mix: BatchCutMix | None = None,
        reads_ahead: bool | None = None,
    ) -> None:
        self.device = device
        self.last: Batch = {}
        self.error: Exception | None = None
        self._loader, self._mix = loader, mix
        self._reads_ahead = device.type == "cuda" if reads_ahead is None else reads_ahead
        # The batch that was read ahead with the loader's state after it, or why there is none.
        self._ahead: tuple[Batch, dict[str, Any]] | Exception | None = None
        self._state = loader.state_dict()
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._read = _read_in_order(loader, device, self._copies, first, mix)

    def __next__(self) -> Batch:
        """Return the next batch; raise what reading it raised, also if it was read ahead."""
        ahead, self._ahead = self._ahead, None
        if isinstance(ahead, Exception):
            raise ahead
        batch, self._state = next(self._read) if ahead is None else ahead
        if self._copies is not None:
            current = torch.cuda.current_stream(self.device)
            current.wait_stream(self._copies)
            for value in batch.values():
                if isinstance(value, Tensor):
                    # Its memory belongs to the other stream, which must not use it again too early.
                    value.record_stream(current)
        self.last = batch
        return batch

    def next_or_last(self) -> Batch:
        """Return the next batch; once reading has failed, the last one again, without broken samples.

        The reason is kept as `error`. Other processes wait for this one in the backward pass, so it repeats
        the last batch until all know of the error.
        """
        if self.error is None:
            try:
                return next(self)
            except Exception as error:
                self.error = error
        return {**self.last, "broken": []}

    def next_on_all(self, accelerator: Accelerator) -> Batch:
        """Return `next_or_last`, which for the first batch must be there on all processes; every process must call it.

        The other processes wait for this one in the backward pass, and learn of the error by the step's status; the
        step is not taken. Before the first batch there is none to repeat.

        Raises:
            Exception: what reading the first batch raised, here or on another process.
        """
        is_first = not self.last
        batch = self.next_or_last()
        if is_first and on_any_process(accelerator, self.error is not None):
            raise self.error or unreadable_elsewhere()
        return batch

    def look_ahead(self) -> None:
        """Read the next batch and begin to copy it, while the device is busy with the one before."""
        if self._reads_ahead and self._ahead is None:
            try:
                self._ahead = next(self._read)
            except Exception as error:
                self._ahead = error

    def close(self) -> None:
        """End the loader's worker processes; no further batch can be taken."""
        self._read.close()

    def state_dict(self) -> dict[str, Any]:
        """Return the loader's state after the batches handed out, whatever was read ahead."""
        return self._state

    def rewind(self, state: dict[str, Any]) -> None:
        """Take back the batches handed out since `state_dict` gave this state; no further batch can be taken."""
        self._loader.rewind(state)
        self._state = self._loader.state_dict()


def unreadable_elsewhere() -> ValueError:
    """Return the error of a process that could read its data, when another could not."""
    return ValueError("data loading failed on another rank (see its log); stopping this rank")


def usable_workers(arguments: TrainingArguments, data_state: dict[str, Any] | None = None) -> int:
    """Return the number of worker processes: as many as asked for, but no more than CPUs that this process may use.

    The samples of a mixture do not depend on it. A stream is divided among the workers, so that a resumed one keeps
    the number that it began with, on whatever machine.

    Args:
        arguments: the training arguments.
        data_state: of a stream that is resumed.
    """
    asked = arguments.dataloader_num_workers
    before = int((data_state or {}).get("workers", 0))
    if 1 < before <= asked:
        return before
    affinity = getattr(os, "sched_getaffinity", None)
    usable = min(asked, len(affinity(0)) if affinity is not None else os.cpu_count() or 1)
    # One part is read by one worker, or by none.
    return min(usable, 1) if before == 1 else usable


def open_batches(
    arguments: TrainingArguments,
    data: Mixture | StreamingMixture,
    accelerator: Accelerator,
    *,
    first_step: int = 0,
    last_step: int,
    data_state: dict[str, Any] | None = None,
    reads_ahead: bool | None = None,
) -> DevicePrefetcher:
    """Return the micro-batches of this process for the steps of a run, with CutMix where its arguments ask for it.

    Args:
        arguments: the training arguments.
        data: the training data.
        accelerator: gives the device, and the place of this process among all.
        first_step: optimizer steps done before.
        last_step: optimizer steps done afterwards.
        data_state: of a stream when `first_step` steps were done.
        reads_ahead: see `DevicePrefetcher`.

    Raises:
        ValueError: the state is of another run or another layout of processes and workers.
    """
    loader = BatchLoader(
        data,
        batch_size=arguments.per_device_train_batch_size,
        accumulation=arguments.gradient_accumulation_steps,
        process_index=accelerator.process_index,
        process_count=accelerator.num_processes,
        first_step=first_step,
        last_step=last_step,
        workers=usable_workers(arguments, data_state),
        pin_memory=accelerator.device.type == "cuda",
        multiprocessing_context=arguments.dataloader_multiprocessing_context,
        state=data_state,
    )
    mix = BatchCutMix(arguments.seed, arguments.cutmix_probability, accelerator.process_index)
    first = first_step * arguments.gradient_accumulation_steps
    return DevicePrefetcher(loader, accelerator.device, first=first, mix=mix, reads_ahead=reads_ahead)


__all__ = ["DevicePrefetcher", "open_batches", "unreadable_elsewhere", "usable_workers"]


def _read_in_order(
    loader: BatchLoader, device: torch.device, copies: Any, first: int, mix: BatchCutMix | None
) -> Generator[tuple[Batch, dict[str, Any]]]:
    """Yield the batches on the device, each with the loader's state after it.

    No method of the prefetcher, which would then be part of a circle: the garbage collector closes the queues of the
    workers in it before it ends the workers. These wait for a last word on the queues, and the run waits for them.
    """
    for number, batch in enumerate(loader, start=first):
        state = loader.state_dict()
        batch = batch if mix is None else mix(batch, number)
        # Without a stream of their own, copies would wait for the work that the device has been given before.
        with torch.cuda.stream(copies):
            moved = {
                key: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
                for key, value in batch.items()
            }
        yield moved, state
