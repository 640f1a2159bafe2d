# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Forward passes of a PyTorch model, and how one is opened for prediction."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..geometry.depth_units import to_metres
from ..geometry.disparity import PredictionKind
from ..models.compilation import force_eager
from ..models.loading import as_dtype, dtype_name, load_model, refuse_other_outputs
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.quiet import quiet_transformers
from .batching import FetchResults
from .devices import autocast_dtype, usable_device
from .output_kinds import OWN_POST_PROCESSING, prediction_kind_of
from .passes import scale_sides
from .prediction import flip_mean


class TorchPasses:
    """The forward passes of a model, on its device; arguments are those of `DepthPredictor`."""

    engine = "torch"

    def __init__(
        self,
        model: PreTrainedModel,
        processor: Any,
        *,
        device: str | int | torch.device | None,
        dtype: str | torch.dtype | None,
        batch_size: int,
        prediction_kind: PredictionKind | None,
        flip_averaging: bool,
        is_compiled: bool,
    ) -> None:
        refuse_other_outputs(type(model).__name__, model.config.model_type)
        self.prediction_kind = prediction_kind_of(model.config, prediction_kind)
        self._model = cast(Any, model)
        if device is not None:
            self._model.to(usable_device(device))
        self._processor = processor
        self._batch_size = batch_size
        self._flip_averaging = flip_averaging
        self._autocast_dtype = autocast_dtype(model.dtype, as_dtype(dtype))
        self.is_compiled = is_compiled
        if is_compiled:
            if not isinstance(model, DepthAnythingForDepthEstimation):
                raise ValueError(
                    "compile=True works for this package's DepthAnythingForDepthEstimation only, got "
                    f"{type(model).__name__}; leave compile out"
                )
            model.optimize_for_inference(dtype=model._inference_dtype, compile=True)
        self.runs_ahead = self.device.type == "cuda"

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return torch.device(self._model.device)

    @property
    def precision(self) -> str:
        """Precision of a forward pass: e.g. "float32", "bfloat16", or "bfloat16 autocast"."""
        if self._autocast_dtype is not None:
            return f"{dtype_name(self._autocast_dtype)} autocast"
        return dtype_name(self._model.dtype)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass: autocast if another precision than the model's was requested."""
        if self._autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._autocast_dtype)

    def at_size(self, factor: float) -> TorchPasses | None:
        """Return the passes for another size of images; see `passes.Passes`."""
        size = getattr(self._processor, "size", None)
        height, width = (getattr(size, side, None) for side in ("height", "width"))
        if self._model.config.model_type in OWN_POST_PROCESSING or height is None or width is None:
            return None
        sides = scale_sides((height, width), factor, getattr(self._processor, "ensure_multiple_of", None))
        if sides is None:
            return None
        passes = copy.copy(self)
        passes._processor = copy.copy(self._processor)
        passes._processor.size = type(self._processor)(size={"height": sides[0], "width": sides[1]}).size
        return passes

    def without_flip_averaging(self) -> TorchPasses:
        """Return the passes whose maps are those of the image alone; the model is shared."""
        passes = copy.copy(self)
        passes._flip_averaging = False
        return passes

    def prepare(self, image: np.ndarray) -> Tensor:
        """Resize and normalize an image, uint8 (H, W, 3) -> (3, h, w)."""
        # The layout is stated because a picture 3 pixels high would be taken for channels first.
        processed = self._processor(images=image, input_data_format="channels_last", return_tensors="pt")
        values: Tensor = processed["pixel_values"][0]
        return values

    @torch.inference_mode()
    def launch(
        self, inputs: Sequence[Tensor], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Start a forward pass over images (3, h, w) of one processed size.

        Args:
            inputs: prepared images.
            sizes: (height, width) of each image.
            is_retry: whether a larger batch has failed. A compiled model then runs eagerly, without filling the batch
                up to the size that it was built for, which would fail again.

        Returns:
            A function that waits for the pass and returns float32 (H, W) each, at the given sizes.
        """
        missing = self._batch_size - len(inputs) if self.is_compiled and not is_retry else 0
        pixel_values = torch.stack([*inputs, *[inputs[-1]] * missing])
        # Non-blocking copies need an event to wait for, which only CUDA has here.
        is_cuda = self.device.type == "cuda"
        # An event is recorded on the current device, which need not be the model's.
        on_device = torch.cuda.device(self.device) if is_cuda else nullcontext()
        with on_device, force_eager() if self.is_compiled and is_retry else nullcontext():
            if is_cuda:
                pixel_values = pixel_values.pin_memory()
            pixel_values = pixel_values.to(self.device, self._model.dtype, non_blocking=is_cuda)
            maps = self._maps(pixel_values, sizes)
            mirrored = self._maps(pixel_values.flip(-1), sizes) if self._flip_averaging else []
            on_host = [one.to("cpu", non_blocking=is_cuda) for one in (*maps, *mirrored)]
            # torch does not annotate its events.
            end = torch.cuda.Event() if is_cuda else None  # type: ignore[no-untyped-call]
            if end is not None:
                end.record()

        def values() -> list[np.ndarray]:
            if end is not None:
                end.synchronize()
            arrays = [one.numpy() for one in on_host]
            if not mirrored:
                return arrays
            pairs = zip(arrays[: len(maps)], arrays[len(maps) :], strict=True)
            return [flip_mean(one, other[:, ::-1], self.prediction_kind) for one, other in pairs]

        return values

    def _maps(self, pixel_values: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """(B, 3, h, w) -> disparity or metres, float32 (H, W) each, at the given sizes, which may be fewer than B."""
        with self.autocast():
            output = self._model(pixel_values=pixel_values)
        if self._model.config.model_type in OWN_POST_PROCESSING:
            results = self._processor.post_process_depth_estimation(output, sizes)
            return [result["predicted_depth"].float() for result in results]
        maps = output.predicted_depth.float()[: len(sizes), None]  # (B, 1, h, w)
        if self.prediction_kind == "depth":
            maps = to_metres(maps, self._model.config)
        bicubic = getattr(self._processor, "upsampling", None) == "bicubic"
        return [_resize(one, size, bicubic=bicubic) for one, size in zip(maps, sizes, strict=True)]


def open_for_prediction(
    name: str,
    *,
    device: str | int | torch.device | None,
    dtype: str | torch.dtype | None,
    input_size: int | None,
    options: dict[str, Any],
) -> tuple[PreTrainedModel, Any, torch.device]:
    """Open a checkpoint as `DepthPredictor.from_pretrained` does; return model, processor and the device it is for."""
    quiet_transformers()
    # Before the model is loaded, which may take minutes.
    place = usable_device(device)
    as_dtype(dtype)
    model, processor = load_model(name, dtype=dtype, input_size=input_size, options=options)
    if place.type == "cuda" and isinstance(model, DepthAnythingForDepthEstimation):
        # The decoder's maps are channels last; weights of the same order save a conversion at every pass.
        nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model, processor, place


def _resize(one: Tensor, size: tuple[int, int], *, bicubic: bool) -> Tensor:
    """(1, h, w) -> float32 (H, W), as stock does or as the original does."""
    mode = "bicubic" if bicubic else "bilinear"
    return F.interpolate(one[None], size=size, mode=mode, align_corners=not bicubic)[0, 0]
