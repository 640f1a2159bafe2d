# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Reading, augmenting and mixing of training data."""

from __future__ import annotations

from .batches import GlobalBatchSampler, collate
from .cutmix import cutmix
from .datasets import DepthFolder, DepthTable, PhotoFolder
from .decoding.depth_maps import read_label
from .decoding.errors import BrokenSampleError, UnreadableImageError
from .decoding.images import read_image
from .depth_stream import DepthStream
from .export import as_table
from .loader import BatchLoader
from .mixture import Mixture
from .public.catalog import PUBLIC_DATASETS, describe_public, open_public
from .public.spec import PublicDataset
from .sources import DataSource, open_source
from .streaming_mixture import StreamingMixture
from .transforms import TrainingTransform


__all__ = [
    "BatchLoader",
    "BrokenSampleError",
    "DataSource",
    "DepthFolder",
    "DepthStream",
    "DepthTable",
    "GlobalBatchSampler",
    "Mixture",
    "PUBLIC_DATASETS",
    "PublicDataset",
    "PhotoFolder",
    "StreamingMixture",
    "TrainingTransform",
    "UnreadableImageError",
    "as_table",
    "collate",
    "cutmix",
    "describe_public",
    "open_public",
    "open_source",
    "read_image",
    "read_label",
]
