# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Any map-style dataset of tensors as training data: items, order, randomness, and what is refused."""

from __future__ import annotations

import random

import datasets
import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.first_labels import describe_useless_labels
from depth_anything_hf.data.item_mixture import ItemMixture, as_item, training_data
from depth_anything_hf.data.loader import BatchLoader


IMAGE, LABEL = torch.rand(3, 28, 28), torch.rand(28, 28)


class Items(torch.utils.data.Dataset):
    """Eight items with an augmentation of their own, by the generators of Python, NumPy and torch."""

    def __init__(self, broken: int | None = None) -> None:
        self.broken = broken

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int):
        assert isinstance(index, int)
        if index == self.broken:
            raise BrokenSampleError(f"no file for {index}")
        noise = torch.rand(3, 28, 28) + random.random() + float(np.random.rand())
        return {"pixel_values": noise, "labels": LABEL + index, "name": f"item {index}"}


def batches_of(data, workers: int = 0, first_step: int = 0, last_step: int = 6):
    options = {"batch_size": 2, "accumulation": 1, "process_index": 0, "process_count": 1}
    return list(BatchLoader(data, workers=workers, first_step=first_step, last_step=last_step, **options))


def test_an_epoch_is_every_item_once_in_an_order_of_its_own():
    names = [name for batch in batches_of(training_data(Items(), 3), last_step=8) for name in batch["name"]]
    first, second = names[:8], names[8:]
    assert sorted(first) == sorted(second) == [f"item {index}" for index in range(8)] and first != second


@pytest.mark.parametrize("workers", [0, 2])
def test_randomness_is_that_of_seed_epoch_and_index(workers):
    random.seed(1)
    expected = batches_of(training_data(Items(), 3))
    before = random.getstate(), torch.get_rng_state()
    random.seed(2)
    found = batches_of(training_data(Items(), 3), workers=workers, first_step=2)
    assert all(torch.equal(a["pixel_values"], b["pixel_values"]) for a, b in zip(expected[2:], found, strict=True))
    assert all(torch.equal(a["labels"], b["labels"]) for a, b in zip(expected[2:], found, strict=True))
    other = batches_of(training_data(Items(), 4))
    assert not torch.equal(other[0]["pixel_values"], expected[0]["pixel_values"])
    by_name = {}
    for batch in expected:
        for name, pixels in zip(batch["name"], batch["pixel_values"], strict=True):
            by_name.setdefault(name, []).append(pixels)
    twice = next(pixels for pixels in by_name.values() if len(pixels) == 2)
    assert not torch.equal(*twice) and before[0] != random.getstate()


def test_the_generators_of_the_process_stay_as_they_are():
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(())
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    batches_of(training_data(Items(), 3))
    assert (random.random(), np.random.rand(), torch.rand(())) == expected


def test_a_broken_item_is_replaced_and_named():
    batches = batches_of(training_data(Items(broken=4), 0), last_step=4)
    names = [name for batch in batches for name in batch["name"]]
    assert "item 4" not in names and len(names) == 8
    assert [each for batch in batches for each in batch["broken"]] == [("Items, sample 4", "no file for 4")]


def test_datasets_of_other_libraries_are_taken():
    rows = {"pixel_values": [IMAGE.tolist()] * 4, "labels": [LABEL.tolist()] * 4, "place": ["a", "b", "c", "d"]}
    table = datasets.Dataset.from_dict(rows)

    def convert(batch):
        return {"pixel_values": [IMAGE] * len(batch["place"]), "labels": [LABEL.numpy()] * len(batch["place"])}

    kinds = {
        "torch format": table.with_format("torch"),
        "numpy format": table.with_format("numpy"),
        "no format": table,
        "transform": table.with_transform(convert),
        "subset": Subset(Items(), [1, 3, 5, 7]),
        "concatenated": ConcatDataset([Subset(Items(), [0, 1]), Subset(Items(), [6, 7])]),
        "list": [{"pixel_values": IMAGE, "labels": LABEL}] * 4,
        "unlabelled": [{"pixel_values": IMAGE, "labels": None}] * 4,
    }
    for kind, data in kinds.items():
        batch = batches_of(training_data(data, 0), last_step=1)[0]
        assert batch["pixel_values"].shape == (2, 3, 28, 28) and batch["pixel_values"].dtype == torch.float32, kind
        assert ("labels" in batch) == (kind != "unlabelled")
        assert len(set(batch["name"])) == 2
    assert batches_of(training_data(table.with_format("torch"), 0), last_step=1)[0]["place"][0] in "abcd"


