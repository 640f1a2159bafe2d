# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predict and score a labelled dataset, image by image, on one process or several."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ..data.decoding.errors import BrokenSampleError
from ..data.samples import errors_named
from ..geometry.disparity import PredictionKind
from ..utils.image_names import Naming
from ..utils.map_ahead import map_ahead
from ..utils.messages import counted
from .confidence import CONFIDENCE_SCORES, confidence_scores
from .datasets import LabelledDataset
from .own_metrics import OwnMetric, check_own_metrics, own_scores
from .results import EvaluationResult
from .scoring import (
    PairTarget,
    Target,
    check_fits,
    cut_sample,
    reason_to_skip,
    score_or_reason,
    target_of,
)
from .settings import EvaluationSettings


if TYPE_CHECKING:
    from accelerate import Accelerator

    from ..inference.prediction import Prediction

Predictor = Callable[[Iterable[tuple[str, np.ndarray]]], Iterator["Prediction"]]

SCORING_THREADS = min(4, os.cpu_count() or 1)
LOADED_AHEAD = 4
# Large sets are predicted in groups of several batches, so that the model seldom waits for a group's first images.
BATCHES_PER_GROUP = 4
GROUPS_OF_A_LARGE_SET = 16
# More in a row that cannot be scored are no accident.
FIRST_IMAGES = 16


