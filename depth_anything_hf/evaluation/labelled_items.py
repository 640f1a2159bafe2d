# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Any dataset of images and labels as a labelled dataset: tensors and pictures become arrays, samples get names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.decoding.errors import BrokenSampleError
from ..data.samples import errors_named
from .datasets import LabelledDataset


LABELS = ("depth", "disparity", "pairs")


class LabelledItems:
    """A dataset whose samples have an image of another kind, or no name.

    Args:
        items: its samples are mappings with "image", uint8 (H, W, 3) RGB as array, tensor or PIL picture; and "depth"
            in metres or "disparity", (H, W), NaN where unknown. "name" may be missing.
    """

    def __init__(self, items: Any) -> None:
        self._items = items

    @property
    def root(self) -> Any:
        """Folder that the names of samples begin with, where the dataset has one."""
        return getattr(self._items, "root", None)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int, /) -> dict[str, Any]:
        with errors_named(self.name_of(index)):
            sample = dict(self._items[int(index)])
        if not isinstance(sample.get("name"), str):
            sample["name"] = self.name_of(index)
        image = sample["image"]
        if hasattr(image, "convert"):
            image = image.convert("RGB")
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"{sample['name']}: the image is {image.dtype} {image.shape}, expected uint8 (height, width, 3) in "
                "RGB, not yet normalized"
            )
        labels = {key: np.asarray(sample[key], dtype=np.float32) for key in LABELS[:2] if sample.get(key) is not None}
        return {**sample, **labels, "image": image}

    def name_of(self, index: int) -> str:
        """Return the name of a sample, which need not be readable."""
        return f"{type(self._items).__name__}[{index}]"


def labelled_dataset(items: Any, argument: str) -> LabelledDataset:
    """Return a dataset of images and labels, wrapped in `LabelledItems` where its samples need it.

    Args:
        items: has a length and takes whole numbers.
        argument: named in errors.

    Raises:
        TypeError: it is no such dataset.
        ValueError: it is empty, or its first sample has no image or no label.
    """
    name = type(items).__name__
    if isinstance(items, Mapping | str | bytes) or not (hasattr(items, "__len__") and hasattr(items, "__getitem__")):
        raise TypeError(f"{argument} is a {name}, expected a dataset with a length whose samples have an index")
    if not len(items):
        raise ValueError(f"{argument} is empty, expected at least one sample")
    try:
        with errors_named(f"{argument}: {name}[0]"):
            first = items[0]
    except (BrokenSampleError, OSError):
        return LabelledItems(items)
    if not isinstance(first, Mapping) or "image" not in first or not any(key in first for key in LABELS):
        got = f"a dict with the keys {sorted(map(str, first))}" if isinstance(first, Mapping) else type(first).__name__
        raise ValueError(
            f"the first sample of {argument} is {got}, expected a dict with 'image', uint8 (height, width, 3), and "
            "'depth' or 'disparity'. Held-out images are scored at their own size, so they must not be resized or "
            "normalized"
        )
    is_whole = isinstance(first.get("name"), str) and isinstance(first["image"], np.ndarray)
    dataset: LabelledDataset = items if is_whole else LabelledItems(items)
    return dataset


def label_of(dataset: LabelledDataset) -> str | None:
    """Return the kind of a dataset's labels: its attribute `label`, else that of the first sample; None if unknown."""
    label: str | None = getattr(dataset, "label", None)
    if label is not None:
        return label
    try:
        first = dataset[0]
    except (BrokenSampleError, OSError):
        return None
    return next((key for key in LABELS if first.get(key) is not None), None)


__all__ = ["LabelledItems", "label_of", "labelled_dataset"]
