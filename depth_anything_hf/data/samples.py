# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a sample is, and what a dataset of samples must offer.

A sample is a dict: "image" uint8 (H, W, 3) RGB, "name" str, and, unless it is unlabelled, "depth" or "disparity"
float32 (H, W). In a label NaN is invalid; sky is depth +inf or disparity 0. Beside a label there may be
"label_weights" float32 (H, W), what its pixels count in the losses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..utils.typed_fields import convert_argument
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


@contextmanager
def errors_named(place: str) -> Iterator[None]:
    """Context manager: an error of a dataset names the item, of which a dataset of one's own seldom speaks.

    What says that a sample is broken stays as it is, and so does what has named the item itself. The kind of an error
    stays too, except that kinds of `ValueError` become one.
    """
    try:
        yield
    except (BrokenSampleError, OSError, MemoryError):
        raise
    except Exception as error:
        kind = ValueError if isinstance(error, ValueError) else type(error)
        # Others may be made of something else than their message.
        can_be_named = kind.__module__ == "builtins" and (kind is ValueError or len(error.args) < 2)
        if not can_be_named or place in str(error):
            raise
        message = error.args[0] if len(error.args) == 1 else error
        raise kind(f"{place}: {message}") from error


def check_limit(limit: Any) -> int | None:
    """Return how many samples are used, or None for all.

    Raises:
        ValueError: no whole number of at least 1.
    """
    found: int | None = convert_argument("limit", limit, int | None)
    if found is not None and found < 1:
        raise ValueError(f"limit must be at least 1, got {found}; leave it out for all samples")
    return found
