# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a sample is, and what the other rooms need of a dataset of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from .decoding.errors import BrokenSampleError


Sample: TypeAlias = dict[str, Any]


class SampleDataset(Protocol):
    """What the other rooms need of a dataset; `label` is "depth", "disparity" or None (unlabelled)."""

    label: str | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def with_label(sample: Sample, label: str, values: np.ndarray, label_name: str) -> Sample:
    if values.shape != sample["image"].shape[:2]:
        raise BrokenSampleError(
            f"{sample['name']} is {_size_in_words(sample['image'])} (after its EXIF orientation), "
            f"but its label {label_name} is {_size_in_words(values)}; "
            "they must agree pixel by pixel: resize the picture to the label, or the label with nearest neighbour"
        )
    sample[label] = values
    return sample


def _size_in_words(array: np.ndarray) -> str:
    return f"{array.shape[0]} x {array.shape[1]} (height x width)"


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Raises ValueError where the argument `name` is none of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")
