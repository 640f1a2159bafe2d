# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The prediction of one image, values or an error; the mean with the prediction of its mirror image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..geometry.alignment import fit_scale_and_shift
from ..geometry.disparity import PredictionKind
from ..geometry.intrinsics import CameraIntrinsics


@dataclass
class Prediction:
    """The result for one image: values or an error.

    Attributes:
        name: as given.
        values: float32 (H, W) at the image's own size, disparity or metres (`DepthPredictor.prediction_kind`);
            None after an error.
        error: why there are no values; None if there are.
        image_size: (height, width) after the EXIF orientation; None if the image could not be read.
        failed_in_model: whether the forward pass itself failed, most often for lack of memory; a later try may not.
        kind: "disparity" or "depth", what the values are; None after an error.
        intrinsics: the camera, where the image says it by EXIF; None else.
        confidence: float32 (H, W), 0 to 1, how far further passes agree (`confidence.find_confidence`); None unless
            the predictor was made with `confidence=True`.
        further: name -> float32 (H, W), maps of further models (`further_passes.predict_with_others`); mostly empty.
    """

    name: str
    values: np.ndarray | None = None
    error: str | None = None
    image_size: tuple[int, int] | None = None
    failed_in_model: bool = False
    kind: PredictionKind | None = None
    intrinsics: CameraIntrinsics | None = None
    confidence: np.ndarray | None = None
    further: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def unit(self) -> str | None:
        """Unit of the values: "metres" for depth; None for disparity, whose scale and shift are free."""
        return "metres" if self.kind == "depth" else None

    @property
    def mean_confidence(self) -> float | None:
        """Mean of the confidence over all pixels, one number for the image; None without one."""
        return None if self.confidence is None else float(self.confidence.mean(dtype=np.float64))


def flip_mean(straight: np.ndarray, mirrored_back: np.ndarray, prediction_kind: PredictionKind) -> np.ndarray:
    """Return the mean of a prediction and that of the mirrored image, mirrored back.

    Args:
        straight: float32 (H, W).
        mirrored_back: float32 (H, W).
        prediction_kind: "disparity" aligns the second to the scale and shift of the first by least squares, and leaves
            it out where that fit reverses it; "depth" takes both as they are.

    Returns:
        float32 (H, W).
    """
    if prediction_kind == "disparity" and np.isfinite(straight).all() and np.isfinite(mirrored_back).all():
        scale, shift = fit_scale_and_shift(mirrored_back, straight, np.ones(straight.shape, dtype=bool))
        if scale <= 0:
            return straight
        mirrored_back = scale * mirrored_back + shift
    mean: np.ndarray = ((straight + mirrored_back) / 2).astype(np.float32)
    return mean


def check_finite(values: np.ndarray, model: str = "the model") -> None:
    """Raise a ValueError where a prediction of a model has NaN or infinite values."""
    broken = values.size - int(np.isfinite(values).sum())
    if broken:
        raise ValueError(
            f"{model} gave NaN or infinity at {broken} of {values.size} pixels; with float16, try bfloat16 or float32"
        )
