# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Any map-style dataset of tensors as training data, in the order and with the randomness of a `Mixture`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .mixture import BROKEN, REPLACEMENT, Mixture, note_broken
from .samples import Sample, errors_named
from .streaming_mixture import StreamingMixture


# Last number of the seeds; see `mixture`.
ITEM = 16
EXPECTED = (
    "expected a dict with 'pixel_values' (3, height, width), normalized as the image processor does, 'labels' "
    "(height, width) with NaN where unknown, and perhaps 'name'"
)


class ItemMixture(Mixture):
    """A map-style dataset whose items are tensors already: of torch, of `datasets`, a list, a `Subset` and so on.

    An item is a mapping with "pixel_values", float (3, H, W); "labels", float (H, W), NaN where unknown, unless the
    objective needs none; and perhaps "name". Other tensors, arrays and numbers are stacked to a batch, other values
    are listed. Order, epochs and the replacement of samples that raise `BrokenSampleError` or `OSError` are those of
    a `Mixture` without weights.

    The generators of Python, NumPy and torch are seeded by (seed, epoch, index) while an item is made, and put back
    afterwards, so that augmentation by them is the same with any number of workers and after a resume. That of a
    generator that the dataset keeps itself is not.

    Args:
        items: has a length and takes whole numbers.
        seed: of order and augmentation, >= 0.
        name: of the dataset, for messages.

    Raises:
        ValueError: it is empty.
    """

    def __init__(self, items: Any, seed: int = 0, name: str | None = None) -> None:
        source = _Items(items, name or type(items).__name__)
        super().__init__([source], _keep, seed=seed, names=[source.name])
        self._items = source

    def __getitem__(self, address: tuple[int, int]) -> dict[str, Any]:
        epoch, position = address
        _, index = self.locate(epoch, position)
        broken: list[tuple[str, str]] = []
        while True:
            try:
                with seeded_generators([self.seed, epoch, index, len(broken), ITEM]):
                    return {**self._items[index], "broken": broken}
            except BROKEN as error:
                note_broken(broken, f"{self.names[0]}, sample {index}", error)
            drawn = np.random.default_rng([self.seed, epoch, position, len(broken), REPLACEMENT])
            index = int(drawn.integers(len(self)))


class _Items:
    """The items of a dataset, checked and with names."""

    # Whether an item has labels is known when it is read; the objective says if it needs them.
    label: str | None = None

    def __init__(self, items: Any, name: str) -> None:
        self.name = name
        self._items = self.__wrapped__ = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        place = f"{self.name}[{index}]"
        with errors_named(place):
            item = self._items[int(index)]
        return as_item(item, place)


def training_data(data: Any, seed: int) -> Mixture | StreamingMixture:
    """Return what `fit` was given as a mixture; other map-style datasets become an `ItemMixture`.

    Args:
        data: a mixture, or a map-style dataset of tensors.
        seed: of order and augmentation where the data has none of its own.

    Raises:
        TypeError: a stream that cannot be resumed, or no dataset.
        ValueError: its first item cannot be used.
    """
    if isinstance(data, Mixture | StreamingMixture):
        return data
    name = type(data).__name__
    if isinstance(data, torch.utils.data.IterableDataset) or (
        hasattr(data, "__iter__") and not hasattr(data, "__len__")
    ):
        raise TypeError(
            f"train_data is a {name}, which has no length and no place to resume at; open it as a stream "
            "(DataSource(..., streaming=True) and StreamingMixture), or give a dataset with a length whose items have "
            "an index"
        )
    if isinstance(data, Mapping | str | bytes | torch.utils.data.DataLoader) or not hasattr(data, "__getitem__"):
        hint = f"; choose one of its splits {list(data)}" if isinstance(data, Mapping) and data else ""
        hint = "; give its dataset, batches are made here" if isinstance(data, torch.utils.data.DataLoader) else hint
        raise TypeError(
            f"train_data is a {name}, expected a Mixture, a StreamingMixture, or a dataset with a length whose items "
            f"have an index{hint}"
        )
    mixture = ItemMixture(data, seed)
    for index in range(min(2, len(mixture))):
        # What is broken is replaced later; what is wrong is wrong in every item.
        with seeded_generators([seed, 0, index, 0, ITEM]):
            try:
                _ = mixture.sources[0][index]
            except BROKEN:
                continue
    return mixture


