# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Map-style datasets of samples: folders and tables with labels, and photographs without."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import datasets

from ..utils.option_errors import check_choice
from ..utils.paths import local_path
from .decoding.depth_maps import LABELS, LabelRules, label_rules
from .decoding.encodings.choice import parse_encoding
from .decoding.files import FileLike, in_memory
from .decoding.images import IMAGE_SUFFIXES, read_image
from .decoding.limits import allow_pixels, check_max_pixels
from .decoding.map_meaning import meaning_of
from .folder_layouts import images_in, label_in_folder, pairs_in_folder, readable_suffixes
from .index.entries import Names, entries_in_memory
from .index.file_runs import FileRuns
from .index.pair_runs import PairRuns
from .index.remembered import remember_files
from .masked_pixels import masked_pixels_of
from .pair_orientation import PairOrientation
from .parquet_rows import ParquetRows
from .rows import RowReader
from .samples import Sample, add_label, check_limit


class DepthFolder:
    """Images with depth or disparity maps in a local folder.

    The folder holds a `metadata.jsonl`, `.csv` or `.parquet` as the `imagefolder` of `datasets` has it (`file_name`,
    and `depth_file_name` or `disparity_file_name`, relative to the folder), or the sub-folders `images/` (`rgb/`,
    `color/`, ...) and `depth/` (or `disparity/`), whose files are matched by their path without suffix, also one pair
    of such sub-folders for each scene. A text list with an image and its label in each line does as well.

    Args:
        root: the folder, or a text list.
        label: "depth" (metres after scaling) or "disparity" (up to scale and shift).
        scale: stored units per metre, see `read_label`.
        invalid_values: stored values that mean no measurement. Default: 0, except for floating-point disparity,
            where 0 is sky. Depth <= 0, NaN and infinite disparity are always invalid.
        sky_value: stored depth values >= this (disparity: <=) are sky.
        max_depth: finite depth beyond this many metres becomes invalid; +inf stays sky.
        limit: use only the first samples, this many.
        split: name of the split, if the folder has a sub-folder or text list for each; None takes all.
        exif: how image and label come into one orientation: "auto", "apply" or "ignore", see `PairOrientation`.
        encoding: how the labels are written, such as "mm" or "exr:channel=Z" (the command `encodings` lists all), in
            place of scale, invalid_values and sky_value. Labels that are smaller than their images are then enlarged
            by the nearest value, if both have one ratio of width to height.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.

    Raises:
        FileNotFoundError: no such folder, or none of the layouts is there.
        ValueError: no samples, damaged metadata, no such split, or an unknown label.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        label: str = "depth",
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
        split: str | None = None,
        exif: str = "auto",
        max_pixels: int | None = None,
        encoding: str | None = None,
    ) -> None:
        check_choice("label", label, LABELS)
        self.label: str | None = label
        self.rules = label_rules(label, scale, invalid_values, sky_value, max_depth, encoding)
        self._orientation = PairOrientation(exif)
        check_max_pixels(max_pixels)
        self._max_pixels = max_pixels
        self._place = local_path(root)
        # Rules come from the encoding and the label: not from stored files.
        options = {"label": label, "split": split, "encoding": encoding, "formats": readable_suffixes()}
        self._pairs = remember_files("pairs", self._place, options, partial(self._find_pairs, label, split)).limit(
            check_limit(limit)
        )

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Sample:
        image_path, label_path = map(Path, self._pairs.pair(index))
        # Read once, for the values and for an orientation of their own.
        label = in_memory(label_path)
        with allow_pixels(self._max_pixels):
            values = self.rules.read(label)
            # Predictions were made from upright images.
            is_upright = meaning_of(label["bytes"], str(label_path)) is not None
            image, values = self._orientation.read_pair(
                image_path,
                values,
                label,
                str(image_path),
                is_upright=is_upright,
                may_enlarge=self.rules.is_encoded(label["bytes"]),
            )
        return add_label({"image": image, "name": str(image_path)}, self.rules.label, values, str(label_path))

    def _find_pairs(self, label: str, split: str | None) -> PairRuns:
        """List (image, label); an encoding may have them in one file, or make depth of files called disparity."""
        encoding = self.rules.encoding
        found: str | None = label
        if encoding is not None and self._place.exists():
            try:
                found = label_in_folder(self._place, split)
            except ValueError:
                # The names in a list need not tell what is given.
                if not self._place.is_file():
                    raise
        if found is None and encoding is not None and parse_encoding(encoding).encoding.in_photograph:
            return PairRuns.of_one_file_each(images_in(self._place, split))
        if found in (None, label):
            return pairs_in_folder(self._place, label, split)
        try:
            return pairs_in_folder(self._place, label, split)
        except FileNotFoundError:
            return pairs_in_folder(self._place, str(found), split)

    @property
    def root(self) -> Path:
        """Folder that the names of samples begin with."""
        return self._place.parent if self._place.is_file() else self._place

    def with_rules(self, rules: LabelRules) -> DepthFolder:
        """Return the same files with other rules of their labels."""
        other = copy.copy(self)
        other.rules = rules
        return other

    def name_of(self, index: int) -> str:
        """Return the name of a sample, which need not be readable."""
        return self._pairs.image(index)

    def encoded_pair(self, index: int) -> tuple[FileLike, FileLike | None]:
        """Return image and label as they are stored: their paths."""
        return self._pairs.pair(index)


class DepthTable:
    """Samples from the rows of a map-style `datasets.Dataset`, or of parquet files that are read in place.

    Cells may be `datasets.Image`, bytes or paths, those of labels also nested lists; they are decoded by `decoding`
    when a row is read. Pseudo-labels of this package (`disparity` with `disparity_minimum` and `disparity_maximum`)
    are decoded by `decode_disparity`.

    Args:
        dataset: from `datasets.load_dataset(..., split=...)`, not streaming; or from `open_in_place`.
        image_column: column of images.
        label_column: column of labels; by default the one that is called depth, depth_map (for depth) or disparity.
        label: "depth", "disparity", or None for images only.
        scale, invalid_values, sky_value, max_depth, limit, exif, max_pixels, encoding: as in `DepthFolder`.
        root: folder that relative paths in text cells refer to.
        ignore_masks, mask_weight: of pseudo-labels with masks, see `MaskedPixels`.

    Raises:
        MissingMaskError: the table has no such masks.
        TypeError: not a map-style dataset.
        ValueError: no rows, a missing column, or an unknown label.
    """

    def __init__(
        self,
        dataset: datasets.Dataset | ParquetRows,
        image_column: str = "image",
        label_column: str | None = None,
        label: str | None = None,
        scale: float | None = None,
        invalid_values: Sequence[float] | None = None,
        sky_value: float | None = None,
        max_depth: float | None = None,
        limit: int | None = None,
        root: str | os.PathLike[str] | None = None,
        exif: str = "auto",
        max_pixels: int | None = None,
        encoding: str | None = None,
        ignore_masks: Sequence[str] | None = None,
        mask_weight: float = 0.0,
    ) -> None:
        if not isinstance(dataset, datasets.Dataset | ParquetRows):
            raise TypeError(
                f"expected a map-style datasets.Dataset (one split, not streaming), got {type(dataset).__name__}"
            )
        if len(dataset) == 0:
            raise ValueError("expected a table with rows, got one with no rows")
        self.label = label
        rules = label_rules(label, scale, invalid_values, sky_value, max_depth, encoding)
        self._root = None if root is None else local_path(root)
        masks = masked_pixels_of(ignore_masks, mask_weight)
        self._ignore_masks, self._mask_weight = ignore_masks, mask_weight
        self._reader = RowReader(
            dataset.column_names, image_column, label_column, label, rules, root, exif, max_pixels, masks
        )
        length = min(check_limit(limit) or len(dataset), len(dataset))
        self._rows: datasets.Dataset | ParquetRows
        if isinstance(dataset, ParquetRows):
            self._rows = dataset.head(length)
        else:
            self._rows = _leave_encoded(dataset if limit is None else dataset.select(range(length)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        return self._reader.read(self._rows[int(index)], f"row {index}")

    @property
    def root(self) -> Path | None:
        """Folder that relative paths in text cells refer to; None: the working directory."""
        return self._root

    @property
    def rules(self) -> LabelRules:
        """How stored values become a label."""
        return self._reader.rules

    def with_rules(self, rules: LabelRules) -> DepthTable:
        """Return the same rows with other rules of their labels."""
        other = copy.copy(self)
        other._reader = copy.copy(self._reader)
        other._reader.rules = rules
        return other

    def name_of(self, index: int) -> str:
        """Return the name of a sample, which need not be readable."""
        return self._reader.name_of(self._rows[int(index)], f"row {index}")

    def place_of(self, index: int) -> tuple[str, int] | None:
        """Return the file of a row and its number there; None where the rows are not read in place."""
        return self._rows.place_of(index) if isinstance(self._rows, ParquetRows) else None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows.column_names)

    def read_columns(self, names: Sequence[str], rows: int) -> Iterator[dict[str, list[Any]]]:
        """Yield the cells of some columns, `rows` rows at once; no other column is read."""
        if isinstance(self._rows, ParquetRows):
            yield from self._rows.read_columns(names, rows)
        else:
            yield from self._rows.select_columns(list(names)).iter(batch_size=rows)

    def read_encoded(self, index: int) -> tuple[str, Any]:
        """Return the name and the encoded image of a row, see `RowReader.read_encoded`."""
        return self._reader.read_encoded(self._rows[int(index)], f"row {index}")

    def encoded_pair(self, index: int) -> tuple[FileLike, FileLike | None]:
        """Return image and label as they are stored; None for a label that is no file, or codes of a range."""
        return self._reader.encoded_pair(self._rows[int(index)], f"row {index}")


class PhotoFolder:
    """Unlabelled images: all those below a folder, sorted by path, or a list of files in its order.

    Hidden files and folders are left out. Of a folder in a layout of `DepthFolder` only the images are taken. Files of
    a single channel with 16 bits are depth maps and left out; a warning counts by suffix what is. Pictures that
    `predict` has written are left out too.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: no images, no such split, or a folder of nothing but depth maps.
    """

    label: str | None = None

    def __init__(
        self,
        root: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        limit: int | None = None,
        split: str | None = None,
        *,
        max_pixels: int | None = None,
    ) -> None:
        check_max_pixels(max_pixels)
        self._max_pixels = max_pixels
        self._place = local_path(root) if isinstance(root, str | os.PathLike) else None
        if isinstance(root, str | os.PathLike):
            options = {"split": split, "formats": readable_suffixes()}
            found = remember_files("photos", local_path(root), options, partial(images_in, local_path(root), split))
            if not len(found):
                raise ValueError(f"{root}: no images; expected files that end in one of {sorted(IMAGE_SUFFIXES)}")
        else:
            found = entries_in_memory(FileRuns.of_paths(Path(path) for path in root))
            if not len(found):
                raise ValueError("expected a folder or a list of images, got an empty list")
        self._images = found.limit(check_limit(limit))

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        path = Path(self._images.image(index))
        with allow_pixels(self._max_pixels):
            return {"image": read_image(path), "name": str(path)}

    @property
    def root(self) -> Path | None:
        """Folder that the names of samples begin with; None for a list of files."""
        return self._place

    @property
    def names(self) -> Sequence[str]:
        """The names of all samples, in their order; each is read when it is asked for."""
        return Names(self._images)

    def read_encoded(self, index: int) -> tuple[str, str]:
        """Return the name and the path of an image."""
        name = self._images.image(index)
        return name, name


def _leave_encoded(dataset: datasets.Dataset) -> datasets.Dataset:
    """Leave images encoded: `datasets` would decode them without EXIF orientation, and without names in its errors."""
    dataset = dataset.with_format(None)
    for column, feature in dataset.features.items():
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset
