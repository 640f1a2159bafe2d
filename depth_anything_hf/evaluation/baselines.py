# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Baselines: predictors that ignore the image or use only its colours, which a model must beat.

Scenes have a strong prior (the floor is near, the sky is far), so that a plane that rises with the row can score well.
Every baseline is fitted on training samples, and its output is a disparity map to be scored like a model's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np

from ..geometry.disparity import depth_to_disparity
from ..inference.prediction import Prediction


DEFAULT_GRID = (56, 56)


class Constant:
    """Constant map: the training labels' mean. It scores 0.5 in ordinal accuracy."""

    name = "constant"

    def __init__(self) -> None:
        self._value: float | None = None

    def fit(self, samples: Iterable[dict[str, Any]]) -> Constant:
        """Learn the mean of the normalized disparity; see `MeanDisparityMap.fit`."""
        self._value = float(mean_disparity_map(samples, DEFAULT_GRID).mean())
        return self

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """image: uint8 (H, W, 3), of which only the size is used. Returns float32 (H, W)."""
        return np.full(image.shape[:2], _require_fitted(self._value, self.name), dtype=np.float32)


class Rows:
    """Plane that depends on the row only: the least-squares line through the mean disparity of each row."""

    name = "rows"

    def __init__(self) -> None:
        self._line: np.ndarray | None = None  # (intercept, slope per image height)

    def fit(self, samples: Iterable[dict[str, Any]]) -> Rows:
        """Learn intercept and slope; see `MeanDisparityMap.fit`."""
        row_means = mean_disparity_map(samples, DEFAULT_GRID).mean(axis=1)
        self._line = np.polynomial.polynomial.polyfit(_pixel_centres(row_means.size), row_means, deg=1)
        return self

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """image: uint8 (H, W, 3), of which only the size is used. Returns float32 (H, W)."""
        intercept, slope = _require_fitted(self._line, self.name)
        height, width = image.shape[:2]
        rows = (intercept + slope * _pixel_centres(height)).astype(np.float32)
        return np.repeat(rows[:, None], width, axis=1)


class MeanDisparityMap:
    """Mean of the training labels at each position: all that can be known without an image."""

    name = "mean map"

    def __init__(self, grid: tuple[int, int] = DEFAULT_GRID) -> None:
        """grid: (height, width) of the stored map; images of any size and aspect are stretched onto it."""
        self._grid = grid
        self._map: np.ndarray | None = None

    def fit(self, samples: Iterable[dict[str, Any]]) -> MeanDisparityMap:
        """Learn the map.

        Args:
            samples: dicts with one of "depth" and "disparity", float (H, W), NaN = invalid. Each label is brought to
                disparity in [0, 1] by its own minimum and maximum, so that images count alike whatever their unit.

        Raises:
            ValueError: if no sample has a label with two different valid values.
        """
        self._map = mean_disparity_map(samples, self._grid)
        return self

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """image: uint8 (H, W, 3), of which only the size is used. Returns float32 (H, W)."""
        return _resize(_require_fitted(self._map, self.name), image.shape[:2]).astype(np.float32)


