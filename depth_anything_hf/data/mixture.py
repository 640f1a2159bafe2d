# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Mix map-style sources, in an order that is the same for any number of processes and after a resume."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch

from ..utils.typed_fields import convert_argument
from .decoding.errors import BrokenSampleError
from .first_labels import SMALL_SHARE, UselessLabelsError, first_labels, has_valid_label
from .masked_pixels import WEIGHTS
from .samples import Sample, SampleDataset, errors_named


Transform: TypeAlias = Callable[[Sample, np.random.Generator], dict[str, Any]]

# NumPy takes the seeds [a, b] and [a, b, 0, 0] for the same, so every purpose has its own last number; samples have 0.
# 3 belongs to `cutmix`, 5 to 9 to `streaming_mixture`, 16 to `item_mixture`.
EPOCH_ORDER, SOURCE_ORDER, REPLACEMENT = 1, 2, 4

# What a damaged, missing or forbidden file raises. Anything else is an error of the program or the configuration.
BROKEN = (BrokenSampleError, OSError)
MOST_ATTEMPTS = 10
LARGEST_ASPECT_RATIO = 50


class Mixture(torch.utils.data.Dataset[dict[str, Any]]):
    """Several sources as one dataset, in an order that depends on (seed, epoch) only.

    An item is addressed by (epoch, position). Its randomness depends on (seed, epoch, position) only, not on the
    worker, the process or a resume.

    Without weights the sources are concatenated, and an epoch is a permutation: every sample once (as in Depth
    Anything V1 and V2). With weights an epoch has the same length, but source i makes up the share
    weights[i] / sum(weights) of it, rounded to whole samples. A weighted source is read in permutations of its own,
    which continue from epoch to epoch: no sample is used n + 1 times before all of its source are used n times.
    `samples_per_epoch` gives a weighted mixture's epoch another length.

    A broken sample (its file is missing or cannot be decoded, or its label has another size) is replaced by another
    sample of its source, drawn by (seed, epoch, position, attempt): the same one in every process and after every
    resume. The key "broken" of an item lists (name, reason) of the samples that it replaces, mostly none. Errors of
    the program or the configuration, such as an integer map without scale, are raised.

    Args:
        sources: datasets of samples, none empty.
        transform: one for all sources, or one per source.
        weights: relative shares, one per source, > 0.
        seed: of order and augmentation, >= 0.
        names: names of the sources, for messages.
        samples_per_epoch: with weights; None takes as many as all sources have.

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
        samples_per_epoch: int | None = None,
    ) -> None:
        if not sources:
            raise ValueError("a mixture needs at least one source")
        self.sources = list(sources)
        self.seed = convert_argument("seed", seed, int)
        self.weights = weights = convert_argument("weights", weights, Sequence[float] | None)
        self.transforms = one_per_source(transform, len(sources))
        self.names = name_sources(names, len(sources))
        check_labels(sources)
        self._lengths = [len(source) for source in sources]
        if 0 in self._lengths:
            raise ValueError(f"source {self._lengths.index(0)} is empty; the lengths are {self._lengths}")
        self._first_rows = np.cumsum([0, *self._lengths])
        self._length = int(self._first_rows[-1])
        if samples_per_epoch is not None:
            if weights is None or samples_per_epoch < 1:
                raise ValueError(
                    f"samples_per_epoch is {samples_per_epoch}, expected at least 1, and weights beside it"
                )
            self._length = samples_per_epoch
        self._quotas = None if weights is None else _quotas(weights, len(sources), self._length)
        self._ordered_epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of samples per epoch."""
        return self._length

    def __getitem__(self, address: tuple[int, int]) -> dict[str, Any]:
        epoch, position = address
        source, index = self.locate(epoch, position)
        random = np.random.default_rng([self.seed, epoch, position])
        broken: list[tuple[str, str]] = []
        while True:
            try:
                with errors_named(f"{self.names[source]}, sample {index}"):
                    sample = check_aspect(self.sources[source][index])
                    return {**self.transforms[source](sample, random), "broken": broken}
            except BROKEN as error:
                note_broken(broken, f"{self.names[source]}, sample {index}", error)
            random = np.random.default_rng([self.seed, epoch, position, len(broken), REPLACEMENT])
            index = int(random.integers(self._lengths[source]))

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Yield readers of the first samples of a source, in its order; calling one reads one sample."""
        for index in range(min(MOST_ATTEMPTS, self._lengths[source])):
            yield partial(self.sources[source].__getitem__, index)

    def locate(self, epoch: int, position: int) -> tuple[int, int]:
        """Return which (source, index in the source) is read at a position of an epoch."""
        if not 0 <= position < len(self):
            raise IndexError(f"position must be in 0..{len(self) - 1}, the samples of an epoch; got {position}")
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
        rows: np.ndarray = self._first_rows[source] + np.concatenate(cycles)[skipped : skipped + quota]
        return rows


def check_aspect(sample: Sample) -> Sample:
    """Return the sample, unless its image is too long and thin to be resized to a crop.

    Raises:
        BrokenSampleError: the sides differ so much that an image that covers a square crop would take gigabytes.
    """
    if "image" not in sample:
        # An item of tensors, which is not resized.
        return sample
    shorter, longer = sorted(sample["image"].shape[:2])
    if longer > LARGEST_ASPECT_RATIO * shorter:
        raise BrokenSampleError(
            f"{sample['name']}: an image of {sample['image'].shape[0]} x {sample['image'].shape[1]} (height x width) "
            f"is too long and thin to train on; the sides may differ by a factor of at most {LARGEST_ASPECT_RATIO}"
        )
    return sample


def note_broken(broken: list[tuple[str, str]], place: str, error: Exception) -> None:
    """Add (place, reason) to the list of broken samples.

    Raises:
        ValueError: too many in a row, so that not single files but the dataset is broken.
    """
    broken.append((place, f"{error}"))
    if len(broken) >= MOST_ATTEMPTS:
        raise ValueError(
            f"{len(broken)} samples in a row cannot be used, so most of the data is broken: check the paths, the "
            f"column of labels and the size of labels. The last two errors: {broken[-2][1]} | {broken[-1][1]}"
        ) from error


def one_per_source(transform: Transform | Sequence[Transform], source_count: int) -> list[Transform]:
    """Return the transform of every source.

    Raises:
        ValueError: as many transforms as sources are needed, if not one for all.
    """
    transforms = list(transform) if isinstance(transform, Sequence) else [transform] * source_count
    if len(transforms) != source_count:
        raise ValueError(
            f"expected one transform, or one per source ({source_count}), got {len(transforms)} transforms"
        )
    return transforms


def name_sources(names: Sequence[str] | None, source_count: int) -> list[str]:
    """Return the given names, or "source 0", "source 1", ... without names.

    Raises:
        ValueError: another number of names than of sources.
    """
    if names is not None and len(names) != source_count:
        raise ValueError(f"expected one name per source ({source_count}), got {len(names)} names")
    return [f"source {source}" for source in range(source_count)] if names is None else list(names)


def check_labels(sources: Sequence[Any]) -> None:
    """Check that all sources have labels, or none has.

    Raises:
        ValueError: some have, some have not.
    """
    kinds = [source.label for source in sources]
    if None in kinds and any(kind is not None for kind in kinds):
        raise ValueError(
            f"the labels of the sources are {kinds}: sources with and without labels cannot share a batch; "
            "put them in separate mixtures, or make pseudo-labels for the unlabelled images first"
        )


class SampledSources(Protocol):
    """What `check_first_samples` needs of a mixture."""

    names: list[str]
    transforms: list[Transform]
    seed: int

    @property
    def sources(self) -> Sequence[Any]:
        """The opened sources."""

    def first_samples(self, source: int) -> Iterator[Callable[[], Sample]]:
        """Yield readers of the first samples of a source."""


def check_first_samples(mixture: SampledSources) -> None:
    """Read and transform first samples of every source, so that a wrong column or scale shows before training.

    One of each source is enough, unless its label has no valid pixel, or only pixels of one value. Then the next ones
    are looked at, up to ten.

    Args:
        mixture: a `Mixture` or a `StreamingMixture`.

    Raises:
        ValueError: a source whose first samples cannot be used, or have labels without one valid pixel, or whose
            tensors differ from those of the first source; the message starts with the name of the source.

    Warns:
        UserWarning: a source whose first labels all are constant, as a mask or a wrong column would be, or whose depth
            is a hundredth of `max_depth` at most, as one that was divided by the wrong scale.
    """
    first: dict[str, tuple[int, ...]] = {}
    for source, name in enumerate(mixture.names):
        item = _first_usable(mixture, source, name)
        _warn_of_small_depth(mixture, source, item)
        shapes = {
            key: tuple(value.shape)
            for key, value in item.items()
            # Those of samples without weights become 1 in a batch.
            if isinstance(value, torch.Tensor) and key != WEIGHTS
        }
        first = first or shapes
        if shapes != first:
            raise ValueError(
                f"{name}: its samples are {shapes}, those of {mixture.names[0]} are {first}; they cannot share a "
                "batch: use transforms of one size for all sources"
            )


def _first_usable(mixture: SampledSources, source: int, name: str) -> dict[str, Any]:
    reason: Exception = ValueError("it has no samples")
    usable: list[dict[str, Any]] = []
    for read in mixture.first_samples(source):
        item = _item_or_error(read, mixture.transforms[source], mixture.seed, name)
        if isinstance(item, Exception):
            reason = item
            continue
        usable.append(item)
        # Clean images are kept for a teacher, which makes labels of its own.
        is_unlabelled = "labels" not in item or "clean_pixel_values" in item
        if is_unlabelled or (has_valid_label(item) and not _is_constant(item["labels"])):
            return item
    if usable:
        labelled = [item for item in usable if has_valid_label(item)]
        if not labelled:
            raise UselessLabelsError(f"{first_labels(mixture, source)}")
        value = labelled[0]["labels"].nan_to_num().amax()
        text = f"{name}: each label of its first samples has one value everywhere, such as {value:g}"
        near_clip = getattr(mixture.transforms[source], "near_clip", None)
        advice = "" if near_clip is None else f" and near_clip, {near_clip}: nearer pixels count as that near"
        warnings.warn(f"{text}; check the label's column{advice}", stacklevel=3)
        return labelled[0]
    raise ValueError(f"{name}: none of its first samples can be used; the last error: {reason}") from reason


def _warn_of_small_depth(mixture: SampledSources, source: int, item: dict[str, Any]) -> None:
    transform = mixture.transforms[source]
    if getattr(transform, "target", None) != "depth" or "labels" not in item:
        return
    max_depth: float = getattr(transform, "max_depth", math.inf)
    # One sample may show something near; the others are read only then.
    if math.isfinite(max_depth) and not bool((item["labels"] > SMALL_SHARE * max_depth).any()):
        found = first_labels(mixture, source)
        if found.is_small:
            warnings.warn(f"{found}", stacklevel=3)


def _is_constant(labels: torch.Tensor) -> bool:
    values = labels[~labels.isnan()]
    return bool(values.amin() == values.amax())


def _item_or_error(
    read: Callable[[], Sample], transform: Transform, seed: int, name: str
) -> dict[str, Any] | Exception:
    try:
        return transform(check_aspect(read()), np.random.default_rng(seed))
    except BROKEN as error:
        return error
    except Exception as error:
        # A wrong column or scale may fail anywhere in a reader or a transform; the message must name the source.
        raise ValueError(f"{name}: its first sample cannot be used: {type(error).__name__}: {error}") from error


def _quotas(weights: Sequence[float], source_count: int, samples_per_epoch: int) -> list[int]:
    """Return the samples per source and epoch, rounded by the largest remainders."""
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
            f"in an epoch of {samples_per_epoch}; raise its weight, or leave the source out"
        )
    return [int(quota) for quota in quotas]
