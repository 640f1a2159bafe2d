# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Label photographs with a teacher's disparity: parquet shards for students, checked, described and pushed.

- `runner`: a whole labelling run from its arguments (teacher, precision, images, push), for command and example.
- `run_options`: checks of a run's options
- `fill_shards`: `label_images`: a process's share of the shards; `ShardLabeller`: any shards of a run.
- `label_run`: one pass of a teacher over some shards.
- `open_shard`: a shard in the making.
- `ray_driver`: a run on a Ray cluster
- `ray_actor`: what labels on a node of it
- `ray_folder`: its hidden folder among the labels, as long as the driver lives
- `ray_arguments`: the cluster, and how many actors
- `tries`: how often images failed that a repeated run tries again.
- `label_maps`: from the predictions of a picture to its label, its fit and its masks
- `fusion`: the detail of one teacher in the scale of another
- `fusion_settings`: when a fit is bad, thresholds of masks
- `sky_mask`: the sky as two depth teachers see it
- `inputs`: what is labelled, divided into shards that can each be done alone.
- `report`: what a run has done.
- `order`: in which order images are divided into shards: permuted by a seed, or as they came.
- `background`: threads that encode labels and write shards behind the forward pass, in bounded memory.
- `shards`: columns, writing and manifest of the parquet shards.
- `provenance`: which teacher, settings and data made the labels, and whether a run continues them.
- `verify`: re-read shards; find what is damaged, missing or labelled twice.
- `lineage`: the teacher and the license of stored labels, for a student's card.
- `dataset_card`: the card of the labels.
- `machine_traces`: what in labels names the machine, and is not pushed.
- `push`: push the labels to the Hub as a dataset.

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .dataset_card import write_label_card
    from .fill_shards import ShardLabeller, label_images
    from .fusion import FusedLabel, fuse_labels
    from .fusion_settings import FusionSettings
    from .lineage import labels_lineage
    from .provenance import describe_teacher, read_provenance
    from .push import push_labels, push_labels_when_complete
    from .report import LabelReport
    from .runner import LabelArguments
    from .verify import VerifyReport, missing_shards, verify_labels

_MODULES = {
    "FusedLabel": "fusion",
    "FusionSettings": "fusion_settings",
    "LabelArguments": "runner",
    "LabelReport": "report",
    "ShardLabeller": "fill_shards",
    "VerifyReport": "verify",
    "describe_teacher": "provenance",
    "fuse_labels": "fusion",
    "label_images": "fill_shards",
    "labels_lineage": "lineage",
    "missing_shards": "verify",
    "push_labels": "push",
    "push_labels_when_complete": "push",
    "read_provenance": "provenance",
    "verify_labels": "verify",
    "write_label_card": "dataset_card",
}

__all__ = [
    "FusedLabel",
    "FusionSettings",
    "LabelArguments",
    "LabelReport",
    "ShardLabeller",
    "VerifyReport",
    "describe_teacher",
    "fuse_labels",
    "label_images",
    "labels_lineage",
    "missing_shards",
    "push_labels",
    "push_labels_when_complete",
    "read_provenance",
    "verify_labels",
    "write_label_card",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