def evaluate(
    predict: Predictor,
    dataset: LabelledDataset,
    settings: EvaluationSettings | None = None,
    *,
    prediction_kind: PredictionKind,
    indices: Iterable[int] | None = None,
    progress: bool = False,
    metrics: Mapping[str, OwnMetric] | None = None,
) -> EvaluationResult:
    """Predict every image of a dataset and score it at the label's own resolution.

    An image is skipped, counted and listed with its reason if its dataset cannot read it or calls it broken
    (`BrokenSampleError`), its prediction failed or is not finite at the valid pixels, or it has fewer than
    `settings.min_valid_pixels` of them. A broken dataset or protocol raises.

    Images are named relative to the dataset's `root`, and a file elsewhere by its last part, so that results may be
    published; names and indices together identify images.

    Samples are read and scores are computed in threads beside the model. The dataset is predicted in fixed groups of
    neighbouring images, one call of `predict` for each: the batches of a group, and with them the last bits of the
    predictions, are then the same on one process and on several (`indices_of_process`).

    Args:
        predict: takes an iterable of `(name, image)` and yields one `inference.Prediction` per image in the same
            order, at the image's own size; `inference.DepthPredictor` does. Its `batch_size` decides the groups;
            without this attribute every image is a group. Where its `confidence` is true, dense labels also get the
            scores of `confidence.confidence_scores`.
        dataset: samples with "image", "name" and one of "depth" and "disparity", or "pairs".
        settings: the protocol; None takes the defaults.
        prediction_kind: "disparity" or "depth"; `DepthPredictor.prediction_kind` says which.
        indices: positions in the dataset, for example one process's share; None takes all.
        progress: show a bar on the terminal.
        metrics: further metrics, name -> function(prediction, label, valid) -> number, called in threads; see
            `own_metrics.OwnMetric`. They are NaN where they are not finite.

    Returns:
        The result, rows in order of their index.

    Raises:
        ValueError: if the protocol does not fit the prediction or a label, a sample has no label, a label has another
            shape than its image, or `predict` does not yield one prediction per image in order.
    """
    settings = settings or EvaluationSettings()
    check_fits(settings, prediction_kind)
    metrics = check_own_metrics(metrics, settings)
    has_confidence = bool(getattr(predict, "confidence", False)) and not settings.scores_pairs
    further = (*metrics, *(CONFIDENCE_SCORES if has_confidence else ()))
    result = EvaluationResult([], settings, prediction_kind, own_metrics=further)
    order = list(range(len(dataset)) if indices is None else indices)
    group_size = _group_size(predict, len(dataset))
    waiting: deque[_Loaded] = deque()
    naming = Naming.of_source(dataset)

    def images(count: int) -> Iterator[tuple[str, np.ndarray]]:
        for loaded in islice(samples, count):
            if loaded.reason:
                result.skipped_images.append({"index": loaded.index, "name": loaded.name, "reason": loaded.reason})
            else:
                waiting.append(loaded)
                yield loaded.name, loaded.image

    def predictions() -> Iterator[tuple[_Loaded, Prediction]]:
        for _, group in groupby(order, key=lambda index: index // group_size):
            for prediction in predict(images(len(list(group)))):
                if not waiting or waiting[0].name != prediction.name:
                    expected = waiting[0].name if waiting else "no further image"
                    raise ValueError(
                        f"predictions must come in input order: expected {expected}, got {prediction.name}."
                    )
                yield waiting.popleft(), prediction

    def score(answer: tuple[_Loaded, Prediction]) -> tuple[_Loaded, dict[str, Any] | str]:
        outcome = _outcome(*answer, settings, prediction_kind, metrics)
        return answer[0], naming.reason(outcome) if isinstance(outcome, str) else outcome

    with (
        ThreadPoolExecutor(1, thread_name_prefix="load") as loading,
        ThreadPoolExecutor(SCORING_THREADS, thread_name_prefix="score") as scoring,
        tqdm(total=len(order), desc="evaluate", disable=not progress) as bar,
    ):
        samples = map_ahead(loading, partial(_load, dataset, settings, naming), order, LOADED_AHEAD)
        for loaded, outcome in map_ahead(scoring, score, predictions(), 2 * SCORING_THREADS):
            identity = {"index": loaded.index, "name": loaded.name}
            if isinstance(outcome, str):
                result.skipped_images.append({**identity, "reason": outcome})
            else:
                result.rows.append({**identity, **outcome})
            bar.update(len(result.rows) + result.skipped - bar.n)
    answered = len(result.rows) + result.skipped
    if answered != len(order):
        raise ValueError(f"expected one prediction per image, got {answered} for {len(order)} images.")
    return EvaluationResult.merge([result])


def indices_of_process(
    predict: Predictor, dataset: LabelledDataset, process_index: int, process_count: int
) -> list[int]:
    """Return the share of one process: whole groups of neighbouring images, dealt in turn.

    A group is the predictor's batch, or a few batches in a large dataset, whatever the number of processes.
    """
    size = _group_size(predict, len(dataset))
    return [index for index in range(len(dataset)) if index // size % process_count == process_index]


def check_first_images(dataset: LabelledDataset, settings: EvaluationSettings) -> None:
    """Read images until one can be scored, so that a wrong label or range shows before a training, not after it.

    Raises:
        ValueError: a sample has no label, or one that the protocol cannot use, or none of the first images can be
            scored; the message says why.
    """
    reason = "it has no images"
    count = min(FIRST_IMAGES, len(dataset))
    naming = Naming.of_source(dataset)
    for index in range(count):
        loaded = _load(dataset, settings, naming, index)
        if not loaded.reason:
            return
        reason = f"{loaded.name}: {loaded.reason}"
    raise ValueError(f"none of its first {counted(count, 'image')} can be scored; the last reason: {reason}")


def evaluate_on_all_processes(
    predict: Predictor,
    dataset: LabelledDataset,
    settings: EvaluationSettings | None = None,
    *,
    prediction_kind: PredictionKind,
    accelerator: Accelerator,
    progress: bool = False,
    metrics: Mapping[str, OwnMetric] | None = None,
) -> EvaluationResult:
    """Evaluate as `evaluate` does, with the images divided over the processes of an `accelerate` launch.

    Every process must call it and gets the whole result. The rows do not depend on the number of processes, with the
    same number of threads each: another number may change the last bits of a prediction.
    """
    from accelerate.utils import gather_object

    own = indices_of_process(predict, dataset, accelerator.process_index, accelerator.num_processes)
    shown = progress and accelerator.is_main_process
    result = evaluate(
        predict, dataset, settings, prediction_kind=prediction_kind, indices=own, progress=shown, metrics=metrics
    )
    return EvaluationResult.merge(gather_object([result]))


def _group_size(predict: Predictor, images: int) -> int:
    """Return how many images are predicted together: by dataset and batch size only, not by the processes."""
    batch = max(1, getattr(predict, "batch_size", 1))
    large = images >= GROUPS_OF_A_LARGE_SET * BATCHES_PER_GROUP * batch
    return batch * BATCHES_PER_GROUP if large else batch


@dataclass(frozen=True)
class _Loaded:
    """An image with what it is scored against, or with the reason why it is not scored."""

    index: int
    name: str
    image: np.ndarray
    target: Target | PairTarget | None
    reason: str = ""


def _load(dataset: LabelledDataset, settings: EvaluationSettings, naming: Naming, index: int) -> _Loaded:
    try:
        with errors_named(f"{type(dataset).__name__}[{index}]"):
            loaded = dataset[index]
        sample = cut_sample(loaded, settings)
    except BrokenSampleError as error:
        name, nothing = naming.name(_known_name(dataset, index)), np.zeros((0, 0, 3), dtype=np.uint8)
        return _Loaded(index, name, nothing, None, naming.reason(str(error)))
    target = target_of(sample, settings)
    name = naming.name(sample["name"])
    return _Loaded(index, name, sample["image"], target, reason_to_skip(target, settings))


def _known_name(dataset: LabelledDataset, index: int) -> str:
    """Return the name of a sample that cannot be decoded."""
    name_of = getattr(dataset, "name_of", None)
    if name_of is not None:
        return str(name_of(index))
    frames = getattr(dataset, "frames", None)  # of `data.public.frames.PublicSamples`
    return f"item {index}" if frames is None else frames[index].name


def _outcome(
    loaded: _Loaded,
    prediction: Prediction,
    settings: EvaluationSettings,
    prediction_kind: PredictionKind,
    metrics: Mapping[str, OwnMetric],
) -> dict[str, Any] | str:
    if prediction.error is not None or prediction.values is None:
        return prediction.error or "no prediction"
    if prediction.values.shape != loaded.image.shape[:2]:
        raise ValueError(
            f"{loaded.name}: the prediction is {prediction.values.shape} and the image {loaded.image.shape[:2]}; "
            "a predictor must return maps of the image's own size."
        )
    assert loaded.target is not None
    try:
        outcome = score_or_reason(prediction.values, loaded.target, settings, prediction_kind)
        if metrics and isinstance(outcome, dict) and isinstance(loaded.target, Target):
            outcome |= own_scores(metrics, prediction.values, loaded.target, settings, prediction_kind)
        if prediction.confidence is not None and isinstance(outcome, dict) and isinstance(loaded.target, Target):
            known = (prediction.values, prediction.confidence)
            outcome |= confidence_scores(*known, loaded.target, settings, prediction_kind)
        return outcome
    except ValueError as error:
        raise ValueError(f"{loaded.name}: {error}") from error
