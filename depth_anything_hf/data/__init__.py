# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Reading, augmenting and mixing of training data."""

from __future__ import annotations

from .datasets import DepthFolder, DepthTable, PhotoFolder
from .mixing import GlobalBatchSampler, Mixture, collate
from .reading import UnreadableImageError, read_image, read_label
from .sources import DataSource, open_source
from .transforms import TrainingTransform, cutmix


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
