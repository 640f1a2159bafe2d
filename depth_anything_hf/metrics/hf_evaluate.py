# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The depth metrics as a metric of the Hugging Face library `evaluate`, without network."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..geometry.disparity import PredictionKind
from .depth import aligned_depth_metrics, check_alignment
from .ordinal import ordinal_accuracy
from .table import DEPTH_METRICS, Alignment


def DepthMetric(
    *,
    alignment: Alignment = "disparity",
    prediction_kind: PredictionKind = "disparity",
    min_depth: float = 1e-3,
    max_depth: float = 80.0,
    min_valid_pixels: int = 10,
    **module_options: Any,
) -> Any:
    """Make a metric of the `evaluate` library: `add_batch(predictions=..., references=...)`, then `compute()`.

    Each image is scored when it is added and only its numbers are kept, so that a run over a large dataset needs no
    memory for maps, and maps may differ in size. A reference is depth in metres, (H, W), NaN = invalid; pixels outside
    `[min_depth, max_depth]` do not count. A prediction has its reference's size.

    Args:
        alignment: see `align_prediction`.
        prediction_kind: "disparity" (larger = nearer, any scale and shift) or "depth".
        min_depth: metres.
        max_depth: metres.
        min_valid_pixels: an image with fewer valid reference pixels gets no numbers, as in `evaluation.evaluate`.
        module_options: of `evaluate.Metric`, such as `cache_dir`, `num_process`, `process_id`, `experiment_id`.

    Returns:
        An `evaluate.Metric`. `compute()` gives the mean over the images for each name in `DEPTH_METRICS`,
        `ordinal_accuracy` and `clamped_share`, where images without a number are ignored, then the counts `images`
        and `images_with_too_few_pixels`.

    Raises:
        ImportError: if `evaluate` is not installed.
        ValueError: if the alignment, the range or `min_valid_pixels` does not fit; from `add_batch`, with the image's
            number, if an image cannot be scored; from `compute`, if none was added.
    """
    try:
        import datasets

        # By its name as text: examples/evaluate.py would be another module of this name for a type checker.
        evaluate: Any = importlib.import_module("evaluate")
    except ImportError as error:
        raise ImportError(
            "DepthMetric needs the evaluate library: pip install 'depth_anything_hf[evaluate]'"
        ) from error
    check_alignment(alignment, prediction_kind)
    if not 0 < min_depth < max_depth < float("inf"):
        raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {min_depth} and {max_depth}.")
    if min_valid_pixels < 1:
        raise ValueError(f"min_valid_pixels must be at least 1, got {min_valid_pixels}.")
    columns = (*DEPTH_METRICS, "ordinal_accuracy", "clamped_share", "valid_pixels")

    def scores(prediction: np.ndarray, depth: np.ndarray) -> dict[str, float]:
        mask = (depth >= min_depth) & (depth <= max_depth)
        valid_pixels = int(mask.sum())
        mask &= valid_pixels >= min_valid_pixels
        row = aligned_depth_metrics(prediction, depth, mask, alignment, prediction_kind, min_depth, max_depth)
        nearness = prediction if prediction_kind == "disparity" else -prediction
        row["ordinal_accuracy"] = ordinal_accuracy(nearness, depth, mask)
        return {**row, "valid_pixels": float(valid_pixels)}

    def scores_of_image(number: int, prediction: Any, depth: Any) -> dict[str, float]:
        try:
            return scores(np.asarray(prediction, np.float64), np.asarray(depth, np.float64))
        except ValueError as error:
            raise ValueError(f"image {number}: {error}") from error

    # The base class has no types.
    class ImageMeans(evaluate.Metric):  # type: ignore[misc]
        """Mean of each image's scores; what passes through `evaluate`'s files is one row of numbers per image."""

        images_added = 0

        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description="Depth metrics: the mean over images, each aligned to its own label.",
                citation="",
                inputs_description=f"predictions: (H, W) {prediction_kind}; references: (H, W) metres, NaN = invalid.",
                features=datasets.Features({name: datasets.Value("float64") for name in columns}),
            )

        # evaluate appends the description of the inputs to the docstrings of these three.
        def add_batch(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> None:
            """Score images: lists of maps, or arrays (N, H, W)."""
            if len(predictions) != len(references):
                raise ValueError(f"got {len(predictions)} predictions for {len(references)} references.")
            rows = []
            for number, (prediction, depth) in enumerate(zip(predictions, references, strict=True), self.images_added):
                rows.append(scores_of_image(number, prediction, depth))
            if rows:
                super().add_batch(**{name: [row[name] for row in rows] for name in columns})
            self.images_added += len(rows)

        def add(self, *, prediction: Any, reference: Any) -> None:
            """Score one image."""
            self.add_batch(predictions=[prediction], references=[reference])

        def compute(
            self, *, predictions: Sequence[Any] | None = None, references: Sequence[Any] | None = None
        ) -> dict[str, float] | None:
            """Return the means over the images added since the last call and those given; None if not on process 0."""
            if predictions is not None and references is not None:
                self.add_batch(predictions=predictions, references=references)
            elif predictions is not None or references is not None:
                raise ValueError("compute takes both predictions and references, or neither after add_batch.")
            if not self.images_added:
                raise ValueError("no image was added; call add_batch(predictions=..., references=...) first.")
            self.images_added = 0
            means: dict[str, float] | None = super().compute()
            return means

        def _compute(self, **rows: Sequence[float]) -> dict[str, float]:
            means = {name: _mean_of_numbers(rows[name]) for name in columns if name != "valid_pixels"}
            valid_pixels = np.asarray(rows["valid_pixels"])
            too_few = int((valid_pixels < min_valid_pixels).sum())
            return {**means, "images": valid_pixels.size, "images_with_too_few_pixels": too_few}

    return ImageMeans(**module_options)


def _mean_of_numbers(values: Sequence[float]) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    return float(np.mean(numbers)) if numbers.size else float("nan")
