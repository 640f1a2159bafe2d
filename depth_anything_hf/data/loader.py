# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Load the batches of one process, in an order that a resume continues exactly."""

from __future__ import annotations

import atexit
import copy
from collections.abc import Iterator
from typing import Any, ClassVar
from weakref import WeakSet

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .batches import GlobalBatchSampler, collate
from .mixture import Mixture
from .streaming_mixture import StreamingMixture
from .worker_signals import outlive_signals


class BatchLoader:
    """The batches of this process from one optimizer step to another.

    A batch is what `collate` returns; its key "broken" lists (name, reason) of the broken samples.

    With a `Mixture` the samples of a step are the same for any number of processes and workers, and a start at
    `first_step` reads nothing of earlier steps. With a `StreamingMixture` every process and worker reads shards of
    its own, so that the order depends on their numbers; `state_dict` gives the position of each after the batches
    handed out, without those that workers have read ahead.

    Args:
        data: the samples.
        batch_size: samples of a micro-batch on one process.
        accumulation: micro-batches per optimizer step.
        process_index: which process this is.
        process_count: how many there are.
        first_step: first optimizer step, counted from 0.
        last_step: the step after the last one.
        workers: processes that read ahead; 0 reads in this process, on demand.
        pin_memory: put batches into page-locked memory, for faster copies to a GPU.
        multiprocessing_context: how workers start: "fork", "spawn" or "forkserver"; None takes the default of Python.
        state: `state_dict` of this process after `first_step` steps; needed for streams only.

    Raises:
        ValueError: a number out of range, or a state of another run, process or number of workers.
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
        # Without workers DataLoader refuses a context.
        self.multiprocessing_context = multiprocessing_context if workers else None
        # Checks the numbers of steps and processes for streams too, where the length of an epoch does not matter.
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
                "the checkpoint has the state of streaming sources, but no source streams; resume with the same "
                "sources, or start a new run"
            )

    def __len__(self) -> int:
        """Return the number of batches of this process from the first step to the last."""
        return len(self._sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = (
            self._from_streams(self.data) if isinstance(self.data, StreamingMixture) else self._from_map(self.data)
        )
        for batch in batches:
            # Pinning memory turns the pairs into lists.
            batch["broken"] = [(name, reason) for name, reason in batch["broken"]]
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the streams after the batches handed out, as numbers, strings, lists and dicts.

        Every process saves its own. It is empty without streams.
        """
        return copy.deepcopy(self._streams)

    def rewind(self, state: dict[str, Any]) -> None:
        """Set the state back to an earlier `state_dict`; no more batches can be taken from this loader."""
        self._streams = copy.deepcopy(state)

    def _from_map(self, data: Mixture) -> Iterator[dict[str, Any]]:
        with self._workers_of(data, batch_sampler=self._sampler, collate_fn=collate) as batches:
            yield from batches

    def _workers_of(self, data: Any, **options: Any) -> _WorkersOf:
        loader = DataLoader(
            data,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            multiprocessing_context=self.multiprocessing_context,
            worker_init_fn=_start_worker,
            # DataLoader draws a seed for its workers, which nothing here uses. Drawn from the global generator, it
            # would advance that one more often in a run that is resumed.
            generator=torch.Generator(),
            **options,
        )
        return _WorkersOf(loader)

    def _streams_from(self, state: dict[str, Any], batches_done: int) -> dict[str, Any]:
        """Return the state to start from, after checking that it fits this loader."""
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
                    f"a stream cannot resume at batch {batches_done} without the state saved with the checkpoint; "
                    "resume from a checkpoint that has one, or start a new run"
                )
            return {**layout, "batches": 0, "parts": [None] * parts}
        changed = [
            f"{name}: {state.get(name)} -> {value}" for name, value in layout.items() if state.get(name) != value
        ]
        if changed:
            raise ValueError(
                f"streams are divided among processes and workers, and their numbers changed ({', '.join(changed)}); "
                "resume with the same numbers, or start a new run from the weights of the checkpoint"
            )
        if state["batches"] != batches_done:
            raise ValueError(
                f"expected the state of the streams after batch {batches_done}, got the one after batch "
                f"{state['batches']}; resume from a checkpoint whose files belong together"
            )
        return copy.deepcopy(state)

    def _from_streams(self, data: StreamingMixture) -> Iterator[dict[str, Any]]:
        start = self._streams["batches"]
        parts = _WorkerBatches(data, self.state_dict())
        with self._workers_of(parts, batch_size=None) as batches:
            for _ in range(len(self) - (start - self._sampler.first_step * self._sampler.accumulation)):
                part, state, batch = next(batches)
                self._streams["parts"][part] = state
                self._streams["batches"] += 1
                yield batch


class _WorkersOf:
    """Context manager: the batches of a loader, whose worker processes end with it, or at the latest with Python.

    Workers outlive the signal by which multiprocessing would end them, see `outlive_signals`, so that Python would
    wait for them at its exit. DataLoader itself ends them only when its iterator is exhausted or collected.
    """

    _open: ClassVar[WeakSet[_WorkersOf]] = WeakSet()

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._batches = iter(loader)

    def __enter__(self) -> Iterator[Any]:
        self._open.add(self)
        return self._batches

    def __exit__(self, *_: object) -> None:
        self._open.discard(self)
        self.end()

    def end(self) -> None:
        """End the worker processes; there is no public way to."""
        shut_down = getattr(self._batches, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()
        for worker in getattr(self._batches, "_workers", ()):
            if worker.is_alive():
                # DataLoader ends by a signal which the workers outlive.
                worker.kill()

    @classmethod
    def end_all(cls) -> None:
        """End the workers of all loaders that were left in the middle."""
        for each in list(cls._open):
            each.end()


# Runs before the exit function of multiprocessing, which was registered earlier.
atexit.register(_WorkersOf.end_all)


class _WorkerBatches(IterableDataset[tuple[int, dict[str, Any], dict[str, Any]]]):
    """The batches of one worker's part, each as (number of the part, its state after the batch, batch)."""

    def __init__(self, data: StreamingMixture, state: dict[str, Any]) -> None:
        self.data = data
        self.state = state

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        state, worker = self.state, get_worker_info()
        workers = state["workers"]
        # DataLoader asks its workers in turn, from the first on; a resumed run begins with the part next in turn.
        index = (state["batches"] + (worker.id if worker else 0)) % workers
        part = self.data.part(
            state["process_index"] * workers + index, state["process_count"] * workers, state["parts"][index]
        )
        while True:
            samples = [next(part) for _ in range(state["batch_size"])]
            yield index, part.state_dict(), collate(samples)


def _start_worker(_: int) -> None:
    # OpenCV's threads in every worker would compete with the training step for the cores.
    cv2.setNumThreads(0)
    outlive_signals()
