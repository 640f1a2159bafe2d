# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a predictor asks of the forward passes of an engine: prepare an image, run a batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..geometry.disparity import PredictionKind
from .batching import FetchResults


if TYPE_CHECKING:
    import torch


class Passes(Protocol):
    """The forward passes of a model in an engine.

    Attributes:
        engine: its name.
        prediction_kind: of the maps.
        runs_ahead: whether a pass is still under way when `launch` returns.
    """

    engine: str
    prediction_kind: PredictionKind
    runs_ahead: bool

    @property
    def device(self) -> torch.device:
        """Device that the passes run on."""

    @property
    def precision(self) -> str:
        """Precision of a pass."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a pass."""

    def at_size(self, factor: float) -> Passes | None:
        """Return the passes for images resized to `factor` times the sides; None where only one size can be had."""

    def without_flip_averaging(self) -> Passes:
        """Return the passes whose maps are those of the image alone; the model is shared."""

    def prepare(self, image: np.ndarray) -> Any:
        """Resize and normalize an image, uint8 (H, W, 3) -> (3, h, w); called in several threads at once."""

    def launch(self, inputs: Sequence[Any], sizes: Sequence[tuple[int, int]], is_retry: bool = False) -> FetchResults:
        """Start a forward pass over images (3, h, w) of one processed size.

        Args:
            inputs: prepared images.
            sizes: (height, width) of each image.
            is_retry: whether a larger batch has failed.

        Returns:
            A function that waits for the pass and returns float32 (H, W) each, at the given sizes.
        """


class SeveralPasses:
    """Passes of an engine with further ones beside them: what it says of itself is what the engine's say.

    Args:
        passes: of the engine.
    """

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self.engine = passes.engine
        self.prediction_kind = passes.prediction_kind
        self.runs_ahead = passes.runs_ahead

    @property
    def device(self) -> torch.device:
        """Device that the passes run on."""
        return self._passes.device

    @property
    def precision(self) -> str:
        """Precision of a pass."""
        return self._passes.precision

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a pass."""
        return self._passes.autocast()

    def at_size(self, factor: float) -> Passes | None:
        """Not for passes that see several sizes or models already."""
        return None


def scale_sides(sides: tuple[int, int], factor: float, multiple: int | None) -> tuple[int, int] | None:
    """Return `factor` times the sides, in multiples of a number of pixels; None where that gives the same sides.

    Args:
        sides: height and width that a processor resizes to.
        factor: of both.
        multiple: the processor's; None and 1 say nothing of what the model takes, which then is 32.
    """
    unit = multiple if multiple is not None and multiple > 1 else 32
    height, width = (max(1, round(side * factor / unit)) * unit for side in sides)
    return None if (height, width) == sides else (height, width)
