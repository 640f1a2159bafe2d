# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches of one process, from a mixture or a mixture of streams, in an order that a resume continues exactly."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .batches import GlobalBatchSampler, collate
from .mixture import Mixture
from .streaming_mixture import StreamingMixture
from .worker_signals import outlive_signals


class BatchLoader:
    """The batches of this process from one optimiser step to another.

    A batch is what `collate` gives; its key "broken" lists (name, reason) of the broken samples that were replaced.

    Of a `Mixture` the samples of a step are the same for any number of processes and workers, and a start at
    `first_step` reads nothing of the steps before. Of a `StreamingMixture` every process and worker reads shards of
    its own, so that the order belongs to their numbers; `state_dict` says where each stands, and it describes the
    batches handed out, not those that workers have read ahead.

    Args:
        data: the samples.
        batch_size: of one micro-batch on one process.
        accumulation: micro-batches per optimiser step.
        process_index: which process this is.
        process_count: how many there are.
        first_step: first optimiser step, counted from 0.
        last_step: the step after the last one.
        workers: processes that read ahead; 0 reads when a batch is asked for.
        pin_memory: whether batches are put into page-locked memory for a GPU.
        multiprocessing_context: how workers start: "fork", "spawn" or "forkserver"; None: as Python does here.
        state: what `state_dict` of this process gave when `first_step` steps were done; needed for streams only.

    Raises:
        ValueError: numbers that do not fit, or a state of another run, process or layout.
    """

    def __init__(
        self,
        data: Mixture | StreamingMixture,
        *,
        batch_size: int,
        accumulation: int,
        process_index: int,
        process_count: int,
        first_step: int,
        last_step: int,
        workers: int = 0,
        pin_memory: bool = False,
        multiprocessing_context: str | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.data = data
        self.workers = workers
        self.pin_memory = pin_memory
        # Without workers torch refuses to be told how they start.
        self.multiprocessing_context = multiprocessing_context if workers else None
        # The rules for the numbers of steps and processes are the same; of a stream an epoch's length does not matter.
        self._sampler = GlobalBatchSampler(
            batch_size=batch_size,
            samples_per_epoch=1 if isinstance(data, StreamingMixture) else len(data),
            process_index=process_index,
            process_count=process_count,
            accumulation=accumulation,
            first_step=first_step,
            last_step=last_step,
        )
        self._streams: dict[str, Any] = {}
        if isinstance(data, StreamingMixture):
            self._streams = self._streams_from(state or {}, first_step * accumulation)
        elif state:
            raise ValueError(
                "the state belongs to streaming sources, but none of the sources streams; continue with the sources "
                "of the run, or start a new one"
            )

    def __len__(self) -> int:
        """Batches of this process from the first step to the last."""
        return len(self._sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = self._from_streams() if isinstance(self.data, StreamingMixture) else self._from_map()
        for batch in batches:
            # Page-locking turns the pairs into lists.
            batch["broken"] = [(name, reason) for name, reason in batch["broken"]]
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Where the streams stand after the batches handed out, as plain numbers, texts, lists and dicts.

        It belongs to this process; every process saves its own. Empty without streams.
        """
        return copy.deepcopy(self._streams)

    def rewind(self, state: dict[str, Any]) -> None:
        """Takes back the batches handed out since `state_dict` gave this state; none can be asked for any more."""
        self._streams = copy.deepcopy(state)

    def _from_map(self) -> Iterator[dict[str, Any]]:
        yield from DataLoader(
            self.data,  # type: ignore[arg-type]
            batch_sampler=self._sampler,
            collate_fn=collate,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            multiprocessing_context=self.multiprocessing_context,
            worker_init_fn=_start_worker,
            # A data loader draws a seed for its workers, which nothing here uses. From the generator of the process
            # it would do so once more after a resume.
            generator=torch.Generator(),
        )

    def _streams_from(self, state: dict[str, Any], batches_done: int) -> dict[str, Any]:
        """The state to start from, checked against this loader."""
        sampler, parts = self._sampler, max(1, self.workers)
        layout = {
            "batch_size": sampler.batch_size,
            "process_index": sampler.process_index,
            "process_count": sampler.process_count,
            "workers": parts,
        }
        if not state:
            if batches_done:
                raise ValueError(
                    f"a stream cannot go on at batch {batches_done} without the state saved with the checkpoint; "
                    "continue from a checkpoint that has one, or start a new run"
                )
            return {**layout, "batches": 0, "parts": [None] * parts}
        changed = [
            f"{name}: {state.get(name)} -> {value}" for name, value in layout.items() if state.get(name) != value
        ]
        if changed:
            raise ValueError(
                f"streams are divided among processes and workers, and their numbers changed ({', '.join(changed)}); "
                "continue with the earlier ones, or start a new run from the checkpoint's weights"
            )
        if state["batches"] != batches_done:
            raise ValueError(
                f"the state of the streams is of batch {state['batches']}, the run goes on at {batches_done}"
            )
        return copy.deepcopy(state)

    def _from_streams(self) -> Iterator[dict[str, Any]]:
        assert isinstance(self.data, StreamingMixture)
        start = self._streams["batches"]
        parts = _WorkerBatches(self.data, self.state_dict())
        loader = iter(
            DataLoader(
                parts,
                batch_size=None,
                num_workers=self.workers,
                pin_memory=self.pin_memory,
                multiprocessing_context=self.multiprocessing_context,
                worker_init_fn=_start_worker,
                generator=torch.Generator(),
            )
        )
        for _ in range(len(self) - (start - self._sampler.first_step * self._sampler.accumulation)):
            part, state, batch = next(loader)
            self._streams["parts"][part] = state
            self._streams["batches"] += 1
            yield batch


class _WorkerBatches(IterableDataset):
    """What one worker reads: the batches of its part, each with the part's number and its state after the batch."""

    def __init__(self, data: StreamingMixture, state: dict[str, Any]) -> None:
        self.data = data
        self.state = state

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        state, worker = self.state, get_worker_info()
        workers = state["workers"]
        # A data loader asks its workers in turn and begins with the first; a resumed run begins with the next in turn.
        index = (state["batches"] + (worker.id if worker else 0)) % workers
        part = self.data.part(
            state["process_index"] * workers + index, state["process_count"] * workers, state["parts"][index]
        )
        while True:
            samples = [next(part) for _ in range(state["batch_size"])]
            yield index, part.state_dict(), collate(samples)


def _start_worker(_: int) -> None:
    # Each worker is one of several processes; OpenCV's own threads would compete with the training step.
    cv2.setNumThreads(0)
    outlive_signals()
