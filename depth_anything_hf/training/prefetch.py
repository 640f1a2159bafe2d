# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The micro-batches of a run on its device; a GPU gets the next one while it computes with the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..data.loader import BatchLoader


Batch = dict[str, Any]


class DevicePrefetcher:
    """Batches of a loader, in its order, with their tensors on a device.

    Args:
        loader: of this process.
        device: where the tensors go.
        first: number of the first micro-batch in the run.
        change: (batch on the host, its number) -> the batch that is used.
        reads_ahead: whether `look_ahead` does something; default: on a GPU.
    """

    def __init__(
        self,
        loader: BatchLoader,
        device: torch.device,
        *,
        first: int,
        change: Callable[[Batch, int], Batch],
        reads_ahead: bool | None = None,
    ) -> None:
        self.device = device
        self._loader, self._change = loader, change
        self._reads_ahead = device.type == "cuda" if reads_ahead is None else reads_ahead
        self._read = self._in_order(first)
        # The batch that was read ahead with the loader's state after it, or why there is none.
        self._ahead: tuple[Batch, dict[str, Any]] | Exception | None = None
        self._state = loader.state_dict()
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None

    def _in_order(self, first: int) -> Iterator[tuple[Batch, dict[str, Any]]]:
        for number, batch in enumerate(self._loader, start=first):
            state = self._loader.state_dict()
            yield self._moved(self._change(batch, number)), state

    def _moved(self, batch: Batch) -> Batch:
        # Without a stream of their own, copies would wait for the work that the device has been given before.
        with torch.cuda.stream(self._copies):
            return {
                key: value.to(self.device, non_blocking=True) if isinstance(value, Tensor) else value
                for key, value in batch.items()
            }

    def __next__(self) -> Batch:
        """The next batch; raises what reading it raised, also if it was read ahead."""
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
        return batch

    def look_ahead(self) -> None:
        """Reads the next batch and begins to copy it; for the time when the device has got its work and is busy."""
        if self._reads_ahead and self._ahead is None:
            try:
                self._ahead = next(self._read)
            except Exception as error:
                self._ahead = error

    def state_dict(self) -> dict[str, Any]:
        """The loader's state after the batches handed out, whatever was read ahead; see `BatchLoader.state_dict`."""
        return self._state

    def rewind(self, state: dict[str, Any]) -> None:
        """Takes back the batches handed out since `state_dict` gave this state; none can be asked for any more."""
        self._loader.rewind(state)
        self._state = self._loader.state_dict()


__all__ = ["DevicePrefetcher"]
