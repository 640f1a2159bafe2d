# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Reading, augmenting and mixing of training data."""

from __future__ import annotations

from depth_anything_hf.data.datasets import (
    DataSource,
    DepthFolder,
    DepthTable,
    PhotoFolder,
    UnreadableImageError,
    open_source,
    read_image,
    read_label,
)
from depth_anything_hf.data.mixing import GlobalBatchSampler, Mixture, collate
from depth_anything_hf.data.transforms import TrainingTransform, cutmix


__all__ = [
    "DataSource",
    "DepthFolder",
    "DepthTable",
    "GlobalBatchSampler",
    "Mixture",
    "PhotoFolder",
    "TrainingTransform",
    "UnreadableImageError",
    "collate",
    "cutmix",
    "open_source",
    "read_image",
    "read_label",
]
