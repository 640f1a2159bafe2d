# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Forward passes over many parts of one picture: cut ahead in threads, in batches, by any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from ...geometry.disparity import PredictionKind
from ...utils.map_ahead import map_ahead
from ..batching import BatchScheduler, FetchResults, PendingImage


CUTTING_THREADS = 4
# Name of a part, and what cuts it: uint8 (h, w, 3).
Part = tuple[str, Callable[[], np.ndarray]]


class PartPredictor(Protocol):
    """What parts need of a predictor."""

    model: Any
    batch_size: int
    prediction_kind: PredictionKind
    _passes: Any
    _runs_ahead: bool

    @property
    def input_size(self) -> int | None:
        """Side that images are resized to; None if they keep their size."""

    def predict(self, image: Any) -> np.ndarray:
        """Predict one image at its own size."""

    def _launch(
        self, inputs: Sequence[Any], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults: ...


def predict_parts(predictor: PartPredictor, parts: Iterable[Part]) -> Iterator[np.ndarray]:
    """Predict parts in batches of the predictor's size; those of one processed size share a pass.

    Args:
        predictor: whose passes run.
        parts: pictures that are cut when they are needed, a bounded number ahead.

    Yields:
        float32 (h, w) each, in order, at the size that the model saw: pixel centres of a part and of its map agree by
            `(place + 0.5) / size`.

    Raises:
        RuntimeError: a part cannot be predicted; the message says which, and why.
    """
    predictor.model.eval()
    scheduler = BatchScheduler(
        predictor._launch,
        batch_size=predictor.batch_size,
        window=2 * predictor.batch_size,
        runs_ahead=predictor._runs_ahead,
    )

    def prepare(part: Part) -> PendingImage:
        name, cut = part
        pixel_values = predictor._passes.prepare(cut())
        height, width = pixel_values.shape[-2:]
        return PendingImage(name, (int(height), int(width)), pixel_values)

    def take() -> Iterator[np.ndarray]:
        for prediction in scheduler.take_finished():
            if prediction.values is None:
                raise RuntimeError(f"{prediction.name} cannot be predicted: {prediction.error}")
            yield prediction.values

    with ThreadPoolExecutor(CUTTING_THREADS, thread_name_prefix="cut") as pool:
        for item in map_ahead(pool, prepare, parts, predictor.batch_size + 1):
            scheduler.add(item)
            yield from take()
    scheduler.run_all()
    yield from take()
