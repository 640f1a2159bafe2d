# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mixtures of sources, and the order of samples: the same for any number of processes, and across a resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from .datasets import Sample, SampleDataset


Transform: TypeAlias = Callable[[Sample, np.random.Generator], dict[str, Any]]

# NumPy seeds [a, b] and [a, b, 0, 0] are the same, so every purpose has its own last word; samples have 0.
EPOCH_ORDER, SOURCE_ORDER = 1, 2


class Mixture(torch.utils.data.Dataset):
    """Several sources as one dataset, in an order that depends on (seed, epoch) only.

    An item is addressed by (epoch, position). Its randomness comes from (seed, epoch, position) only: not from the
    worker, the process or a resume.

    Without weights the sources are concatenated, and an epoch is a permutation: every sample once (as in Depth
    Anything V1 and V2). With weights an epoch has the same length, but source i fills the share
    weights[i] / sum(weights) of it, rounded to whole samples; it is walked through in permutations of its own that
    continue from epoch to epoch, so that none of its samples is used n + 1 times before all are used n times.

    Args:
        sources: datasets of samples, none empty.
        transform: one for all sources, or one per source.
        weights: relative shares, one per source, positive.
        seed: of order and augmentation, >= 0.
    """

    def __init__(
        self,
        sources: Sequence[SampleDataset],
        transform: Transform | Sequence[Transform],
        weights: Sequence[float] | None = None,
        seed: int = 0,
    ) -> None:
        if not sources:
            raise ValueError("a mixture needs at least one source")
        self.sources = list(sources)
        self.seed = seed
        self.transforms = list(transform) if isinstance(transform, Sequence) else [transform] * len(sources)
        if len(self.transforms) != len(sources):
            raise ValueError(f"{len(self.transforms)} transforms for {len(sources)} sources")
        self._lengths = [len(source) for source in sources]
        if 0 in self._lengths:
            raise ValueError(f"source {self._lengths.index(0)} is empty; the lengths are {self._lengths}")
        self._first_rows = np.cumsum([0, *self._lengths])
        self._quotas = None if weights is None else _quotas(weights, len(sources), sum(self._lengths))
        self._ordered_epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        """Samples per epoch."""
        return int(self._first_rows[-1])

    def __getitem__(self, address: tuple[int, int]) -> dict[str, Any]:
        epoch, position = address
        source, index = self.locate(epoch, position)
        random = np.random.default_rng([self.seed, epoch, position])
        return self.transforms[source](self.sources[source][index], random)

    def locate(self, epoch: int, position: int) -> tuple[int, int]:
        """Which (source, index in the source) is read at a position of an epoch."""
        if not 0 <= position < len(self):
            raise IndexError(f"position {position} of an epoch of {len(self)} samples")
        if epoch != self._ordered_epoch:
            self._order, self._ordered_epoch = self._order_of(epoch), epoch
        row = int(self._order[position])
        source = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return source, row - int(self._first_rows[source])

    def _order_of(self, epoch: int) -> np.ndarray:
        """Rows of the concatenated sources in the order of an epoch."""
        random = np.random.default_rng([self.seed, epoch, 0, EPOCH_ORDER])
        if self._quotas is None:
            return random.permutation(len(self))
        rows = [self._rows_of_source(source, epoch, quota) for source, quota in enumerate(self._quotas)]
        return random.permutation(np.concatenate(rows))

    def _rows_of_source(self, source: int, epoch: int, quota: int) -> np.ndarray:
        length = self._lengths[source]
        first, last = epoch * quota, (epoch + 1) * quota
        cycles = [
            np.random.default_rng([self.seed, cycle, source, SOURCE_ORDER]).permutation(length)
            for cycle in range(first // length, -(-last // length))
        ]
        if not cycles:
            return np.empty(0, dtype=np.int64)
        skipped = first % length
        return self._first_rows[source] + np.concatenate(cycles)[skipped : skipped + quota]


def _quotas(weights: Sequence[float], source_count: int, samples_per_epoch: int) -> list[int]:
    """Whole samples per source and epoch, by largest remainder."""
    shares = np.asarray(weights, dtype=np.float64)
    if shares.shape != (source_count,) or not np.isfinite(shares).all() or not (shares > 0).all():
        raise ValueError(f"weights must be {source_count} positive numbers, one per source, got {list(weights)}")
    exact = shares / shares.sum() * samples_per_epoch
    quotas = np.floor(exact).astype(int)
    largest_remainders = np.argsort(quotas - exact, kind="stable")[: samples_per_epoch - quotas.sum()]
    quotas[largest_remainders] += 1
    if 0 in quotas:
        raise ValueError(
            f"weights {list(weights)} leave source {list(quotas).index(0)} without a sample "
            f"in an epoch of {samples_per_epoch}; raise its weight or leave it out"
        )
    return [int(quota) for quota in quotas]


class GlobalBatchSampler(torch.utils.data.Sampler[list[tuple[int, int]]]):
    """Micro-batches of (epoch, position) for one process, cut from one endless stream of samples.

    Stream position p is sample p % n of epoch p // n. Optimiser step s consumes the next
    `batch_size * process_count * accumulation` positions, whichever way these three factors split them: 1 process
    with batches of 8, 2 with 4, and 1 with 2 x 4 see the same samples in a step. A start at `first_step` reads
    nothing of earlier steps.

    Args:
        batch_size: of one micro-batch on one process.
        samples_per_epoch: length of the `Mixture`.
        process_index: which process this is.
        process_count: how many there are.
        accumulation: micro-batches per optimiser step.
        first_step: first optimiser step, counted from 0.
        last_step: the step after the last one.
    """

    def __init__(
        self,
        batch_size: int,
        samples_per_epoch: int,
        process_index: int,
        process_count: int,
        accumulation: int,
        first_step: int,
        last_step: int,
    ) -> None:
        if min(batch_size, samples_per_epoch, process_count, accumulation) < 1:
            raise ValueError(
                "batch_size, samples_per_epoch, process_count and accumulation must be at least 1, got "
                f"{batch_size}, {samples_per_epoch}, {process_count}, {accumulation}"
            )
        if not 0 <= process_index < process_count:
            raise ValueError(f"process_index must be in 0..{process_count - 1}, got {process_index}")
        if not 0 <= first_step <= last_step:
            raise ValueError(f"need 0 <= first_step <= last_step, got {first_step} and {last_step}")
        self.batch_size = batch_size
        self.samples_per_epoch = samples_per_epoch
        self.process_index = process_index
        self.process_count = process_count
        self.accumulation = accumulation
        self.first_step = first_step
        self.last_step = last_step

    def __len__(self) -> int:
        """Micro-batches of this process."""
        return (self.last_step - self.first_step) * self.accumulation

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        micro_batch_of_all = self.batch_size * self.process_count
        for micro_step in range(self.first_step * self.accumulation, self.last_step * self.accumulation):
            start = micro_step * micro_batch_of_all + self.process_index * self.batch_size
            yield [divmod(position, self.samples_per_epoch) for position in range(start, start + self.batch_size)]


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks transformed samples: tensors along a new first axis, names as a list.

    Raises:
        ValueError: an empty batch, samples with and without labels in one batch, or tensors of different size.
    """
    if not samples:
        raise ValueError("cannot collate an empty batch")
    for sample in samples[1:]:
        if sample.keys() != samples[0].keys():
            raise ValueError(
                f"{samples[0]['name']} has {sorted(samples[0])}, but {sample['name']} has {sorted(sample)}; "
                "samples with and without labels cannot share a batch: put them in mixtures of their own"
            )
    batch: dict[str, Any] = {"name": [sample["name"] for sample in samples]}
    for key in samples[0]:
        if key == "name":
            continue
        shapes = {tuple(sample[key].shape) for sample in samples}
        if len(shapes) > 1:
            raise ValueError(f"{key} has different shapes {sorted(shapes)} in a batch; use one size in all transforms")
        batch[key] = torch.stack([sample[key] for sample in samples])
    return batch
