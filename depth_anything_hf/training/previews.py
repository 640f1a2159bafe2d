# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run: training images beside their predictions, and the pictures of a model card."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.transforms import IMAGENET_MEAN, IMAGENET_STD
from ..evaluation.reports import save_error_sheet
from ..evaluation.results import EvaluationResult
from ..geometry.alignment import fit_scale_and_shift
from ..geometry.depth_units import to_metres
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..inference.predictor import DepthPredictor
from ..models.compilation import force_eager
from ..utils.files import atomic_write
from ..visualization.colour_maps import colour_map, error_map
from ..visualization.encode import encode_png
from ..visualization.figures import sheet, side_by_side
from .distributed import is_sharded
from .engine import Engine
from .objectives import Distillation
from .processes import autocast, print_on_main
from .tracking import MetricLog
from .validation import Evaluation


def predict_and_picture(engine: Engine, batch: dict[str, Any], images: int = 1) -> np.ndarray | None:
    """Predict the first images of a batch and show them beside their labels; every process must call it.

    Where the model is sharded, every process has to take part in a prediction.

    Args:
        engine: its model is in training mode afterwards.
        batch: a micro-batch on the engine's device.
        images: how many rows the picture has at most.

    Returns:
        uint8 (H, W, 3) as from `training_sheet` on the main process, None elsewhere.
    """
    model = engine.raw_model
    shown = {key: value[:images] for key, value in batch.items() if isinstance(value, Tensor)}
    model.eval()
    # So few images are a size that nothing was compiled for.
    with torch.no_grad(), autocast(engine.accelerator), force_eager():
        predictions = model(pixel_values=shown["pixel_values"]).predicted_depth
        labels = labels_of(shown, engine.objective)
        if model.config.depth_estimation_type == "metric":
            predictions = to_metres(predictions, model.config)
    engine.train_mode()
    if not engine.accelerator.is_main_process:
        return None
    kind: PredictionKind = "depth" if model.config.depth_estimation_type == "metric" else "disparity"
    return training_sheet(shown["pixel_values"], predictions, labels, kind)


def show_picture(engine: Engine, batch: dict[str, Any], step: int, log: MetricLog) -> None:
    """Save a picture of a batch's first image as `pictures/step-N.png` beside the log, and give it to the trackers."""
    picture = predict_and_picture(engine, batch)
    if picture is not None:
        path = log.path.parent / "pictures" / f"step-{step}.png"
        atomic_write(path, encode_png(picture), sync=False)
        log.show(step, picture)


def labels_of(batch: dict[str, Any], objective: Callable[..., Any]) -> Tensor | None:
    """Return what a batch is compared with, (B, H, W): the labels of the objective's teacher, stored ones, or None."""
    # A teacher beside the student wins over stored labels, as in `Distillation`.
    objective = inspect.unwrap(objective)
    if isinstance(objective, Distillation) and objective.teacher is not None:
        made: Tensor = objective.teacher(batch.get("clean_pixel_values", batch["pixel_values"]))
        return made
    stored: Tensor | None = batch.get("labels")
    return stored


def training_sheet(
    pixel_values: Tensor, predictions: Tensor, labels: Tensor | None, prediction_kind: PredictionKind
) -> np.ndarray:
    """Return the rows of `training_picture` for several images, as uint8 (H, W, 3) RGB."""
    rows = [
        training_picture(image, prediction, None if labels is None else labels[index], prediction_kind)
        for index, (image, prediction) in enumerate(zip(pixel_values, predictions, strict=True))
    ]
    return sheet([[row] for row in rows])


def training_picture(
    pixel_values: Tensor, prediction: Tensor, label: Tensor | None, prediction_kind: PredictionKind
) -> np.ndarray:
    """Show image, label, prediction and error side by side; without a label, image and prediction.

    Args:
        pixel_values: (3, H, W), normalized by ImageNet's statistics.
        prediction: (H, W).
        label: (H, W), NaN where unknown, or None.
        prediction_kind: "disparity", where the prediction is first fitted to the label by scale and shift; or "depth"
            in metres, compared as it is and coloured by its inverse.

    Returns:
        uint8 (H, W', 3) RGB.
    """
    image = pixel_values.detach().float().cpu().numpy().transpose(1, 2, 0) * IMAGENET_STD + IMAGENET_MEAN
    panels = [np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)]
    predicted = prediction.detach().float().cpu().numpy().astype(np.float64)
    if label is None:
        return side_by_side([*panels, colour_map(_as_disparity(predicted, prediction_kind))])
    truth = label.detach().float().cpu().numpy().astype(np.float64)
    if prediction_kind == "disparity":
        known = np.isfinite(truth) & np.isfinite(predicted)
        scale, shift = fit_scale_and_shift(predicted, truth, known)
        predicted = scale * predicted + shift
    shown = [_as_disparity(each, prediction_kind) for each in (truth, predicted)]
    return side_by_side([*panels, *map(colour_map, shown), error_map(predicted, truth)])


def card_pictures(
    place: Path,
    curve: np.ndarray | None,
    engine: Engine,
    processor: Any,
    evaluation: Evaluation | None,
    result: EvaluationResult | None,
) -> dict[str, Any]:
    """Draw loss curve and predictions for the card of a final model; what fails is left out, with a warning.

    Args:
        place: folder that they are written into.
        curve: picture of the loss, uint8 (H, W, 3), or None.
        engine: its published weights predict; a sharded model gives no predictions.
        processor: the image processor.
        evaluation: the held-out images, or None.
        result: their scores, or None.

    Returns:
        On the main process, paths under the names that `hub.model_card.write_model_card` takes; else empty.
    """
    if not engine.accelerator.is_main_process:
        return {}
    model = engine.published_model
    pictures: dict[str, Any] = {}
    try:
        if curve is not None:
            path = place / "loss.png"
            path.write_bytes(encode_png(curve))
            pictures["loss_curve"] = path
        if evaluation is not None and result is not None and result.rows and not is_sharded(model):
            with force_eager():
                predictor = DepthPredictor(model, processor, batch_size=evaluation.batch_size)
                pictures["picture_sheet"] = save_error_sheet(
                    place / "predictions.jpg", result, evaluation.dataset, predictor
                )
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        print_on_main(engine.accelerator, f"warning: the pictures of the model card could not be made: {reason}")
    return pictures


def _as_disparity(values: np.ndarray, prediction_kind: PredictionKind) -> np.ndarray:
    return depth_to_disparity(values) if prediction_kind == "depth" else values


__all__ = [
    "card_pictures",
    "labels_of",
    "predict_and_picture",
    "show_picture",
    "training_picture",
    "training_sheet",
]