def as_item(item: Any, name: str) -> dict[str, Any]:
    """Return an item as `collate` takes it.

    Args:
        item: what a dataset gave.
        name: of the item where it has none.

    Raises:
        ValueError: keys, shapes or kinds of numbers that cannot be trained on; the message says what is expected.
    """
    if not isinstance(item, Mapping) or "pixel_values" not in item:
        raise ValueError(f"{name} is {_describe(item)}, {EXPECTED}{_hint(item)}")
    name = item["name"] if isinstance(item.get("name"), str) else name
    values = {key: _as_tensor(value) for key, value in item.items() if key not in ("name", "broken")}
    for key in ("pixel_values", "clean_pixel_values"):
        if key in values:
            values[key] = _as_floats(values[key], (3, None, None), name, key)
    size = tuple(values["pixel_values"].shape[1:])
    if values.get("labels", 0) is None:
        del values["labels"]
    if "labels" in values:
        values["labels"] = _as_floats(values["labels"], size, name, "labels")
    return {**values, "name": name}


def _as_tensor(value: Any) -> Any:
    """Return arrays, numbers and nested lists of numbers, as tables without a format give them, as a tensor."""
    if not isinstance(value, np.ndarray | np.generic | bool | int | float | list | tuple):
        return value
    try:
        array = np.array(value)
    except ValueError:
        # Lists of several lengths.
        return value
    return torch.from_numpy(array) if array.dtype.kind in "biuf" else value


def _as_floats(value: Any, shape: tuple[int | None, ...], name: str, key: str) -> Tensor:
    expected = f"({', '.join('any' if side is None else str(side) for side in shape)})"
    if not isinstance(value, Tensor):
        raise ValueError(f"{name}: {key} is {_describe(value)}, expected a tensor {expected} of floats")
    fits = len(value.shape) == len(shape) and all(
        wanted in (None, side) for wanted, side in zip(shape, value.shape, strict=True)
    )
    if not fits:
        one_more = value.ndim == len(shape) + 1 and value.shape[0] == 1
        hint = "; take its first entry, batches are made here" if one_more else ""
        raise ValueError(f"{name}: {key} has the shape {tuple(value.shape)}, expected {expected}{hint}")
    if not value.is_floating_point():
        advice = (
            "normalize them as the image processor does"
            if key != "labels"
            else "convert them to disparity or metres, with NaN where unknown"
        )
        raise ValueError(f"{name}: {key} are {value.dtype}, expected floats; {advice}")
    return value.float().contiguous()


def _hint(item: Any) -> str:
    if isinstance(item, Mapping) and "image" in item:
        return "; datasets of images and labels are augmented by Mixture([dataset], TrainingTransform(518))"
    return ""


def _describe(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a dict with the keys {sorted(map(str, value))}"
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + ("" if shape is None else f" of shape {tuple(shape)}")


def _keep(sample: Sample, _: np.random.Generator) -> dict[str, Any]:
    return sample


@contextmanager
def seeded_generators(seed: list[int]) -> Iterator[None]:
    """Context manager: the generators of Python, NumPy and torch start from a seed, and are as before afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    numbers = [int(number) for number in np.random.SeedSequence(seed).generate_state(3)]
    random.seed(numbers[0])
    np.random.seed(numbers[1])
    # Not torch.manual_seed, which would seed the GPUs too.
    torch.default_generator.manual_seed(numbers[2])
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


__all__ = ["ItemMixture", "as_item", "seeded_generators", "training_data"]
