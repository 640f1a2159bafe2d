# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Forward passes of a model in another engine, in NumPy: PyTorch is not imported."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..export.inputs import SMALLEST_GRID
from ..geometry.depth_units import to_metres
from ..geometry.disparity import PredictionKind
from ..utils.option_errors import OptionError
from .batching import FetchResults
from .devices import runs_on_cpu
from .engine_model import EngineModel
from .output_kinds import prediction_kind_of
from .passes import scale_sides
from .prediction import flip_mean
from .upsampling import resize_bilinear


if TYPE_CHECKING:
    import torch


class EnginePasses:
    """The forward passes of an `EngineModel`, on the CPU; arguments are those of `DepthPredictor`."""

    runs_ahead = False

    def __init__(
        self,
        model: EngineModel,
        processor: Any,
        *,
        device: str | int | torch.device | None,
        dtype: str | torch.dtype | None,
        batch_size: int,
        prediction_kind: PredictionKind | None,
        flip_averaging: bool,
        is_compiled: bool,
    ) -> None:
        self.engine = model.runner.engine
        if device is not None and not runs_on_cpu(device):
            raise OptionError(f"{self.engine} runs on the CPU here, got device {str(device)!r}")
        if is_compiled:
            raise OptionError(f"compile is for PyTorch's models, this one runs in {self.engine}; leave compile out")
        self.precision = str(model.runner.metadata["precision"])
        if dtype is not None and str(dtype).removeprefix("torch.") != self.precision:
            raise OptionError(f"the model was made for {self.engine} in {self.precision}, got dtype {dtype}")
        self.prediction_kind = prediction_kind_of(model.config, prediction_kind)
        self._model = model
        self._processor = processor
        self._flip_averaging = flip_averaging

    @property
    def device(self) -> torch.device:
        """Device of the model: the CPU."""
        import torch

        return torch.device("cpu")

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass, which has no effect."""
        return nullcontext()

    def at_size(self, factor: float) -> EnginePasses | None:
        """Return the passes for another size of images; see `passes.Passes`."""
        stored, multiple = self._processor.size, self._processor.ensure_multiple_of
        sides = scale_sides((stored["height"], stored["width"]), factor, multiple)
        if self._model.fixed_size is not None or sides is None:
            return None
        if min(sides) < SMALLEST_GRID * self._model.patch_size and not self._model.takes_small_images:
            return None
        passes = copy.copy(self)
        passes._processor = self._processor.with_size(*sides)
        return passes

    def without_flip_averaging(self) -> EnginePasses:
        """Return the passes whose maps are those of the image alone; the model is shared."""
        passes = copy.copy(self)
        passes._flip_averaging = False
        return passes

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Resize and normalize an image, uint8 (H, W, 3) -> (3, h, w)."""
        return cast(np.ndarray, self._processor.prepare(image))

    def launch(
        self, inputs: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Run a forward pass over images (3, h, w) of one processed size; see `passes.Passes`."""
        images = np.stack(inputs)
        results = self._maps(images, sizes)
        if self._flip_averaging:
            mirrored = self._maps(np.ascontiguousarray(images[..., ::-1]), sizes)
            pairs = zip(results, mirrored, strict=True)
            results = [flip_mean(one, other[:, ::-1], self.prediction_kind) for one, other in pairs]
        return lambda: results

    def _maps(self, images: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[np.ndarray]:
        """(B, 3, h, w) -> disparity or metres, float32 (H, W) each, at the given sizes."""
        smallest = SMALLEST_GRID * self._model.patch_size
        if self._model.fixed_size is not None or min(images.shape[2:]) >= smallest:
            maps = self._model(images)
        elif self._model.takes_small_images:
            maps = self._model.predict_in_torch(images)
        else:
            raise ValueError(
                f"{images.shape[2]} x {images.shape[3]} pixels after resizing, expected at least {smallest} a side in "
                f"{self.engine}"
            )
        if self.prediction_kind == "depth":
            maps = to_metres(maps, self._model.config)
        return [self._resize(one, size) for one, size in zip(maps, sizes, strict=True)]

    def _resize(self, one: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        if self._processor.upsampling != "bicubic":
            return resize_bilinear(one, size)
        import torch

        resized = torch.nn.functional.interpolate(
            torch.from_numpy(one)[None, None], size=size, mode="bicubic", align_corners=False
        )
        on_host: np.ndarray = resized[0, 0].numpy()
        return on_host
