# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a report finds in files that differ from their model, or do not run at every size."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.export.parity import compare, unseen_sizes


class Faulty:
    """The model itself, with a fault."""

    engine, version = "python", "0"

    def __init__(
        self, model: DepthAnythingForDepthEstimation, *, factor: float = 1.0, only: int | None = None
    ) -> None:
        self.metadata: dict[str, Any] = {}
        self._model, self._factor, self._only = model, factor, only

    @torch.no_grad()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        if self._only is not None and images.shape[2] != self._only:
            raise RuntimeError(f"expected height {self._only}\nmore of it")
        predicted: np.ndarray = self._model(torch.from_numpy(images)).predicted_depth.numpy() * self._factor
        return predicted


def test_faults_are_found_and_told(make_tiny_model: Any) -> None:
    model = make_tiny_model().eval()
    _, right = compare(lambda: Faulty(model), model, None)
    assert right.refusal("float32") is None and right.largest == 0 and right.milliseconds is not None
    _, wrong = compare(lambda: Faulty(model, factor=1.01), model, None)
    assert "differs from the model by up to" in (wrong.refusal("float32") or "")
    assert wrong.refusal("bfloat16") is None
    _, endless = compare(lambda: Faulty(model, factor=float("nan")), model, None)
    assert "not finite: square" in (endless.refusal("bfloat16") or "")
    _, fixed = compare(lambda: Faulty(model, only=42), model, None)
    assert "does not run at every size: portrait 1x56x42" in (fixed.refusal("float32") or "")
    assert "(expected height 42)" in (fixed.refusal("float32") or "")


def test_five_sizes_differ_and_one_is_the_own(make_tiny_model: Any) -> None:
    sizes = unseen_sizes(make_tiny_model(), None)
    assert len(set(sizes.values())) == 5 and sizes["native"] == (1, 3, 56, 56)
    assert {shape[0] for shape in unseen_sizes(make_tiny_model(), (28, 42)).values()} == {1, 3, 4}
