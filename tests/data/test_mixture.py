# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The order of samples: complete, weighted as asked, and independent of processes, workers and resumes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from numbers_data import Numbers

from depth_anything_hf.data.batches import collate
from depth_anything_hf.data.mixture import Mixture, check_first_samples
from depth_anything_hf.data.transforms import TrainingTransform


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
    with pytest.raises(ValueError, match=r"^rooms: its samples are .*28, 28.* those of streets are .*14, 14"):
        check_first_samples(Mixture([Numbers("a", 3), Numbers("b", 3)], sizes, names=["streets", "rooms"]))
    metric = TrainingTransform(14, target="depth")
    with pytest.raises(ValueError, match=r"^rooms: its first sample cannot be used: ValueError: .*depth"):
        check_first_samples(Mixture([Numbers("a", 3)], metric, names=["rooms"]))
    with pytest.raises(ValueError, match=r"one name per source \(2\), got 1 names"):
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

    # With the item that it was.
    with pytest.raises(fault, match=r"photos, sample \d: a fault"):
        Mixture([Faulty("a", 3)], TrainingTransform(14), names=["photos"])[0, 0]


def test_mixture_errors() -> None:
    transform = TrainingTransform(14)
    with pytest.raises(ValueError, match="at least one source"):
        Mixture([], transform)
    with pytest.raises(ValueError, match="source 1 is empty"):
        Mixture([Numbers("a", 2), Numbers("b", 0)], transform)
    with pytest.raises(ValueError, match=r"one per source \(2\), got 1 transforms"):
        Mixture([Numbers("a", 2), Numbers("b", 2)], [transform])
    for weights in ([1.0], [1.0, -1.0], [1.0, 0.0]):
        with pytest.raises(ValueError, match="positive numbers"):
            Mixture([Numbers("a", 2), Numbers("b", 2)], transform, weights=weights)
    with pytest.raises(ValueError, match="weights must be a number, got nan"):
        Mixture([Numbers("a", 2), Numbers("b", 2)], transform, weights=[1.0, float("nan")])
    with pytest.raises(ValueError, match="source 1 without a sample"):
        Mixture([Numbers("a", 2), Numbers("b", 2)], transform, weights=[1000, 1])
    with pytest.raises(IndexError, match=r"position must be in 0..3, .*; got 4"):
        Mixture([Numbers("a", 4)], transform)[0, 4]
