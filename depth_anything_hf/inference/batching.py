# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scheduling of forward passes: images of one processed size are batched, results keep the order of the input."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..data.decoding.errors import UnreadableImageError
from ..geometry.disparity import PredictionKind
from ..geometry.intrinsics import CameraIntrinsics
from .prediction import Prediction, check_finite


logger = logging.getLogger(__name__)

# Float32 (H, W), or with the confidence of each pixel, (H, W) too, or with the maps of further models by their names.
Predicted: TypeAlias = "np.ndarray | tuple[np.ndarray, np.ndarray | Mapping[str, np.ndarray]]"
# Waits for a forward pass and returns what it gives for each of its images.
FetchResults: TypeAlias = Callable[[], Sequence[Any]]


class Launch(Protocol):
    """Start a forward pass; what it returns waits for the results."""

    def __call__(
        self, inputs: Sequence[Any], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Start the pass."""


@dataclass
class PendingImage:
    """An image on its way through the predictor: prepared, then predicted."""

    name: str
    image_size: tuple[int, int] | None = None
    pixel_values: Any = None  # (3, h, w), normalized, tensor or array; None once a pass has it
    prediction: Prediction | None = None
    intrinsics: CameraIntrinsics | None = None


class BatchScheduler:
    """Batches one stream of images by their processed size; a batch that fails is retried image by image.

    Args:
        launch: starts a forward pass over inputs (3, h, w) for image sizes, told whether it retries an image of a
            failed batch.
        batch_size: images per forward pass.
        window: images that may wait for others of their size; when so many are open, the oldest one's batch runs
            although it is not full.
        runs_ahead: fetch the results of a pass only after the next one was launched.
        prediction_kind: of the results; None leaves it out.
    """

    def __init__(
        self,
        launch: Launch,
        *,
        batch_size: int,
        window: int,
        runs_ahead: bool,
        prediction_kind: PredictionKind | None = None,
    ) -> None:
        self._launch = launch
        self._kind = prediction_kind
        self._batch_size = batch_size
        self._window = window
        self._runs_ahead = runs_ahead
        self._in_order: deque[PendingImage] = deque()
        self._by_size: dict[tuple[int, ...], list[PendingImage]] = {}
        self._under_way: tuple[list[PendingImage], list[Any], FetchResults] | None = None

    def add(self, item: PendingImage) -> None:
        """Queue an image, and launch the batch that it fills or for which the window has become too full."""
        self._in_order.append(item)
        if item.pixel_values is not None:
            size = tuple(item.pixel_values.shape)
            group = self._by_size.setdefault(size, [])
            group.append(item)
            if len(group) == self._batch_size:
                self._run(self._by_size.pop(size))
        while len(self._in_order) >= self._window and self._in_order[0].prediction is None:
            oldest = self._in_order[0].pixel_values
            if oldest is None:
                self._finish()
            else:
                self._run(self._by_size.pop(tuple(oldest.shape)))

    def run_all(self) -> None:
        """Run every batch, full or not, and wait for all results."""
        while self._by_size:
            self._run(self._by_size.pop(next(iter(self._by_size))))
        self._finish()

    def take_finished(self) -> Iterator[Prediction]:
        """Yield what is predicted, in the order of the input, up to the first image that is not."""
        while self._in_order:
            prediction = self._in_order[0].prediction
            if prediction is None:
                return
            self._in_order.popleft()
            yield prediction

    def _run(self, group: list[PendingImage], *, is_retry: bool = False) -> None:
        """Predict images of one processed size; when it returns, the pass may still be under way."""
        inputs = [item.pixel_values for item in group if item.pixel_values is not None]
        for item in group:
            item.pixel_values = None
        try:
            fetch: FetchResults | None = self._launch(inputs, _sizes(group), is_retry)
        except Exception as error:
            # Out of memory, most often. The retry stands outside so that the failed pass's tensors are freed first.
            fetch, reason = None, explain_error(error)
        if fetch is None:
            self._finish()
            self._retry(group, inputs, reason)
            return
        earlier, self._under_way = self._under_way, (group, inputs, fetch)
        if earlier is not None:
            self._take(*earlier)
        if not self._runs_ahead:
            self._finish()

    def _finish(self) -> None:
        """Wait for the pass that is under way, if there is one."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            self._take(*under_way)

    def _take(self, group: list[PendingImage], inputs: list[Any], fetch: FetchResults) -> None:
        try:
            predicted: Sequence[Predicted] | None = fetch()
        except Exception as error:
            predicted, reason = None, explain_error(error)
        if predicted is None:
            self._retry(group, inputs, reason)
            return
        for item, values in zip(group, predicted, strict=True):
            item.prediction = self._check(item, values)

    def _check(self, item: PendingImage, predicted: Predicted) -> Prediction:
        values, beside = predicted if isinstance(predicted, tuple) else (predicted, {})
        further, confidence = (beside, None) if isinstance(beside, Mapping) else ({}, beside)
        try:
            check_finite(values)
            for name, one in further.items():
                check_finite(one, f"the further model {name!r}")
        except ValueError as error:
            return Prediction(item.name, error=str(error), image_size=item.image_size)
        return Prediction(
            item.name,
            values,
            image_size=item.image_size,
            kind=self._kind,
            intrinsics=item.intrinsics,
            confidence=confidence,
            further=further,
        )

    def _retry(self, group: list[PendingImage], inputs: list[Any], reason: str) -> None:
        if len(group) == 1:
            name, size = group[0].name, group[0].image_size
            group[0].prediction = Prediction(name, error=reason, image_size=size, failed_in_model=True)
            return
        logger.warning("a batch of %d images failed, trying them one by one: %s", len(group), reason)
        for item, pixel_values in zip(group, inputs, strict=True):
            item.pixel_values = pixel_values
            self._run([item], is_retry=True)
        self._finish()


def explain_error(error: Exception) -> str:
    """Return an error's text, led by its type unless it names the file itself."""
    names_the_file = isinstance(error, UnreadableImageError | FileNotFoundError)
    return str(error) if names_the_file else f"{type(error).__name__}: {error}"


def _sizes(group: Sequence[PendingImage]) -> list[tuple[int, int]]:
    return [item.image_size for item in group if item.image_size is not None]
