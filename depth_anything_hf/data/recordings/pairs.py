# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The samples of recordings, as a map-style dataset."""

from __future__ import annotations

import bisect
import copy
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from ..decoding.depth_maps import LabelRules
from ..decoding.errors import BrokenSampleError
from ..decoding.limits import allow_pixels, check_max_pixels
from ..pair_sizes import enlarge_to
from ..samples import Sample, add_label, check_limit


class Recording(Protocol):
    """Pairs of pictures and depth in one file, read one at a time."""

    def __len__(self) -> int: ...

    def name_of(self, index: int) -> str:
        """Return the name of a pair."""

    def read(self, index: int) -> Sample:
        """Read a pair; its depth has a size of its own."""


class RecordedPairs:
    """Samples of one or several recordings, one after another; `label` is "depth".

    Depth that is smaller than its picture is enlarged by the nearest value, if both have one ratio of width to height.

    Args:
        recordings: at least one.
        root: folder that the names of samples begin with.
        max_depth: finite depth beyond this many metres becomes invalid; +inf stays.
        limit: use only the first samples, this many.
        max_pixels: largest number of pixels of an image or label; larger ones are broken. None: Pillow's limit.
    """

    label: str | None = "depth"

    def __init__(
        self,
        recordings: Sequence[Recording],
        root: Path,
        max_depth: float | None = None,
        limit: int | None = None,
        max_pixels: int | None = None,
    ) -> None:
        check_max_pixels(max_pixels)
        self.root = root
        self.rules = LabelRules("depth", max_depth=max_depth)
        self._max_pixels = max_pixels
        self._recordings = list(recordings)
        self._ends = list(accumulate(len(each) for each in recordings))
        limit = check_limit(limit)
        self._count = self._ends[-1] if limit is None else min(limit, self._ends[-1])

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        recording, place = self._find(index)
        name = recording.name_of(place)
        with allow_pixels(self._max_pixels):
            sample = recording.read(place)
        depth, image = self.rules.limit(sample.pop("depth")), sample["image"]
        enlarged = enlarge_to(depth, image.shape[:2])
        if enlarged.shape != image.shape[:2]:
            raise BrokenSampleError(
                f"{name}: the picture is {image.shape[0]} x {image.shape[1]} (height x width), and depth is "
                f"{depth.shape[0]} x {depth.shape[1]}, of another ratio: it is not aligned to the picture's camera"
            )
        return add_label({**sample, "name": name}, "depth", enlarged, name)

    def with_rules(self, rules: LabelRules) -> RecordedPairs:
        """Return the same pairs with another `max_depth`."""
        other = copy.copy(self)
        other.rules = rules
        return other

    def name_of(self, index: int) -> str:
        """Return the name of a sample, which need not be readable."""
        recording, place = self._find(index)
        return recording.name_of(place)

    def _find(self, index: int) -> tuple[Recording, int]:
        place = int(index) + self._count if index < 0 else int(index)
        if not 0 <= place < self._count:
            raise IndexError(f"index {index} of {self._count} samples")
        which = bisect.bisect_right(self._ends, place)
        return self._recordings[which], place - (self._ends[which - 1] if which else 0)
