# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The order of samples: complete, weighted as asked, and independent of processes, workers and resumes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf.data.batches import GlobalBatchSampler, collate
from depth_anything_hf.data.mixture import Mixture, check_first_samples
from depth_anything_hf.data.transforms import TrainingTransform


class Numbers:
    """A source of tiny labelled samples, named after the source and the index."""

    label: str | None = "disparity"

    def __init__(self, name: str, length: int, labelled: bool = True) -> None:
        self.name, self.length, self.labelled = name, length, labelled

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        random = np.random.default_rng(index)
        sample: dict[str, Any] = {
            "image": random.integers(0, 255, (20, 28, 3), dtype=np.uint8),
            "name": f"{self.name}{index}",
        }
        if self.labelled:
            sample["disparity"] = random.random((20, 28), dtype=np.float32)
        return sample


def make_mixture(**options: Any) -> Mixture:
    return Mixture([Numbers("a", 7), Numbers("b", 4)], TrainingTransform.strong(14), **options)


def names_of_epoch(mixture: Mixture, epoch: int) -> list[str]:
    return [mixture[epoch, position]["name"] for position in range(len(mixture))]


EVERY_NAME = [f"a{index}" for index in range(7)] + [f"b{index}" for index in range(4)]


def test_every_sample_is_read_once_per_epoch_in_a_new_order() -> None:
    mixture = make_mixture(seed=3)
    assert len(mixture) == 11
    epochs = [names_of_epoch(mixture, epoch) for epoch in range(4)]
    assert all(sorted(names) == EVERY_NAME for names in epochs)
    assert len({tuple(names) for names in epochs}) == 4
    assert names_of_epoch(make_mixture(seed=3), 2) == epochs[2]
    assert names_of_epoch(make_mixture(seed=4), 2) != epochs[2]


def test_an_item_depends_on_its_address_only() -> None:
    forwards = make_mixture(seed=1)
    items = {(epoch, position): forwards[epoch, position] for epoch in range(3) for position in range(11)}
    backwards = make_mixture(seed=1)
    for address in reversed(items):
        item = backwards[address]
        assert item["name"] == items[address]["name"]
        assert torch.equal(item["pixel_values"], items[address]["pixel_values"])
        assert torch.equal(item["labels"], items[address]["labels"])


def test_augmentation_differs_between_epochs_seeds_and_positions() -> None:
    mixture = Mixture([Numbers("a", 1)], TrainingTransform.strong(14, colour_jitter=1.0))
    other_seed = Mixture([Numbers("a", 1)], TrainingTransform.strong(14, colour_jitter=1.0), seed=1)
    pictures = [mixture[0, 0], mixture[1, 0], mixture[2, 0], other_seed[0, 0]]
    assert len({picture["pixel_values"].numpy().tobytes() for picture in pictures}) == 4
    twins = Mixture([Numbers("a", 1), Numbers("a", 1)], TrainingTransform.strong(14, colour_jitter=1.0))
    assert not torch.equal(twins[0, 0]["pixel_values"], twins[0, 1]["pixel_values"])


def test_weights_fill_an_epoch_by_their_shares() -> None:
    mixture = Mixture([Numbers("a", 90), Numbers("b", 10)], TrainingTransform(14), weights=[1, 3])
    assert len(mixture) == 100
    for epoch in range(3):
        sources = Counter(mixture.locate(epoch, position)[0] for position in range(100))
        assert sources == {0: 25, 1: 75}
    order = [mixture.locate(0, position)[0] for position in range(100)]
    assert order != sorted(order)
    thirds = Mixture([Numbers("a", 3), Numbers("b", 3), Numbers("c", 4)], TrainingTransform(14), weights=[1, 1, 1])
    counts = Counter(thirds.locate(0, position)[0] for position in range(10))
    assert sorted(counts.values()) == [3, 3, 4]


@pytest.mark.parametrize("weights", [[1, 3], [3, 1], [1, 1], [1, 9]])
def test_weighted_sources_are_walked_through_evenly_across_epochs(weights: list[float]) -> None:
    mixture = Mixture([Numbers("a", 13), Numbers("b", 7)], TrainingTransform(14), weights=weights, seed=5)
    counts = Counter({(0, index): 0 for index in range(13)} | {(1, index): 0 for index in range(7)})
    for epoch in range(12):
        counts.update(mixture.locate(epoch, position) for position in range(len(mixture)))
        for source in (0, 1):
            uses = [count for (owner, _), count in counts.items() if owner == source]
            assert max(uses) - min(uses) <= 1


