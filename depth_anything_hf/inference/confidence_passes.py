# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Forward passes with confidence: of the image, of its mirror image, and of the image at another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .batching import FetchResults
from .confidence import find_confidence
from .passes import Passes, SeveralPasses
from .prediction import flip_mean


# A smaller image tells as much as a larger one, in a fourth of the time.
SIZE_FACTOR = 0.75


@dataclass(frozen=True)
class _Input:
    """An image prepared at one or two sizes, (3, h, w) each."""

    values: Any
    other: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """What all images of a batch have in common."""
        return (*self.values.shape, *(() if self.other is None else self.other.shape))


class ConfidencePasses(SeveralPasses):
    """The passes of an engine, and further ones whose disagreement gives the confidence.

    Args:
        passes: of the image itself, without flip averaging.
        flip_averaging: whether the values are the mean with those of the mirror image, which is predicted anyway.
    """

    def __init__(self, passes: Passes, *, flip_averaging: bool) -> None:
        super().__init__(passes)
        self._other = passes.at_size(SIZE_FACTOR)
        self._flip_averaging = flip_averaging

    @property
    def names(self) -> tuple[str, ...]:
        """What the further passes see."""
        return ("mirrored",) if self._other is None else ("mirrored", f"{SIZE_FACTOR:g} of the size")

    def without_flip_averaging(self) -> ConfidencePasses:
        """Return the passes whose values are those of the image alone."""
        return ConfidencePasses(self._passes, flip_averaging=False)

    def prepare(self, image: np.ndarray) -> _Input:
        """Resize and normalize an image for each size, uint8 (H, W, 3) -> (3, h, w)."""
        return _Input(self._passes.prepare(image), None if self._other is None else self._other.prepare(image))

    def launch(
        self, inputs: Sequence[_Input], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Start the passes over images; what it returns gives for each image values and confidence, (H, W) each."""
        fetches = [
            self._passes.launch([one.values for one in inputs], sizes, is_retry),
            self._passes.launch([mirror(one.values) for one in inputs], sizes, is_retry),
        ]
        if self._other is not None:
            fetches.append(self._other.launch([one.other for one in inputs], sizes, is_retry))

        def fetch() -> list[tuple[np.ndarray, np.ndarray]]:
            straight, mirrored, *others = (fetch() for fetch in fetches)
            results = []
            for number, one in enumerate(straight):
                flipped = mirrored[number][:, ::-1]
                confidence = find_confidence(one, [flipped, *(each[number] for each in others)], self.prediction_kind)
                values = flip_mean(one, flipped, self.prediction_kind) if self._flip_averaging else one
                results.append((values, confidence))
            return results

        return fetch


def mirror(image: Any) -> Any:
    """Mirror a prepared image, (3, h, w), array or tensor."""
    return np.ascontiguousarray(image[..., ::-1]) if isinstance(image, np.ndarray) else image.flip(-1)
