# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run: training images beside their predictions, and the pictures of a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel

from ..data.transforms import IMAGENET_MEAN, IMAGENET_STD
from ..evaluation.reports import save_error_sheet
from ..evaluation.results import EvaluationResult
from ..geometry.alignment import fit_scale_and_shift
from ..geometry.disparity import depth_to_disparity
from ..inference.predictor import DepthPredictor
from ..visualization.colour_maps import colour_map, error_map
from ..visualization.encode import encode_png
from ..visualization.figures import side_by_side
from .distributed import is_sharded
from .validation import Evaluation


def training_picture(pixel_values: Tensor, prediction: Tensor, label: Tensor | None, kind: str) -> np.ndarray:
    """Image, label, prediction and error side by side; without a label, image and prediction.

    Args:
        pixel_values: (3, H, W), normalised by ImageNet's statistics.
        prediction: (H, W).
        label: (H, W), NaN where unknown, or None.
        kind: "disparity", where the prediction is first fitted to the label by scale and shift; or "depth" in metres,
            compared as it is and coloured by its inverse.

    Returns:
        uint8 (H, W', 3) RGB.
    """
    image = pixel_values.detach().float().cpu().numpy().transpose(1, 2, 0) * IMAGENET_STD + IMAGENET_MEAN
    panels = [np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)]
    predicted = prediction.detach().float().cpu().numpy().astype(np.float64)
    if label is None:
        return side_by_side([*panels, colour_map(_as_disparity(predicted, kind))])
    truth = label.detach().float().cpu().numpy().astype(np.float64)
    if kind == "disparity":
        known = np.isfinite(truth) & np.isfinite(predicted)
        scale, shift = fit_scale_and_shift(predicted, truth, known)
        predicted = scale * predicted + shift
    shown = [_as_disparity(each, kind) for each in (truth, predicted)]
    return side_by_side([*panels, *map(colour_map, shown), error_map(predicted, truth)])


def card_pictures(
    place: Path,
    curve: np.ndarray | None,
    model: PreTrainedModel,
    processor: Any,
    evaluation: Evaluation | None,
    result: EvaluationResult | None,
) -> dict[str, Any]:
    """Loss curve and predictions for the card of a final model.

    Args:
        place: folder that they are written into.
        curve: picture of the loss, uint8 (H, W, 3), or None.
        model, processor: of the predictions; a sharded model gives none.
        evaluation, result: the held-out images and their scores, or None.

    Returns:
        Paths under the names that `hub.write_model_card` takes.
    """
    pictures: dict[str, Any] = {}
    if curve is not None:
        pictures["loss_curve"] = place / "loss.png"
        pictures["loss_curve"].write_bytes(encode_png(curve))
    if evaluation is not None and result is not None and result.rows and not is_sharded(model):
        predictor = DepthPredictor(model, processor, batch_size=evaluation.batch_size)
        sheet = place / "predictions.jpg"
        pictures["picture_sheet"] = save_error_sheet(sheet, result, evaluation.dataset, predictor)
    return pictures


def _as_disparity(values: np.ndarray, kind: str) -> np.ndarray:
    return depth_to_disparity(values) if kind == "depth" else values


__all__ = ["card_pictures", "training_picture"]
