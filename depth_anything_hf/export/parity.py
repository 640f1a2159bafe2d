# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The exported file, run in its engine, against the model: differences, time, memory, and whether sizes are free."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch

from ..models.image_processing_depth_anything import upsample_bilinear
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..models.outputs import DepthAnythingOutput
from ..utils.redaction import redact_text
from .formats import Runner
from .graph import own_grid
from .inputs import SMALLEST_GRID


# Largest difference of a float32 file to the model, as a share of the range of the model's map.
FLOAT32_BOUND = 2e-5
# With preprocessing in the file: rounding to bytes after resizing may fall otherwise, by one grey level.
PREPROCESSING_BOUND = 2e-3
TIMED_RUNS = 3


@dataclass(frozen=True)
class SizeParity:
    """One size of images.

    Attributes:
        name: "square", "portrait", "landscape", "batch of 3" or "native".
        shape: of the images, (B, 3, H, W).
        largest: difference to the model as a share of the range of its map; infinite where the shape is another one
            or values are not finite, None where the file could not be run.
        mean: likewise.
        error: why it could not be run.
    """

    name: str
    shape: tuple[int, ...]
    largest: float | None
    mean: float | None
    error: str | None = None


@dataclass(frozen=True)
class Parity:
    """All sizes, and cost at the native one.

    Attributes:
        sizes: one after the other.
        milliseconds: of the file at the native size, the median of several calls.
        model_milliseconds: of the model in float32 in turns with it.
        threads: of both.
        memory_mib: by which the process grew from before the file was opened until all sizes had run.
        bound: largest difference of a float32 file that is not refused.
    """

    sizes: tuple[SizeParity, ...]
    milliseconds: float | None
    model_milliseconds: float
    threads: int
    memory_mib: float
    bound: float = FLOAT32_BOUND

    @property
    def largest(self) -> float:
        """Largest difference of all sizes; infinite where one could not be run."""
        return max(math.inf if each.largest is None else each.largest for each in self.sizes)

    @property
    def mean(self) -> float:
        """Largest mean difference of all sizes; infinite where one could not be run."""
        return max(math.inf if each.mean is None else each.mean for each in self.sizes)

    def refusal(self, precision: str) -> str | None:
        """Say why the file should not be used; None where it may."""
        failed = [each for each in self.sizes if each.largest is None]
        if failed:
            names = ", ".join(f"{each.name} {_by(each.shape)}" for each in failed)
            return f"it does not run at every size: {names} ({failed[0].error})"
        wrong = [each for each in self.sizes if each.largest == math.inf]
        if wrong:
            names = ", ".join(f"{each.name} {_by(each.shape)}" for each in wrong)
            return f"its maps have another shape than the model's, or values that are not finite: {names}"
        if precision == "float32" and self.largest > self.bound:
            return (
                f"it differs from the model by up to {self.largest:.1e} of the range, more than float32 explains "
                f"({self.bound:.0e})"
            )
        return None