class ColourRegression:
    """Ridge regression from colour and position to disparity, pixel by pixel: sees haze and sky, but no shapes.

    Features of a pixel: the colour in a box around it and its squares and products, its own colour, x, y, x^2, y^2,
    xy and the mean disparity map. They are computed on a fixed grid onto which every image is resized, so that the box
    covers the same part of an image of any size.

    Args:
        grid: (height, width) at which features are computed.
        box: side of the averaging box in grid pixels.
        pixels_per_image: random pixels of each training image that enter the fit.
        ridge: penalty on the weights of the standardised features, in units of the features' variance.
        seed: of the generator that draws the pixels.
    """

    name = "colour regression"

    def __init__(
        self,
        grid: tuple[int, int] = (112, 112),
        box: int = 9,
        pixels_per_image: int = 256,
        ridge: float = 1e-4,
        seed: int = 0,
    ) -> None:
        self._grid = grid
        self._box = box
        self._pixels_per_image = pixels_per_image
        self._ridge = ridge
        self._seed = seed
        self._mean_map: np.ndarray | None = None
        self._weights: np.ndarray | None = None  # one per feature, then the intercept

    def fit(self, samples: Iterable[dict[str, Any]]) -> ColourRegression:
        """Learn the weights in one pass over the samples; needs about 0.5 kB of memory per drawn pixel.

        Args:
            samples: as for `MeanDisparityMap.fit`, each with "image", uint8 (H, W, 3).

        Raises:
            ValueError: if no sample has a label with two different valid values.
        """
        random = np.random.default_rng(self._seed)
        mean = _RunningMeanMap(DEFAULT_GRID)
        features, targets, positions = [], [], []
        for sample in samples:
            disparity = normalize_disparity(sample)
            if disparity is None:
                continue
            mean.add(disparity)
            label, valid_share = _resize_valid(disparity, self._grid)
            candidates = np.flatnonzero(valid_share > 0)
            chosen = random.choice(candidates, min(self._pixels_per_image, candidates.size), replace=False)
            features.append(self._image_features(sample["image"])[chosen])
            targets.append(label.ravel()[chosen])
            positions.append(chosen)
        self._mean_map = mean.result()
        prior = _resize(self._mean_map, self._grid).ravel()[np.concatenate(positions)]
        table = np.column_stack([np.concatenate(features), prior]).astype(np.float64)
        self._weights = _ridge_regression(table, np.concatenate(targets), self._ridge)
        return self

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """image: uint8 (H, W, 3). Returns float32 (H, W), computed on the grid and resized."""
        weights = _require_fitted(self._weights, self.name)
        prior = _resize(_require_fitted(self._mean_map, self.name), self._grid).reshape(-1, 1)
        table = np.concatenate([self._image_features(image), prior], axis=1)
        disparity = (table @ weights[:-1] + weights[-1]).reshape(self._grid)
        return _resize(disparity, image.shape[:2]).astype(np.float32)

    def _image_features(self, image: np.ndarray) -> np.ndarray:
        """(pixels of the grid, 17) float32."""
        colour = _resize(image.astype(np.float32) / 255.0, self._grid)
        blurred = cv2.blur(colour, (self._box, self._box), borderType=cv2.BORDER_REFLECT)
        red, green, blue = np.moveaxis(blurred, -1, 0)
        products = np.stack([red * red, green * green, blue * blue, red * green, red * blue, green * blue], axis=-1)
        y, x = np.meshgrid(*(_pixel_centres(size).astype(np.float32) for size in self._grid), indexing="ij")
        place = np.stack([x, y, x * x, y * y, x * y], axis=-1)
        return np.concatenate([blurred, products, colour, place], axis=-1).reshape(x.size, -1)


