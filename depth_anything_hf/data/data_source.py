# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One source of a recipe: its fields, checked."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..utils.option_errors import check_choice
from ..utils.sizes import parse_bytes
from ..utils.typed_fields import convert_fields, nearest_of
from .decoding.depth_maps import LABELS, SCALE_ADVICE, check_encoding
from .decoding.label_masks import parse_mask_names
from .decoding.limits import check_max_pixels
from .pair_orientation import EXIF_CHOICES
from .public.catalog import PUBLIC_DATASETS


RECORDING = "recording"
# Fields that mean something for labels only.
ASK_FOR_LABELS = (
    *("label", "label_column", "scale", "invalid_values", "sky_value", "max_depth", "encoding", "ignore_masks"),
)
# What may turn out to be a table of pseudo-labels, whose rows tell of the fit of two teachers.
KINDS_WITH_FITS = ("auto", "table")
# How a stream is fetched, which changes none of its samples.
OF_STREAMS = ("cache_size", "read_timeout", "max_lost_share")
CACHE_SIZE, READ_TIMEOUT, LARGEST_LOST_SHARE = "20GB", 30.0, 0.1


@dataclass
class DataSource:
    """One source of a recipe: where its samples come from, and how to read them.

    Attributes:
        path: local folder or file, the id of a dataset on the Hub, or, with `streaming`, the URL of tables elsewhere
            (a folder, a pattern, numbers in braces, a list; see `remote_files`).
        kind: "folder" (`DepthFolder`), "table" (`DepthTable`), "photos" (unlabelled), "recording" (bags of ROS and
            Record3D's .r3d, see `open_recording`), "auto" (by what is there), or a public dataset in its own layout (a
            name of `PUBLIC_DATASETS`, such as "hypersim").
        label: "depth" or "disparity"; None takes the one that is there, depth before disparity.
        image_column, label_column: columns of a table; of a bag of ROS the topics of pictures and of depth.
        scale, invalid_values, sky_value, max_depth, limit, encoding: as in `DepthFolder`.
        split: split of a Hub dataset, a saved DatasetDict, a folder with one sub-folder or file name per split, or
            of a public dataset, where "" takes its default.
        weight: share of this source in a mixture; None means in proportion to its size.
        streaming: read a table, webdataset shards or a Hub dataset in order, without downloading or converting it
            first; see `StreamingMixture`.
        open_shards: shards of a stream that each process and worker reads at once; None: 16, fewer where their row
            groups would take more than 0.8 GB, and 4 from the Hub. 1 reads shard after shard.
        cache_size: bytes that copies of remote shards may take on the disk, as in "20GB"; "0" keeps none.
        read_timeout: seconds after which a remote shard from which nothing comes counts as stalled.
        max_lost_share: of a stream: if more of its files than this, and more than one, cannot be read, the run stops.
        exif: how an image and its label come into one orientation, see `PairOrientation`: "auto", "apply" or "ignore".
        options: further arguments of `open_public`; of a recording `tolerance`, seconds.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit, about
            179 million.
        ignore_masks: of labels of two teachers, masks whose pixels count less: "sky", "teachers" (the two disagree)
            and "flip" (the mirrored picture gives another depth).
        mask_weight: what masked pixels count in the losses, 0 to 1; at 0 they are unknown.
        keep_bad_fits: also take rows whose fit of two teachers is marked as bad (`fit_ok` false).
        drop: list of rows to leave out, as `depth-anything-hf review` writes it; see `drop_list`.

    Raises:
        ValueError: an unknown kind or label, a number out of range, or options that do not go together.
    """

    path: str
    kind: str = "auto"
    label: str | None = None
    image_column: str = "image"
    label_column: str | None = None
    scale: float | None = None
    invalid_values: Sequence[float] | None = None
    sky_value: float | None = None
    max_depth: float | None = None
    split: str = "train"
    weight: float | None = None
    limit: int | None = None
    streaming: bool = False
    open_shards: int | None = None
    options: Mapping[str, Any] | None = None
    exif: str = "auto"
    max_pixels: int | None = None
    encoding: str | None = None
    ignore_masks: Sequence[str] | None = None
    mask_weight: float = 0.0
    keep_bad_fits: bool = False
    drop: str | None = None
    cache_size: str = CACHE_SIZE
    read_timeout: float = READ_TIMEOUT
    max_lost_share: float = LARGEST_LOST_SHARE

    def __post_init__(self) -> None:
        # One of several paths would be taken for the name of a file.
        if not isinstance(self.path, str | os.PathLike):
            raise ValueError(f"the path of a data source must be text, got {self.path!r}")
        self.path = os.fspath(self.path)
        convert_fields(self, f"{self.path}: ", may_be_infinite=("invalid_values", "sky_value", "max_depth"))
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise ValueError(f"{self.path}: scale must be > 0, got {self.scale:g}; {SCALE_ADVICE}")
        check_encoding(self, f"{self.path}: ")
        check_choice("kind", self.kind, ("auto", "folder", "table", "photos", RECORDING, *PUBLIC_DATASETS))
        check_choice("exif", self.exif, EXIF_CHOICES)
        if self.exif != "auto" and self.kind in ("photos", RECORDING, *PUBLIC_DATASETS):
            raise ValueError(f"{self.path}: exif is for labelled data, and not for kind {self.kind!r}; leave it out")
        check_choice("label", self.label, (*LABELS, None))
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"{self.path}: limit must be at least 1, got {self.limit}")
        if self.open_shards is not None and self.open_shards < 1:
            raise ValueError(f"{self.path}: open_shards must be at least 1, got {self.open_shards}")
        if self.open_shards is not None and not self.streaming:
            raise ValueError(f"{self.path}: open_shards is for streams; set streaming: true, or leave it out")
        check_max_pixels(self.max_pixels, f"{self.path}: max_pixels")
        self._check_masks()
        self._check_fetching()
        for name in ("weight", "max_depth"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{self.path}: {name} must be > 0, got {value}")
        asked = asked_for_label(self)
        if self.kind == "photos" and asked:
            raise ValueError(
                f"{self.path}: {asked} is for labelled data, and kind 'photos' is read without labels; leave one out"
            )
        if self.options and self.kind not in (RECORDING, *PUBLIC_DATASETS):
            raise ValueError(
                f"{self.path}: options are for public datasets and recordings, not for kind {self.kind!r}; set kind "
                f"to one of {[RECORDING, *PUBLIC_DATASETS]}"
            )
        if self.streaming and self.limit is not None:
            raise ValueError(
                f"{self.path}: limit cannot be combined with streaming; set max_steps, or name fewer files"
            )

    def _check_masks(self) -> None:
        if self.ignore_masks is not None:
            self.ignore_masks = parse_mask_names(self.ignore_masks, "ignore_masks") or None
        if not 0 <= self.mask_weight <= 1:
            raise ValueError(
                f"{self.path}: mask_weight is {self.mask_weight:g}, expected 0 (masked pixels are ignored) to 1"
            )
        if self.mask_weight and self.ignore_masks is None:
            raise ValueError(f"{self.path}: mask_weight is of pixels in ignore_masks; set these, or leave it out")
        if self.keep_bad_fits and self.kind not in KINDS_WITH_FITS:
            raise ValueError(
                f"{self.path}: keep_bad_fits is for pseudo-labels of two teachers, which are tables, and kind "
                f"{self.kind!r} has no fits; leave it out here"
            )

    def _check_fetching(self) -> None:
        self.cache_bytes = parse_bytes(self.cache_size, f"{self.path}: cache_size")
        if not self.read_timeout > 0:
            raise ValueError(f"{self.path}: read_timeout must be > 0 seconds, got {self.read_timeout:g}")
        if not 0 <= self.max_lost_share <= 1:
            raise ValueError(f"{self.path}: max_lost_share must be in 0..1, got {self.max_lost_share:g}")
        for each in fields(self):
            if each.name in OF_STREAMS and getattr(self, each.name) != each.default and not self.streaming:
                raise ValueError(f"{self.path}: {each.name} is for streams; set streaming: true, or leave it out")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataSource:
        """Build a source from the keys of a recipe.

        Raises:
            ValueError: an unknown key, where the message names the nearest one, or no path.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"unknown key {key!r} in a data source; {nearest_of(key, known)}")
        if "path" not in values:
            raise ValueError(f"a data source needs the key 'path', got the keys {sorted(values)}")
        return cls(**values)


def asked_for_label(source: DataSource) -> str | None:
    """Return a field that is given and means something for labels only."""
    return next((name for name in ASK_FOR_LABELS if getattr(source, name) is not None), None)
