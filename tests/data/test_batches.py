# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches: every division of a step reads the same samples, and only alike samples are stacked."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from numbers_data import Numbers

from depth_anything_hf.data.batches import GlobalBatchSampler, collate
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform


def make_mixture(**options: Any) -> Mixture:
    return Mixture([Numbers("a", 7), Numbers("b", 4)], TrainingTransform.strong(14), **options)


def samples_by_step(batch_size: int, processes: int, accumulation: int, first: int, last: int) -> list[list]:
    """The addresses each optimizer step reads over all processes, sorted."""
    steps: list[list] = [[] for _ in range(first, last)]
    for process in range(processes):
        sampler = GlobalBatchSampler(batch_size, 11, process, processes, accumulation, first, last)
        batches = list(sampler)
        assert len(batches) == len(sampler) == (last - first) * accumulation
        assert all(len(batch) == batch_size for batch in batches)
        for index, batch in enumerate(batches):
            steps[index // accumulation] += batch
    return [sorted(step) for step in steps]


def test_every_split_of_a_step_reads_the_same_samples() -> None:
    reference = samples_by_step(8, 1, 1, 0, 9)
    for batch_size, processes, accumulation in ((4, 2, 1), (4, 1, 2), (2, 2, 2), (1, 8, 1), (1, 1, 8)):
        assert samples_by_step(batch_size, processes, accumulation, 0, 9) == reference
    stream = [address for step in reference for address in step]
    assert stream == [(position // 11, position % 11) for position in range(72)]


def test_processes_of_a_micro_batch_read_neighbouring_blocks() -> None:
    first, second = (list(GlobalBatchSampler(2, 100, process, 2, 2, 1, 2)) for process in (0, 1))
    assert first == [[(0, 8), (0, 9)], [(0, 12), (0, 13)]]
    assert second == [[(0, 10), (0, 11)], [(0, 14), (0, 15)]]


@pytest.mark.parametrize(("batch_size", "processes", "accumulation"), [(3, 1, 1), (2, 3, 2)])
def test_a_resume_continues_the_stream(batch_size: int, processes: int, accumulation: int) -> None:
    whole = samples_by_step(batch_size, processes, accumulation, 0, 10)
    assert samples_by_step(batch_size, processes, accumulation, 4, 10) == whole[4:]
    assert len(GlobalBatchSampler(2, 11, 0, 1, 3, 5, 5)) == 0


def test_sampler_errors() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        GlobalBatchSampler(0, 11, 0, 1, 1, 0, 1)
    with pytest.raises(ValueError, match="process_index"):
        GlobalBatchSampler(1, 11, 2, 2, 1, 0, 1)
    with pytest.raises(ValueError, match="first_step"):
        GlobalBatchSampler(1, 11, 0, 1, 1, 3, 2)


def test_workers_do_not_change_the_batches() -> None:
    def batches(workers: int) -> list[dict[str, Any]]:
        mixture = make_mixture(seed=2)
        sampler = GlobalBatchSampler(4, len(mixture), 0, 1, 1, 2, 8)
        loader = torch.utils.data.DataLoader(mixture, batch_sampler=sampler, collate_fn=collate, num_workers=workers)
        return list(loader)

    alone, shared = batches(0), batches(2)
    assert len(alone) == len(shared) == 6
    for left, right in zip(alone, shared, strict=True):
        assert left["name"] == right["name"]
        assert torch.equal(left["pixel_values"], right["pixel_values"])
        assert torch.equal(torch.nan_to_num(left["labels"]), torch.nan_to_num(right["labels"]))


def test_collate_stacks() -> None:
    mixture = make_mixture()
    batch = collate([mixture[0, position] for position in range(3)])
    assert set(batch) == {"pixel_values", "labels", "name", "broken"} and batch["broken"] == []
    assert batch["pixel_values"].shape == (3, 3, 14, 14) and batch["labels"].shape == (3, 14, 14)
    assert batch["name"] == [mixture[0, position]["name"] for position in range(3)]


def test_collate_errors() -> None:
    labelled = Mixture([Numbers("a", 1)], TrainingTransform(14))[0, 0]
    unlabelled = Mixture([Numbers("b", 1, labelled=False)], TrainingTransform(14))[0, 0]
    with pytest.raises(ValueError, match=r"a0.*b0.*with and without labels"):
        collate([labelled, unlabelled])
    larger = Mixture([Numbers("a", 1)], TrainingTransform(28))[0, 0]
    with pytest.raises(ValueError, match="different shapes"):
        collate([labelled, larger])
    with pytest.raises(ValueError, match="empty"):
        collate([])
