# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A model in an engine other than PyTorch, as predictors and records see it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..cpu.memory import stop_keeping_memory
from ..export.formats import Runner


class EngineModel:
    """A model that an engine runs: an exported file, or one that was converted from a checkpoint.

    Args:
        runner: the model in its engine.
        file: path of the exported file; None for a converted checkpoint.
        open_in_torch: opens the checkpoint in PyTorch, for images that the engine does not take; None where there is
            none.
    """

    def __init__(
        self, runner: Runner, *, file: str | None = None, open_in_torch: Callable[[], Any] | None = None
    ) -> None:
        if runner.engine != "torch":
            stop_keeping_memory()
        self.runner = runner
        self.file = file
        self._open_in_torch = open_in_torch
        self._in_torch: Any = None
        metadata = runner.metadata
        is_metric = metadata["prediction_kind"] == "depth"
        # The fields of the model's configuration that decide what its maps mean.
        self.config: Any = SimpleNamespace(
            model_type="depth_anything",
            depth_estimation_type="metric" if is_metric else "relative",
            max_depth=metadata["max_depth"] if is_metric else None,
            depth_unit=(metadata["unit"] if is_metric else None) or "m",
            _commit_hash=metadata.get("model_commit"),
        )

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width that all images must have; None where they are free."""
        size = self.runner.metadata.get("size")
        return None if size is None else (int(size[0]), int(size[1]))

    @property
    def patch_size(self) -> int:
        """Sides of images are multiples of it."""
        return int(self.runner.metadata["patch_size"])

    @property
    def takes_small_images(self) -> bool:
        """Whether images of fewer than three patches a side can be predicted, in PyTorch."""
        return self._open_in_torch is not None

    def eval(self) -> EngineModel:
        """Return the model, which only predicts."""
        return self

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Float32 (B, 3, H, W), normalized -> float32 (B, H, W)."""
        return self.runner(images)

    def predict_in_torch(self, images: np.ndarray) -> np.ndarray:
        """Predict as a call does, by the checkpoint itself."""
        import torch

        if self._in_torch is None:
            assert self._open_in_torch is not None
            self._in_torch = self._open_in_torch()
        with torch.inference_mode():
            pixel_values = torch.from_numpy(images).to(self._in_torch.dtype)
            predicted: np.ndarray = self._in_torch(pixel_values).predicted_depth.float().numpy()
        return predicted
