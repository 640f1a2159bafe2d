# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read, augment, mix and batch images with depth or disparity labels.

- `decoding/`: files to arrays
- `public/`: the public datasets, one file each
- `checks/`: what is most likely wrong with a source
- `index/`: what opening a large folder found, kept for the next opening
- `recordings/`: bags of ROS and recordings of Record3D
- `samples`: what a sample is, and what a dataset of samples must offer
- `datasets`: map-style datasets: folders, tables, photographs
- `folder_layouts`: which files of a local folder belong together
- `layout_names`: names that folders of images, labels and splits have
- `files_by_stem`: the files of a folder by their names without suffix
- `pairs_by_name`: images and labels of equal names
- `predicted_labels`: files of `predict` as labels: which one is an image's, and of which kind they are
- `pair_lists`: metadata and text lists that pair images with labels
- `left_out`: tells what a search for images leaves out
- `grey_maps`: depth maps with 8 bits among photographs
- `further_frames`: animations and files of several pages
- `prediction_list`: which files commands have left among data, predictions by their list
- `own_pictures`: pictures and records that runs, evaluations and cards have left
- `pair_sizes`: a label that is smaller than its image
- `pair_orientation`: one orientation for an image and its label
- `rows`: the row of a table becomes a sample
- `table_counts`: how many rows local parquet files have, and whether they can be read in place
- `table_files`: formats and files of local tables
- `data_source`: the fields of a source in a recipe
- `table_columns`: which columns of a table are images and labels
- `source_kinds`: labelled folders, tables and photographs, told apart
- `sources`: opens what a recipe names
- `masked_pixels`: pixels in the masks of a label: unknown, or of less weight
- `drop_list`: lists of rows to leave out
- `row_filter`: what is left out of a source, and which rows of a stream
- `rows_left_out`: a source without rows of such a list and labels with a bad fit
- `arrow_files`: `.arrow` files mapped into memory
- `parquet_rows`: rows of local parquet files by index, read where they are
- `row_tables`: tables in parquet files that tell where the cells of each row are
- `parquet_groups`: the cells of one row group of a parquet file
- `compact_protocol`: numbers in the footers and headers of parquet files
- `parquet_pages`: where single values lie in a parquet file
- `depth_stream`: samples of a table that is read in order
- `mixture`: map-style sources as one dataset, in an order by seed and epoch
- `rehearsal`: samples of an old domain mixed into those of a new one, at a share
- `item_mixture`: any map-style dataset of tensors, such as one of torch, as a mixture
- `streaming_mixture`: sources of which some stream, as one endless stream
- `shard_lists`: the shards of a stream, each opened when it is read
- `shard_readers`: reads a shard of a stream from a row on
- `remote/`: shards of streams that are elsewhere, and a cache of them
- `lost_shards`: the shards of a stream that were passed by
- `stream_rows`: the rows of one source for one part of it, from several shards at once
- `first_labels`: what the labels of first samples look like, and why none can be learned from
- `batches`: which samples form a batch, and how they are stacked
- `loader`: the batches of one process, with workers that read ahead
- `worker_signals`: how workers treat SIGINT and SIGTERM
- `transforms`: augmentation, and conversion to tensors
- `haze`: haze by depth
- `cutmix`: CutMix of batches
- `export`: samples as a table of the library `datasets`

The names below are imported when first used, so that decoding an image does not import the library `datasets`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .batches import GlobalBatchSampler, collate
    from .cutmix import BatchCutMix
    from .data_source import DataSource
    from .datasets import DepthFolder, DepthTable, PhotoFolder
    from .decoding.depth_maps import read_label
    from .decoding.encodings.catalog import describe_encodings
    from .decoding.errors import BrokenSampleError, UnreadableImageError
    from .decoding.images import read_image
    from .depth_stream import DepthStream
    from .export import as_table
    from .item_mixture import ItemMixture
    from .loader import BatchLoader
    from .mixture import Mixture
    from .public.catalog import PUBLIC_DATASETS, describe_public, open_public
    from .public.spec import PublicDataset
    from .recordings.open_recording import open_recording
    from .sources import open_source
    from .streaming_mixture import StreamingMixture
    from .transforms import TrainingTransform

# `cutmix` is missing here: a function of the same name as its file would be hidden by the file once it is imported.
_HOMES = {
    "BatchCutMix": "cutmix",
    "BatchLoader": "loader",
    "BrokenSampleError": "decoding.errors",
    "DataSource": "data_source",
    "DepthFolder": "datasets",
    "DepthStream": "depth_stream",
    "DepthTable": "datasets",
    "GlobalBatchSampler": "batches",
    "ItemMixture": "item_mixture",
    "Mixture": "mixture",
    "PUBLIC_DATASETS": "public.catalog",
    "PhotoFolder": "datasets",
    "PublicDataset": "public.spec",
    "StreamingMixture": "streaming_mixture",
    "TrainingTransform": "transforms",
    "UnreadableImageError": "decoding.errors",
    "as_table": "export",
    "collate": "batches",
    "describe_encodings": "decoding.encodings.catalog",
    "describe_public": "public.catalog",
    "open_public": "public.catalog",
    "open_recording": "recordings.open_recording",
    "open_source": "sources",
    "read_image": "decoding.images",
    "read_label": "decoding.depth_maps",
}

__all__ = [
    "PUBLIC_DATASETS",
    "BatchCutMix",
    "BatchLoader",
    "BrokenSampleError",
    "DataSource",
    "DepthFolder",
    "DepthStream",
    "DepthTable",
    "GlobalBatchSampler",
    "ItemMixture",
    "Mixture",
    "PhotoFolder",
    "PublicDataset",
    "StreamingMixture",
    "TrainingTransform",
    "UnreadableImageError",
    "as_table",
    "collate",
    "describe_encodings",
    "describe_public",
    "open_public",
    "open_recording",
    "open_source",
    "read_image",
    "read_label",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
