# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several models over one stream of images: each image is read once, and its batch goes through all of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .batching import FetchResults
from .confidence_passes import mirror
from .passes import Passes, SeveralPasses
from .prediction import flip_mean


if TYPE_CHECKING:
    from .predictor import DepthPredictor

# The image alone, where the values are the mean with the mirrored image.
STRAIGHT, MIRRORED = "straight", "mirrored"


class FurtherModel(Protocol):
    """What is asked of a further model: prepare an image, run a batch; see `passes.Passes`."""

    def prepare(self, image: np.ndarray) -> Any:
        """Resize and normalize an image, uint8 (H, W, 3) -> (3, h, w); called in several threads at once."""

    def launch(self, inputs: Sequence[Any], sizes: Sequence[tuple[int, int]], is_retry: bool = False) -> FetchResults:
        """Start a pass over images of one processed size; the result waits and gives float32 (H, W) each."""


def predict_with_others(
    predictor: DepthPredictor, others: Mapping[str, FurtherModel], *, mirrored: bool = False
) -> DepthPredictor:
    """Return a predictor that runs further models on each batch, whose maps are in `Prediction.further`.

    The values stay as they are, bit by bit where batches do: images are batched by the sizes that all models see. An
    image on which one of the models fails has an error. The predictor that is given stays as it is; both share the
    model.

    Args:
        predictor: of the values.
        others: name -> further model, e.g. `predictor.passes` of another predictor.
        mirrored: give the prediction of the mirrored image, mirrored back, as `further["mirrored"]`, too; with flip
            averaging also that of the image alone, as `further["straight"]`.

    Raises:
        ValueError: a predictor with confidence.
    """
    if predictor.confidence:
        raise ValueError("expected a predictor without confidence, which has passes of its own; leave confidence out")
    several = copy.copy(predictor)
    several._passes = _WithOthers(predictor.passes, dict(others), mirrored, predictor.flip_averaging)
    return several


@dataclass(frozen=True)
class _Input:
    """An image as each model sees it, (3, h, w) each."""

    values: Any
    others: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """What all images of a batch have in common."""
        return tuple(side for each in (self.values, *self.others) for side in each.shape)


class _WithOthers(SeveralPasses):
    """The passes of a predictor, and those of further models."""

    def __init__(self, passes: Passes, others: dict[str, FurtherModel], mirrored: bool, flip_averaging: bool) -> None:
        # With the mirrored map, the mean is made here of two single passes.
        super().__init__(passes.without_flip_averaging() if mirrored else passes)
        self._others = others
        self._mirrored = mirrored
        self._flip_averaging = flip_averaging

    def without_flip_averaging(self) -> _WithOthers:
        return _WithOthers(self._passes.without_flip_averaging(), self._others, self._mirrored, False)

    def prepare(self, image: np.ndarray) -> _Input:
        return _Input(self._passes.prepare(image), tuple(each.prepare(image) for each in self._others.values()))

    def launch(
        self, inputs: Sequence[_Input], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        images = [one.values for one in inputs]
        straight = self._passes.launch(images, sizes, is_retry)
        backward = self._passes.launch([mirror(one) for one in images], sizes, is_retry) if self._mirrored else None
        further = {
            name: model.launch([one.others[number] for one in inputs], sizes, is_retry)
            for number, (name, model) in enumerate(self._others.items())
        }

        def fetch() -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
            values = list(straight())
            maps = {name: list(fetch_others()) for name, fetch_others in further.items()}
            if backward is not None:
                maps[MIRRORED] = [np.ascontiguousarray(one[:, ::-1]) for one in backward()]
            if backward is not None and self._flip_averaging:
                # The maps of single passes disagree, their mean does not.
                maps[STRAIGHT] = values
                pairs = zip(values, maps[MIRRORED], strict=True)
                values = [flip_mean(one, other, self.prediction_kind) for one, other in pairs]
            return [
                (one, {name: several[number] for name, several in maps.items()}) for number, one in enumerate(values)
            ]

        return fetch