def as_predictor(
    predict_image: Callable[[np.ndarray], np.ndarray],
) -> Callable[[Iterable[tuple[str, np.ndarray]]], Iterator[Prediction]]:
    """Make a function of one image, such as a fitted baseline, a predictor for `evaluate`.

    Maps that exist already, such as those of `shuffle_predictions`, are replayed in dataset order by
    `remaining = iter(maps)` and `as_predictor(lambda image: next(remaining))`.

    Args:
        predict_image: uint8 (H, W, 3) -> float (H, W).

    Returns:
        A function of `(name, image)` pairs that yields one prediction per pair, in order.
    """

    def predict(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for name, image in images:
            yield Prediction(name, predict_image(image), None, image.shape[:2])

    return predict


def shuffle_predictions(maps: Sequence[np.ndarray], shift: int = 1) -> list[np.ndarray]:
    """Give every image the prediction of another one: what is left of a model's score is due to the prior alone.

    Args:
        maps: predictions in dataset order, each (H, W).
        shift: image `i` gets the prediction of image `i + shift`, cyclically. With several views per scene in a row,
            use at least that many.

    Returns:
        One map per image, resized to the size of the map that it replaces.

    Raises:
        ValueError: if an image would get its own prediction.
    """
    if not maps or shift % len(maps) == 0:
        raise ValueError(f"shift={shift} gives each of {len(maps)} images its own prediction; use another shift.")
    others = [maps[(index + shift) % len(maps)] for index in range(len(maps))]
    return [_resize(other, own.shape).astype(own.dtype) for own, other in zip(maps, others, strict=True)]


def normalize_disparity(sample: dict[str, Any]) -> np.ndarray | None:
    """Return the sample's label as disparity in [0, 1], 1 = nearest.

    Args:
        sample: holds "depth" (NaN invalid, `+inf` sky) or "disparity".

    Returns:
        (H, W) float64, NaN = invalid; None if the valid pixels do not have two different values.

    Raises:
        ValueError: if the sample has no label.
    """
    if sample.get("depth") is not None:
        disparity = depth_to_disparity(np.asarray(sample["depth"], dtype=np.float64))
    elif sample.get("disparity") is not None:
        disparity = np.asarray(sample["disparity"], dtype=np.float64)
    else:
        raise ValueError(
            f"{sample.get('name')}: expected a sample with 'depth' or 'disparity' to fit a baseline, got neither."
        )
    valid = disparity[np.isfinite(disparity)]
    if valid.size == 0 or valid.min() == valid.max():
        return None
    normalized: np.ndarray = (disparity - valid.min()) / (valid.max() - valid.min())
    return normalized


def mean_disparity_map(samples: Iterable[dict[str, Any]], grid: tuple[int, int]) -> np.ndarray:
    """Return the mean of `normalize_disparity` at each position of a grid, over the valid pixels of all samples.

    Args:
        samples: with a label each.
        grid: (height, width).

    Returns:
        float64 of the grid's size; a cell without any valid pixel holds the mean of the others.

    Raises:
        ValueError: if no sample has a label with two different valid values.
    """
    mean = _RunningMeanMap(grid)
    for sample in samples:
        disparity = normalize_disparity(sample)
        if disparity is not None:
            mean.add(disparity)
    return mean.result()


class _RunningMeanMap:
    def __init__(self, grid: tuple[int, int]) -> None:
        self._sum = np.zeros(grid)
        self._weight = np.zeros(grid)

    def add(self, disparity: np.ndarray) -> None:
        values, valid_share = _resize_valid(disparity, self._sum.shape)
        self._sum += values * valid_share
        self._weight += valid_share

    def result(self) -> np.ndarray:
        seen = self._weight > 0
        if not seen.any():
            raise ValueError("no sample has a label with two different valid values; check the dataset's labels.")
        mean = self._sum[seen] / self._weight[seen]
        filled = np.full(self._sum.shape, mean.mean())
        filled[seen] = mean
        return filled


def _resize_valid(disparity: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the valid pixels in each cell (0 where there is none) and the share that is valid."""
    valid = np.isfinite(disparity)
    valid_share = _resize(valid.astype(np.float64), size)
    total = _resize(np.where(valid, disparity, 0.0), size)
    return np.divide(total, valid_share, out=np.zeros_like(total), where=valid_share > 0), valid_share


def _resize(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resize by area averages when no side grows, else bilinearly; a map of this size is returned as it is."""
    height, width = size
    if values.shape[:2] == (height, width):
        return values
    shrinks = values.shape[0] >= height and values.shape[1] >= width
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _pixel_centres(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count


def _ridge_regression(table: np.ndarray, target: np.ndarray, ridge: float) -> np.ndarray:
    """Return the weights of the raw features, the intercept last; the penalty acts on features of unit variance."""
    mean, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    standard = (table - mean) / spread
    penalty = ridge * len(table) * np.eye(table.shape[1])
    weights = np.linalg.solve(standard.T @ standard + penalty, standard.T @ (target - target.mean())) / spread
    return np.append(weights, target.mean() - weights @ mean)


def _require_fitted(value: Any, name: str) -> Any:
    if value is None:
        raise RuntimeError(f"the baseline {name!r} is not fitted; call fit(samples) first.")
    return value
