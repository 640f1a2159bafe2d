# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mixtures of sources, and the order of samples: the same for any number of processes, and across a resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch

from .decoding.errors import BrokenSampleError
from .samples import Sample, SampleDataset


Transform: TypeAlias = Callable[[Sample, np.random.Generator], dict[str, Any]]

# NumPy seeds [a, b] and [a, b, 0, 0] are the same, so every purpose has its own last word; samples have 0.
# 3 belongs to CutMix; see also `streaming`.
EPOCH_ORDER, SOURCE_ORDER, REPLACEMENT = 1, 2, 4

# What a damaged, missing or forbidden file raises. Anything else is a fault of the program or of its configuration.
BROKEN = (BrokenSampleError, OSError)
MOST_ATTEMPTS = 10
LARGEST_ASPECT_RATIO = 50


class Mixture(torch.utils.data.Dataset):
    """Several sources as one dataset, in an order that depends on (seed, epoch) only.

    An item is addressed by (epoch, position). Its randomness comes from (seed, epoch, position) only: not from the
    worker, the process or a resume.

    Without weights the sources are concatenated, and an epoch is a permutation: every sample once (as in Depth
    Anything V1 and V2). With weights an epoch has the same length, but source i fills the share
    weights[i] / sum(weights) of it, rounded to whole samples; it is walked through in permutations of its own that
    continue from epoch to epoch, so that none of its samples is used n + 1 times before all are used n times.

    A broken sample (a file that is missing or cannot be decoded, or a label of another size) is replaced by another
    one of its source, drawn by (seed, epoch, position, attempt), so that every process and every resume replaces it
    by the same. An item's key "broken" lists (name, reason) of the samples it stands for, mostly none. A fault of the
    program or of the configuration, such as an integer map without scale, is not replaced but raised.

    Args:
        sources: datasets of samples, none empty.
        transform: one for all sources, or one per source.
        weights: relative shares, one per source, positive.
        seed: of order and augmentation, >= 0.
        names: of the sources, for messages.

    Raises:
        ValueError: no sources, an empty one, weights that do not fit, or sources with and without labels.
    """

    def __init__(
        self,
        sources: Sequence[SampleDataset],
        transform: Transform | Sequence[Transform],
        weights: Sequence[float] | None = None,
        seed: int = 0,
        names: Sequence[str] | None = None,
    ) -> None:
        if not sources:
            raise ValueError("a mixture needs at least one source")
        self.sources = list(sources)
        self.seed = seed
        self.transforms = one_per_source(transform, len(sources))
        self.names = names_of_sources(names, len(sources))
        check_labels(sources)
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
        skipped: list[tuple[str, str]] = []
        while True:
            try:
                sample = checked_aspect(self.sources[source][index])
                return {**self.transforms[source](sample, random), "broken": skipped}
            except BROKEN as error:
                note_broken(skipped, f"{self.names[source]}, sample {index}", error)
            random = np.random.default_rng([self.seed, epoch, position, len(skipped), REPLACEMENT])
            index = int(random.integers(self._lengths[source]))

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Reads the first samples of a source, one per call, in the order of the source."""
        for index in range(min(MOST_ATTEMPTS, self._lengths[source])):
            yield partial(self.sources[source].__getitem__, index)

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


def checked_aspect(sample: Sample) -> Sample:
    """Returns the sample.

    Raises:
        BrokenSampleError: it is so long and thin that covering a square crop with it would take gigabytes.
    """
    shorter, longer = sorted(sample["image"].shape[:2])
    if longer > LARGEST_ASPECT_RATIO * shorter:
        raise BrokenSampleError(
            f"{sample['name']}: a picture of {sample['image'].shape[0]} x {sample['image'].shape[1]} (height x width) "
            f"is too long and thin to train on; the sides may differ by a factor of {LARGEST_ASPECT_RATIO}"
        )
    return sample


def note_broken(skipped: list[tuple[str, str]], place: str, error: Exception) -> None:
    """Adds (place, reason) to the list.

    Raises:
        ValueError: too many in a row, so that the data and not a file of it is broken.
    """
    skipped.append((place, f"{error}"))
    if len(skipped) >= MOST_ATTEMPTS:
        raise ValueError(
            f"{len(skipped)} samples in a row cannot be used, so most of the data is broken: check the paths, the "
            f"label's column and its size. The last two: {skipped[-2][1]} | {skipped[-1][1]}"
        ) from error


def one_per_source(transform: Transform | Sequence[Transform], source_count: int) -> list[Transform]:
    """The transform of every source."""
    transforms = list(transform) if isinstance(transform, Sequence) else [transform] * source_count
    if len(transforms) != source_count:
        raise ValueError(f"{len(transforms)} transforms for {source_count} sources")
    return transforms


def names_of_sources(names: Sequence[str] | None, source_count: int) -> list[str]:
    """The names given, or "source 0", "source 1", ..."""
    if names is not None and len(names) != source_count:
        raise ValueError(f"{len(names)} names for {source_count} sources")
    return [f"source {source}" for source in range(source_count)] if names is None else list(names)


def check_labels(sources: Sequence[Any]) -> None:
    """Raises ValueError where some of the sources have labels and some have none."""
    kinds = [source.label for source in sources]
    if None in kinds and any(kind is not None for kind in kinds):
        raise ValueError(
            f"the labels of the sources are {kinds}: sources with and without labels cannot share a batch; "
            "put them in mixtures of their own, or label the photographs first"
        )


def check_first_samples(mixture: Any) -> None:
    """Reads and transforms a sample of every source, so that a wrong column or scale shows at once.

    Args:
        mixture: a `Mixture` or a `StreamingMixture`.

    Raises:
        ValueError: a source whose first samples cannot be used, or whose tensors differ from those of the first
            source; the message begins with its name.
    """
    first: dict[str, tuple[int, ...]] = {}
    for source, name in enumerate(mixture.names):
        item = _first_usable(mixture, source, name)
        shapes = {key: tuple(value.shape) for key, value in item.items() if isinstance(value, torch.Tensor)}
        first = first or shapes
        if shapes != first:
            raise ValueError(
                f"{name}: its samples are {shapes}, those of {mixture.names[0]} are {first}; they cannot share a batch"
            )


def _first_usable(mixture: Any, source: int, name: str) -> dict[str, Any]:
    reason: Exception = ValueError("it gives no samples")
    for read in mixture.first_samples(source):
        try:
            return mixture.transforms[source](checked_aspect(read()), np.random.default_rng(mixture.seed))
        except BROKEN as error:
            reason = error
        except Exception as error:
            # Whatever a reader or a transform makes of a wrong column or scale, the source must be named.
            raise ValueError(f"{name}: its first sample cannot be used: {type(error).__name__}: {error}") from error
    raise ValueError(f"{name}: none of its first samples can be used; the last reason: {reason}") from reason


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
