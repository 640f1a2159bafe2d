# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a sample is, and what a dataset of samples must offer.

A sample is a dict: "image" uint8 (H, W, 3) RGB, "name" str, and, unless it is unlabelled, "depth" or "disparity"
float32 (H, W). In a label NaN is invalid; sky is depth +inf or disparity 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from .decoding.errors import BrokenSampleError


Sample: TypeAlias = dict[str, Any]


class SampleDataset(Protocol):
    """A map-style dataset of samples; `label` is "depth", "disparity" or None (unlabelled)."""

    label: str | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def add_label(sample: Sample, label: str, values: np.ndarray, label_name: str) -> Sample:
    """Put the values (H, W) into the sample under the key `label`, and return the sample.

    Raises:
        BrokenSampleError: image and label differ in size; the message names both.
    """
    if values.shape != sample["image"].shape[:2]:
        raise BrokenSampleError(
            f"{sample['name']} is {_describe_size(sample['image'])} after its EXIF orientation, "
            f"but its label {label_name} is {_describe_size(values)}; "
            "they must agree pixel by pixel: resize the image to the label, or the label with nearest neighbour"
        )
    sample[label] = values
    return sample


def _describe_size(array: np.ndarray) -> str:
    return f"{array.shape[0]} x {array.shape[1]} (height x width)"


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Check the argument `name`.

    Raises:
        ValueError: the value is none of the choices.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")
