# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model on held-out images while it is trained, and which of two scores is the better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from accelerate import Accelerator
from transformers import PreTrainedConfig, PreTrainedModel

from ..evaluation.datasets import LabelledDataset
from ..evaluation.evaluator import check_first_images, evaluate_on_all_processes
from ..evaluation.labelled_items import label_of, labelled_dataset
from ..evaluation.own_metrics import OwnMetric, check_own_metrics
from ..evaluation.results import EvaluationResult
from ..evaluation.settings import EvaluationSettings, settings_for
from ..geometry.depth_units import max_depth_in_metres
from ..inference.predictor import DepthPredictor
from ..metrics.table import METRICS
from ..models.compilation import force_eager
from ..utils.typed_fields import convert_argument, require_ranges
from .description import describe, describe_source
from .distributed import gathered_copy
from .engine import Engine


SHOWN_METRICS = ("delta1", "ordinal_accuracy", "abs_rel", "pair_accuracy")


# Stands for the settings that fit the model, which for a relative one are these; see `Evaluation.fitted_to`.
FITTING = EvaluationSettings()


@dataclass
class Evaluation:
    """A held-out labelled dataset and the protocol it is scored by.

    Attributes:
        dataset: images and labels.
        settings: the protocol; without one a metric model is scored in metres up to its own cap, and a relative one
            after alignment in disparity.
        batch_size: images of one size per forward pass.
        metrics: further metrics, name -> function(prediction, label, valid) -> number; see `own_metrics.OwnMetric`.
    """

    dataset: LabelledDataset
    settings: EvaluationSettings = FITTING
    batch_size: int = 8
    metrics: Mapping[str, OwnMetric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = convert_argument("settings", self.settings, EvaluationSettings)
        self.batch_size = convert_argument("batch_size", self.batch_size, int)
        require_ranges(self, {"[1, inf)": ("batch_size",)})
        self.metrics = check_own_metrics(self.metrics, self.settings)

    def fitted_to(self, config: PreTrainedConfig) -> Evaluation:
        """Return the evaluation with settings that fit the model of this configuration, where none were given."""
        max_depth = max_depth_in_metres(config)
        if self.settings is not FITTING or max_depth is None:
            return self
        return replace(self, settings=settings_for("depth", label_of(self.dataset), max_depth))

    def require_metric(self, name: str, set_name: str = "evaluation") -> None:
        """Raise ValueError if the metric that decides on the best model is not measured on this set."""
        measured = (*self.settings.metrics, *self.metrics)
        if name not in measured:
            raise ValueError(
                f"metric_for_best_model is {name!r}, but the {set_name} only measures "
                f"{', '.join(measured)}; choose one of these"
            )

    def describe(self) -> dict[str, Any]:
        """Return what tells this held-out set from another, as plain values."""
        return {**describe_source(self.dataset), "settings": describe(self.settings.record())}

    def require_scorable_images(self, set_name: str = "evaluation") -> None:
        """Raise ValueError if none of the first images can be scored, before a training and not after it."""
        try:
            check_first_images(self.dataset, self.settings)
        except ValueError as error:
            raise ValueError(f"{set_name}: {error}") from error


def as_evaluation(
    evaluation: Any,
    config: PreTrainedConfig,
    metrics: Mapping[str, OwnMetric] | None = None,
    name: str = "evaluation",
) -> Evaluation | None:
    """Return an `Evaluation`; any dataset of images and labels is scored by the settings that fit the model.

    Args:
        evaluation: what `fit` was given.
        config: of the model: a metric one is scored in metres, up to its own cap.
        metrics: own metrics, in addition to those of an `Evaluation`.
        name: of the argument, for messages.

    Raises:
        TypeError, ValueError: see `labelled_dataset` and `check_own_metrics`; or metrics without an evaluation.
    """
    if evaluation is None:
        if metrics:
            raise ValueError(f"the metrics {list(metrics)} are measured by an evaluation; give one too")
        return None
    if not isinstance(evaluation, Evaluation):
        evaluation = Evaluation(labelled_dataset(evaluation, name))
    whole: Evaluation = evaluation.fitted_to(config)
    return replace(whole, metrics={**whole.metrics, **metrics}) if metrics else whole


def evaluate_model(
    model: PreTrainedModel, processor: Any, evaluation: Evaluation, accelerator: Accelerator
) -> EvaluationResult:
    """Score a model on all processes; every process gets the whole result."""
    model.eval()  # type: ignore[no-untyped-call]
    evaluation = evaluation.fitted_to(model.config)
    predictor = DepthPredictor(model, processor, device=accelerator.device, batch_size=evaluation.batch_size)
    return evaluate_on_all_processes(
        predictor,
        evaluation.dataset,
        evaluation.settings,
        prediction_kind=predictor.prediction_kind,
        accelerator=accelerator,
        metrics=evaluation.metrics,
    )


def evaluate_while_training(engine: Engine, processor: Any, evaluation: Evaluation) -> EvaluationResult:
    """Score the weights that would be published; every process must call it and gets the whole result.

    Args:
        engine: the run's `Engine`; its model is in training mode afterwards.
        processor: the image processor.
        evaluation: the held-out set.
    """
    # Held-out images may have sizes that nothing was compiled for.
    with force_eager():
        model = gathered_copy(engine.published_model)
        result = evaluate_model(model, processor, evaluation, engine.accelerator)
    engine.train_mode()
    return result


def is_better(value: float, best: float | None, metric: str, greater_is_better: bool | None = None) -> bool:
    """Return whether a mean score beats the best one so far, None before the first; NaN never does.

    Args:
        value: the score.
        best: the best one so far.
        metric: its name.
        greater_is_better: its direction where it is no metric of the table.
    """
    if math.isnan(value):
        return False
    if best is None:
        return True
    return value > best if higher_is_better(metric, greater_is_better) else value < best


def higher_is_better(metric: str, greater_is_better: bool | None) -> bool:
    """Return the direction of a metric: that of the table, or the given one."""
    return METRICS[metric].higher_is_better if metric in METRICS else bool(greater_is_better)


def describe_scores(result: EvaluationResult) -> str:
    """Return the most important scores as one line of text."""
    shown = [name for name in SHOWN_METRICS if name in result.settings.metrics] + list(result.own_metrics)
    scores = ", ".join(f"{name} {result.mean[name]:.4f}" for name in shown)
    return f"{scores} over {len(result.rows)} held-out images"


__all__ = [
    "Evaluation",
    "as_evaluation",
    "describe_scores",
    "evaluate_model",
    "evaluate_while_training",
    "higher_is_better",
    "is_better",
]
