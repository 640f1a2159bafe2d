# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pixels of a label that its masks name: unknown in training, or of less weight in the losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .decoding.errors import BrokenSampleError
from .decoding.files import read_bytes
from .decoding.label_masks import (
    MASKS_COLUMN,
    SHARE_COLUMNS,
    masked_pixels,
    masks_of_row,
    parse_mask_names,
    require_masks,
)


# Of a sample and of a batch: float32 (H, W), what each pixel of the label counts in the losses.
WEIGHTS = "label_weights"


class MaskedPixels:
    """What becomes of the pixels in masks that labels were stored with.

    Args:
        names: masks, see `decoding.label_masks.MASK_BITS`; a pixel in any of them counts as masked.
        weight: of masked pixels in the losses, in [0, 1]; at 0 they are unknown, NaN in the label.

    Raises:
        OptionError: an unknown name.
        ValueError: no mask, or a weight out of range.
    """

    def __init__(self, names: str | Iterable[str], weight: float = 0.0) -> None:
        self.names = parse_mask_names(names)
        if not self.names:
            raise ValueError("ignore_masks names no mask; leave it out")
        if not 0 <= weight <= 1:
            raise ValueError(f"mask_weight is {weight:g}, expected 0 (masked pixels are ignored) to 1 (as all others)")
        self.weight = weight

    def check_columns(self, columns: Sequence[str], place: str) -> None:
        """Check that a table has masks at all.

        Raises:
            MissingMaskError: it has not; the message says how to make them.
        """
        made = [name for name, column in SHARE_COLUMNS.items() if column in columns and MASKS_COLUMN in columns]
        require_masks(self.names, made, place)

    def apply(self, row: Mapping[str, Any], label: np.ndarray, place: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Mask the label of a row.

        Args:
            row: of a label shard, with its masks and their shares.
            label: float32 (H, W).
            place: names the row in messages.

        Returns:
            The label with NaN at masked pixels and None; or the label as it was and weights, float32 (H, W).

        Raises:
            BrokenSampleError: masks of another size than the label, or a damaged one.
            MissingMaskError: a mask was not made for this row.
        """
        made = masks_of_row(row)
        require_masks(self.names, made, place)
        cell = row.get(MASKS_COLUMN)
        # Where no pixel is masked, there may be no picture either.
        content = None if cell is None else read_bytes(cell)[0]
        masked = np.zeros(label.shape, dtype=bool) if content is None else masked_pixels(content, self.names, made)
        if masked.shape != label.shape:
            raise BrokenSampleError(
                f"the masks are {masked.shape} and the label {label.shape} (height, width); they must agree: the row "
                "is damaged, or was put together from two"
            )
        if self.weight == 0:
            return np.where(masked, np.float32(np.nan), label), None
        return label, np.where(masked, np.float32(self.weight), np.float32(1))


def masked_pixels_of(names: Iterable[str] | None, weight: float) -> MaskedPixels | None:
    """Return what a source's fields `ignore_masks` and `mask_weight` ask for; None where that is nothing."""
    return None if names is None else MaskedPixels(names, weight)


__all__ = ["WEIGHTS", "MaskedPixels", "masked_pixels_of"]
