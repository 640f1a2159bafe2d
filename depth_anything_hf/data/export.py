# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Turn samples into a table of the library `datasets`, which can be saved, pushed and read again."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from typing import Any

import cv2
import datasets
import numpy as np

from ..utils.paths import local_path
from .samples import SampleDataset


def table_features(label: str) -> datasets.Features:
    """Return the columns of `as_table`: image, the label as compressed npz, name, and intrinsics as nine numbers."""
    return datasets.Features(
        {
            "image": datasets.Image(),
            label: datasets.Value("binary"),
            "name": datasets.Value("string"),
            "intrinsics": datasets.List(datasets.Value("float64")),
        }
    )


def table_rows(dataset: SampleDataset, label: str) -> Iterator[dict[str, Any]]:
    """Yield rows of `table_features` without loss: images as PNG, labels as float32 with NaN and +inf."""
    for index in range(len(dataset)):
        sample = dataset[index]
        stream = io.BytesIO()
        np.savez_compressed(stream, **{label: sample[label]})
        _, png = cv2.imencode(".png", sample["image"][..., ::-1])
        intrinsics = sample.get("intrinsics")
        yield {
            "image": {"bytes": png.tobytes(), "path": None},
            label: stream.getvalue(),
            "name": sample["name"],
            "intrinsics": None if intrinsics is None else intrinsics.ravel().tolist(),
        }


def as_table(dataset: SampleDataset, cache_dir: str | os.PathLike[str] | None = None) -> datasets.Dataset:
    """Turn samples into a `datasets.Dataset`, which can be saved, pushed, and read again by `open_source`.

    Args:
        dataset: samples with depth or disparity.
        cache_dir: where `datasets` keeps the rows; every call writes them again.

    Raises:
        ValueError: the samples have neither depth nor disparity.
    """
    if dataset.label is None:
        raise ValueError(
            "expected samples with depth or disparity, got a dataset without; it cannot become a table of labels"
        )
    # A new key for every call: `datasets` would otherwise return rows of files that have changed since.
    return datasets.Dataset.from_generator(
        _rows_of_one_call,
        features=table_features(dataset.label),
        cache_dir=None if cache_dir is None else str(local_path(cache_dir)),
        gen_kwargs={"dataset": dataset, "label": dataset.label, "key": uuid.uuid4().hex},
    )


def _rows_of_one_call(dataset: SampleDataset, label: str, key: str) -> Iterator[dict[str, Any]]:
    yield from table_rows(dataset, label)
