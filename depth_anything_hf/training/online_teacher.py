# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A frozen depth model that labels images while a student is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.transforms import IMAGENET_MEAN, IMAGENET_STD
from ..geometry.depth_units import to_metres
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..models.compilation import compile_blocks
from ..models.loading import as_dtype
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation


LabelMaker = Callable[[Tensor], Tensor]


class OnlineTeacher:
    """Any depth model as a source of disparity for images that a transform has already normalized.

    Args:
        model: predicts `predicted_depth` (B, h, w) from `pixel_values`; frozen here, and without what
            `optimize_for_inference` has chosen.
        prediction_kind: "disparity" or "depth", what it predicts; depth is brought to metres and inverted.
        mean, std: the normalization of the channels that the model expects.
        dtype: converts the weights, and computes in this precision whatever the run's is ("float32", "bfloat16",
            "float16" or torch's). None leaves the weights as they are, and a run in mixed precision computes them in
            its own.
        compile: build the model's blocks by `torch.compile` at the first call, which takes seconds where the whole
            model takes minutes; see `compile_blocks`.

    Raises:
        ValueError: an unknown precision.
    """

    def __init__(
        self,
        model: nn.Module,
        prediction_kind: PredictionKind,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        dtype: str | torch.dtype | None = None,
        compile: bool = False,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.prediction_kind = prediction_kind
        self.dtype = as_dtype(dtype)
        if self.dtype is not None:
            self.model.to(self.dtype)
        self._waits_for_compilation = compile
        if isinstance(model, DepthAnythingForDepthEstimation):
            # Precision and compilation are those of the teacher.
            model.optimize_for_inference(enabled=False)
        # Batches are normalized with ImageNet's statistics; this maps them to the teacher's own.
        own_mean, own_std = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
        self.gain = torch.from_numpy(IMAGENET_STD / own_std).view(1, 3, 1, 1)
        self.offset = torch.from_numpy((IMAGENET_MEAN - own_mean) / own_std).view(1, 3, 1, 1)

    def to(self, device: torch.device) -> OnlineTeacher:
        """Move the model and its normalization to a device."""
        self.model.to(device)
        self.gain, self.offset = self.gain.to(device), self.offset.to(device)
        return self

    def __call__(self, pixel_values: Tensor) -> Tensor:
        """Label normalized images (B, 3, H, W) with disparity (B, H, W), float32."""
        if self._waits_for_compilation:
            # What is worth it depends on the device.
            compile_blocks(self.model, pixel_values.device)
            self._waits_for_compilation = False
        images = pixel_values * self.gain + self.offset
        with torch.no_grad(), self._precision(images.device):
            predicted: Tensor = self.model(pixel_values=images.to(self._weights_dtype())).predicted_depth.float()
        if predicted.shape[-2:] != pixel_values.shape[-2:]:
            size = pixel_values.shape[-2:]
            predicted = F.interpolate(predicted[:, None], size=size, mode="bilinear", align_corners=True)[:, 0]
        if self.prediction_kind == "disparity":
            return predicted
        return depth_to_disparity(to_metres(predicted, getattr(self.model, "config", None)))

    def _precision(self, device: torch.device) -> AbstractContextManager[Any]:
        return nullcontext() if self.dtype is None else torch.autocast(device.type, enabled=False)

    def _weights_dtype(self) -> torch.dtype:
        # Quantized ones are integers.
        return next(each.dtype for each in self.model.parameters() if each.is_floating_point())