def test_further_arrays_and_numbers_are_stacked_and_words_listed():
    item = as_item({"pixel_values": IMAGE.double(), "focal": 3.5, "place": "hall", "k": np.eye(3)}, "x")
    assert item["pixel_values"].dtype == torch.float32 and item["focal"].item() == 3.5
    batch = batches_of(ItemMixture([{"pixel_values": IMAGE, "focal": 3.5, "place": "hall"}] * 4), last_step=1)[0]
    assert batch["focal"].tolist() == [3.5, 3.5] and batch["place"] == ["hall", "hall"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ((IMAGE, LABEL), "x is a tuple, expected a dict with 'pixel_values'"),
        ({"image": IMAGE}, r"keys \['image'\].*Mixture\(\[dataset\], TrainingTransform"),
        ({"pixel_values": IMAGE[None], "labels": LABEL}, r"\(1, 3, 28, 28\).*take its first entry"),
        (
            {"pixel_values": IMAGE.permute(1, 2, 0)},
            r"pixel_values has the shape \(28, 28, 3\), expected \(3, any, any\)",
        ),
        ({"pixel_values": (IMAGE * 255).byte()}, "pixel_values are torch.uint8, expected floats; normalize"),
        ({"pixel_values": "a.png"}, "pixel_values is a str, expected a tensor"),
        ({"pixel_values": IMAGE, "labels": LABEL[None]}, r"labels has the shape \(1, 28, 28\), expected \(28, 28\)"),
        ({"pixel_values": IMAGE, "labels": LABEL[:14]}, r"\(14, 28\), expected \(28, 28\)"),
        ({"pixel_values": IMAGE, "labels": (LABEL * 9).int()}, "labels are torch.int32, expected floats; convert"),
        ({"pixel_values": IMAGE, "labels": "a.npy", "name": "mine"}, "mine: labels is a str"),
    ],
)
def test_an_item_that_cannot_be_used_is_refused_with_what_is_expected(item, message):
    with pytest.raises(ValueError, match=message):
        as_item(item, "x")


class Endless(IterableDataset):
    def __iter__(self):
        yield from ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Endless(), "Endless, which has no length and no place to resume at; open it as a stream"),
        (datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset(), "IterableDataset, which has no length"),
        (iter([1]), "has no length"),
        (datasets.DatasetDict({"train": datasets.Dataset.from_dict({"a": [1]})}), r"one of its splits \['train'\]"),
        (DataLoader(Items()), "give its dataset"),
        (3, "a int, expected a Mixture"),
        ("images/", "a str, expected a Mixture"),
    ],
)
def test_what_is_no_map_style_dataset_is_refused_with_advice(data, message):
    with pytest.raises(TypeError, match=message):
        training_data(data, 0)


def test_a_wrong_dataset_is_refused_before_training():
    with pytest.raises(ValueError, match=r"TensorDataset\[0\] is a tuple"):
        training_data(TensorDataset(IMAGE[None], LABEL[None]), 0)
    with pytest.raises(ValueError, match="is empty"):
        training_data([], 0)


def test_items_without_a_valid_label_are_described():
    unknown = [{"pixel_values": IMAGE, "labels": torch.full((28, 28), torch.nan)}] * 3
    (described,) = describe_useless_labels(training_data(unknown, 0))
    assert described.startswith("list: of the labels of its first 3 samples 0 have a valid pixel; ")
    too_far = training_data([{"pixel_values": IMAGE, "labels": LABEL + 90}], 0)
    (described,) = describe_useless_labels(too_far, (0.0, 80.0))
    assert "their values are 90" in described
    assert describe_useless_labels(training_data(Items(), 0)) == []