def unseen_sizes(model: DepthAnythingForDepthEstimation, size: tuple[int, int] | None) -> dict[str, tuple[int, ...]]:
    """Return five shapes of images, none of them the one that is traced; with a fixed size, three batches of it."""
    if size is not None:
        return {f"batch of {batch}": (batch, 3, *size) for batch in (1, 3, 4)}
    own = own_grid(model)
    grids = {
        "square": (1, own * 3 // 4, own * 3 // 4),
        "portrait": (1, own, own * 2 // 3),
        "landscape": (1, own * 2 // 3, own + 1),
        "batch of 3": (3, own // 2 + 1, own // 2 + 2),
        "native": (1, own, own),
    }
    grids = {
        name: (batch, max(SMALLEST_GRID, rows), max(SMALLEST_GRID, columns))
        for name, (batch, rows, columns) in grids.items()
    }
    patch = model.patch_size
    return {name: (batch, 3, patch * rows, patch * columns) for name, (batch, rows, columns) in grids.items()}


def unseen_image_sizes(processor: Any) -> dict[str, tuple[int, ...]]:
    """Return five shapes of images before preprocessing, larger and smaller than what it makes of them."""
    height, width = int(processor.size["height"]), int(processor.size["width"])
    sides = {
        "square": (1, height * 5 // 4, width * 5 // 4),
        "portrait": (1, height * 3 // 2 + 1, width),
        "landscape": (1, height - 3, width * 7 // 4),
        "batch of 3": (3, height * 2 // 3, width * 3 // 4),
        "native": (1, height, width),
    }
    return {name: (*each, 3) for name, each in sides.items()}


def compare(
    open_runner: Callable[[], Runner],
    model: DepthAnythingForDepthEstimation,
    size: tuple[int, int] | None,
    processor: Any = None,
) -> tuple[Runner, Parity]:
    """Run a file at sizes that were not used for its export, in turns with the model.

    Args:
        open_runner: opens the file.
        model: in float32 and evaluation mode.
        size: height and width that the file is fixed to; None: they are free.
        processor: whose steps are in the file, so that it is compared with processor and model; None: they are not.

    Returns:
        The opened file, and what was found.
    """
    process = psutil.Process()
    shapes = unseen_sizes(model, size) if processor is None else unseen_image_sizes(processor)
    timed_case = -1 if size is None or processor is not None else 0

    def images_of(shape: tuple[int, ...]) -> np.ndarray:
        return _pixel_values(shape) if processor is None else _bytes(shape)

    def expected_of(images: np.ndarray) -> np.ndarray:
        return predict(model, images) if processor is None else _predict_images(model, processor, images)

    before = process.memory_info().rss
    runner = open_runner()
    predictions: dict[str, np.ndarray | Exception] = {}
    peak = 0
    for name, shape in shapes.items():
        try:
            predictions[name] = runner(images_of(shape))
        except Exception as error:
            # Engines raise what they like at a size that they do not take; the report says so.
            predictions[name] = error
        peak = max(peak, process.memory_info().rss)
    results = tuple(
        _difference(name, shape, predictions[name], expected_of(images_of(shape))) for name, shape in shapes.items()
    )
    timed = images_of(list(shapes.values())[timed_case])
    runs_at_it = results[timed_case].largest is not None
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(TIMED_RUNS):
        if runs_at_it:
            theirs.append(_milliseconds(lambda: runner(timed)))
        ours.append(_milliseconds(lambda: expected_of(timed)))
    return runner, Parity(
        sizes=results,
        milliseconds=statistics.median(theirs) if theirs else None,
        model_milliseconds=statistics.median(ours),
        threads=torch.get_num_threads(),
        memory_mib=(peak - before) / 2**20,
        bound=FLOAT32_BOUND if processor is None else PREPROCESSING_BOUND,
    )


def _pixel_values(shape: tuple[int, ...]) -> np.ndarray:
    """Normalized images with structure of all sizes, the same at every call."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.randn(*shape[:2], 6, 6, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="bilinear", align_corners=True)
    images: np.ndarray = (smooth + 0.2 * torch.randn(shape, generator=random)).numpy()
    return images


def _bytes(shape: tuple[int, ...]) -> np.ndarray:
    """The same as bytes (B, H, W, 3)."""
    batch, height, width, channels = shape
    values = np.moveaxis(_pixel_values((batch, channels, height, width)), 1, -1)
    images: np.ndarray = np.ascontiguousarray(np.clip(values * 50 + 128, 0, 255).astype(np.uint8))
    return images


@torch.inference_mode()
def predict(model: Any, images: np.ndarray) -> np.ndarray:
    """Run a model of PyTorch: (B, 3, H, W) -> (B, H, W)."""
    predicted: np.ndarray = model(torch.from_numpy(images)).predicted_depth.numpy()
    return predicted


@torch.inference_mode()
def _predict_images(model: Any, processor: Any, images: np.ndarray) -> np.ndarray:
    """Predict as the processor and the model do, at the images' own size."""
    inputs = processor(images=list(images), input_data_format="channels_last", return_tensors="pt")
    maps: Any = model(inputs["pixel_values"]).predicted_depth
    size = (images.shape[1], images.shape[2])
    if processor.upsampling == "bicubic":
        sizes = [size] * len(images)
        resized = processor.post_process_depth_estimation(DepthAnythingOutput(predicted_depth=maps), sizes)
        maps = [each["predicted_depth"] for each in resized]
    else:
        maps = [upsample_bilinear(one, size) for one in maps]
    return np.stack([one.numpy() for one in maps])


def _difference(
    name: str, shape: tuple[int, ...], predicted: np.ndarray | Exception, expected: np.ndarray
) -> SizeParity:
    if isinstance(predicted, Exception):
        lines = str(predicted).strip().splitlines() or [type(predicted).__name__]
        return SizeParity(name, shape, None, None, redact_text(lines[0]))
    if predicted.shape != expected.shape or not np.isfinite(predicted).all():
        return SizeParity(name, shape, math.inf, math.inf)
    difference = np.abs(predicted.astype(np.float64) - expected)
    spread = float(np.ptp(expected))
    if spread == 0:
        # A map of one value, as of a model whose last ReLU cuts everything off, has no range to be a share of.
        spread = 1.0
    return SizeParity(name, shape, float(difference.max() / spread), float(difference.mean() / spread))


def _milliseconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _by(shape: tuple[int, ...]) -> str:
    """Batch, height and width; no side of the images here is 3."""
    return "x".join(map(str, [shape[0], *(side for side in shape[1:] if side != 3)]))