def test_one_transform_per_source() -> None:
    large, small = TrainingTransform(14), TrainingTransform(14, target="disparity", keep_clean=True)
    mixture = Mixture([Numbers("a", 3), Numbers("b", 3)], [large, small])
    for position in range(6):
        item = mixture[0, position]
        assert ("clean_pixel_values" in item) == item["name"].startswith("b")


def test_sources_with_and_without_labels_are_no_mixture() -> None:
    unlabelled = Numbers("b", 3, labelled=False)
    unlabelled.label = None
    with pytest.raises(ValueError, match=r"labels of the sources are \['disparity', None\]"):
        Mixture([Numbers("a", 3), unlabelled], TrainingTransform(14))


def test_the_first_sample_of_every_source_is_tried() -> None:
    check_first_samples(make_mixture())
    sizes = [TrainingTransform(14), TrainingTransform(28)]
    with pytest.raises(ValueError, match="^rooms: its samples are .*28, 28.* those of streets are .*14, 14"):
        check_first_samples(Mixture([Numbers("a", 3), Numbers("b", 3)], sizes, names=["streets", "rooms"]))
    metric = TrainingTransform(14, target="depth")
    with pytest.raises(ValueError, match="^rooms: its first sample cannot be used: ValueError: .*depth"):
        check_first_samples(Mixture([Numbers("a", 3)], metric, names=["rooms"]))
    with pytest.raises(ValueError, match="1 names for 2 sources"):
        Mixture([Numbers("a", 3), Numbers("b", 3)], metric, names=["rooms"])


def test_replacements_are_drawn_from_the_source_and_are_the_same_again() -> None:
    class Broken(Numbers):
        def __getitem__(self, index: int) -> dict[str, Any]:
            if index % 2:
                raise FileNotFoundError(f"no file {self.name}{index}")
            return super().__getitem__(index)

    def items(seed: int) -> list[dict[str, Any]]:
        mixture = Mixture([Broken("a", 30), Numbers("b", 10)], TrainingTransform.strong(14), seed=seed)
        return [mixture[1, position] for position in range(40)]

    first = items(3)
    assert Counter(item["name"][0] for item in first) == {"a": 30, "b": 10}
    assert sum(bool(item["broken"]) for item in first) == 15
    for left, right in zip(first, items(3), strict=True):
        assert left["name"] == right["name"] and left["broken"] == right["broken"]
        assert torch.equal(left["pixel_values"], right["pixel_values"])
    skipped = collate(first)["broken"]
    assert skipped == [entry for item in first for entry in item["broken"]]
    assert all(place.startswith("source 0, sample ") and reason.startswith("no file a") for place, reason in skipped)
    assert [item["name"] for item in items(4)] != [item["name"] for item in first]


@pytest.mark.parametrize("fault", [TypeError, KeyError, ValueError])
def test_faults_of_the_program_are_raised(fault: type[Exception]) -> None:
    class Faulty(Numbers):
        def __getitem__(self, index: int) -> dict[str, Any]:
            raise fault("a fault")

    with pytest.raises(fault, match="a fault"):
        Mixture([Faulty("a", 3)], TrainingTransform(14))[0, 0]


def test_mixture_errors() -> None:
    transform = TrainingTransform(14)
    with pytest.raises(ValueError, match="at least one source"):
        Mixture([], transform)
    with pytest.raises(ValueError, match="source 1 is empty"):
        Mixture([Numbers("a", 2), Numbers("b", 0)], transform)
    with pytest.raises(ValueError, match="1 transforms for 2 sources"):
        Mixture([Numbers("a", 2), Numbers("b", 2)], [transform])
    for weights in ([1.0], [1.0, -1.0], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="positive numbers"):
            Mixture([Numbers("a", 2), Numbers("b", 2)], transform, weights=weights)
    with pytest.raises(ValueError, match="source 1 without a sample"):
        Mixture([Numbers("a", 2), Numbers("b", 2)], transform, weights=[1000, 1])
    with pytest.raises(IndexError, match="position 4"):
        Mixture([Numbers("a", 4)], transform)[0, 4]


def samples_by_step(batch_size: int, processes: int, accumulation: int, first: int, last: int) -> list[list]:
    """The addresses each optimiser step reads over all processes, sorted."""
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
    with pytest.raises(ValueError, match="a0.*b0.*with and without labels"):
        collate([labelled, unlabelled])
    larger = Mixture([Numbers("a", 1)], TrainingTransform(28))[0, 0]
    with pytest.raises(ValueError, match="different shapes"):
        collate([labelled, larger])
    with pytest.raises(ValueError, match="empty"):
        collate([])
