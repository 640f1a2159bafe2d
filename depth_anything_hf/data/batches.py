# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decide which samples of a mixture form a batch, and stack them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from .masked_pixels import WEIGHTS


class GlobalBatchSampler(torch.utils.data.Sampler[list[tuple[int, int]]]):
    """Micro-batches of (epoch, position) for one process, cut from one endless sequence of samples.

    Place p of the sequence is sample p % n of epoch p // n. Every optimizer step takes the next
    `batch_size * process_count * accumulation` places, however these three factors divide them: one process with
    batches of 8, two with batches of 4, and one that accumulates two batches of 4 see the same samples in a step. A
    start at `first_step` reads nothing of earlier steps.

    Args:
        batch_size: samples of a micro-batch on one process.
        samples_per_epoch: length of the `Mixture`.
        process_index: which process this is.
        process_count: how many there are.
        accumulation: micro-batches per optimizer step.
        first_step: first optimizer step, counted from 0.
        last_step: the step after the last one.

    Raises:
        ValueError: a size or a count below 1, or an index or a step out of range.
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
            raise ValueError(f"expected 0 <= first_step <= last_step, got {first_step} and {last_step}")
        self.batch_size = batch_size
        self.samples_per_epoch = samples_per_epoch
        self.process_index = process_index
        self.process_count = process_count
        self.accumulation = accumulation
        self.first_step = first_step
        self.last_step = last_step

    def __len__(self) -> int:
        """Return the number of micro-batches of this process."""
        return (self.last_step - self.first_step) * self.accumulation

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        micro_batch_of_all = self.batch_size * self.process_count
        for micro_step in range(self.first_step * self.accumulation, self.last_step * self.accumulation):
            start = micro_step * micro_batch_of_all + self.process_index * self.batch_size
            yield [divmod(position, self.samples_per_epoch) for position in range(start, start + self.batch_size)]


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack transformed samples: tensors along a new first axis, names and other values as lists, "broken" as one.

    Where only some samples have "label_weights", those of the others are 1.

    Raises:
        ValueError: an empty batch, samples with and without labels in one batch, or tensors of different size.
    """
    if not samples:
        raise ValueError("expected at least one sample to stack, got an empty batch")
    if any(WEIGHTS in sample for sample in samples):
        samples = [sample if WEIGHTS in sample else _with_equal_weights(sample) for sample in samples]
    keys = samples[0].keys() - {"broken"}
    for sample in samples[1:]:
        if sample.keys() - {"broken"} != keys:
            raise ValueError(
                f"{samples[0]['name']} has the keys {sorted(samples[0])}, but {sample['name']} has {sorted(sample)}; "
                "samples with and without labels cannot share a batch: put them in separate mixtures"
            )
    batch: dict[str, Any] = {
        "name": [sample["name"] for sample in samples],
        "broken": [broken for sample in samples for broken in sample.get("broken", ())],
    }
    for key in samples[0]:
        if key in ("name", "broken"):
            continue
        if not all(isinstance(sample[key], torch.Tensor) for sample in samples):
            batch[key] = [sample[key] for sample in samples]
            continue
        shapes = {tuple(sample[key].shape) for sample in samples}
        if len(shapes) > 1:
            raise ValueError(
                f"{key} has different shapes {sorted(shapes)} in a batch; use transforms of one size for all sources"
            )
        batch[key] = torch.stack([sample[key] for sample in samples])
    return batch


def _with_equal_weights(sample: dict[str, Any]) -> dict[str, Any]:
    if "labels" not in sample:
        return sample
    return {**sample, WEIGHTS: torch.ones_like(sample["labels"])}
