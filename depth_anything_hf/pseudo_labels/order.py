# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""In which order the images of a run are divided into shards: permuted by a seed, or as the input has them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


logger = logging.getLogger(__name__)

PERMUTED, KEPT = "permuted", "kept"


@dataclass(frozen=True)
class ImageOrder:
    """Order of the images over the shards of a run.

    Photographs in folders lie sorted by place or class. Shards of consecutive ones would each hold one class, and
    whoever streams them would train on batches of few classes. A permutation makes every shard a sample of the whole.

    Attributes:
        seed: of the permutation, >= 0; None keeps the order of the input.
        is_recorded: False for a run that a version without permutation began: its provenance has no such entry.
    """

    seed: int | None = 0
    is_recorded: bool = True

    def description(self) -> dict[str, Any]:
        """Return the entries of the provenance."""
        if not self.is_recorded:
            return {}
        return {"order": KEPT} if self.seed is None else {"order": PERMUTED, "seed": self.seed}

    def rows(self, count: int) -> Sequence[int] | np.ndarray:
        """Return all rows of an input in the order in which they are written: int64 (count,)."""
        if self.seed is None:
            return range(count)
        # NumPy fixes the raw numbers of a bit generator for all versions, and those of `permutation` for none; a run
        # may be continued on another machine.
        return np.argsort(np.random.PCG64(self.seed).random_raw(count), kind="stable")


def order_of_run(there: Mapping[str, Any], seed: int, keep_order: bool) -> ImageOrder:
    """Return the order of a run that begins, or continues the run of the provenance `there` ({}: there is none).

    A run without an entry was begun by a version that knew no permutation, and goes on in the order of its input.

    Raises:
        ValueError: the seed is negative, or asks for a permutation of such a run.
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    if not there or "order" in there:
        return ImageOrder(None if keep_order else seed)
    if seed and not keep_order:
        raise ValueError(
            f"the labels there were begun by an earlier version, in the order of the images, which seed {seed} would "
            "permute; leave the seed out to continue that run in its order, or choose another folder"
        )
    if not keep_order:
        logger.warning("continuing labels of an earlier version, in its order: that of the images, not permuted")
    return ImageOrder(None, is_recorded=False)
