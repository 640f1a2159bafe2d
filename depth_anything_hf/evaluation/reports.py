# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of an evaluation: results, rows, entries of a model card, and a sheet of the best and worst images."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..metrics.ordinal import point_pairs_correct
from ..metrics.table import METRICS
from ..utils.files import atomic_write
from ..utils.paths import local_path
from ..visualization.colour_maps import colour_map
from ..visualization.encode import encode_jpeg
from ..visualization.figures import add_caption, mark_pairs, side_by_side, stack, thicken
from .confidence import ConfidenceSummary
from .datasets import LabelledDataset
from .evaluator import Predictor
from .result_files import (
    CARD_FILE,
    CONFIDENCE_FILE,
    MARK,
    RESULTS_FILE,
    ROWS_FILE,
    SHEET_FILE,
    check_results_folder,
    remove_own,
)
from .results import EvaluationResult
from .scoring import PairTarget, aligned_depth, cut_sample, resize_to_label, target_of
from .settings import EvaluationSettings


REPORT_FILES = (RESULTS_FILE, ROWS_FILE, CARD_FILE, SHEET_FILE, CONFIDENCE_FILE)
SHEET_HEIGHT_PIXELS = 240
SHEET_WIDTH_PIXELS = 400  # of one panel
SHEET_LARGEST_ERROR = 0.5
SHEET_TITLE = f"image, aligned prediction, truth (bright = near), error |p - t| / t from 0 to {SHEET_LARGEST_ERROR}"
CONFIDENCE_TITLE = (
    "below: image, aligned prediction, error |p - t| / t, 1 - confidence; both by rank: bright = the image's largest"
)
PAIR_SHEET_TITLE = "image, raw prediction (bright = near); dot = annotated as nearer, cross = ordered wrong"


def save_report(
    folder: str | os.PathLike[str],
    result: EvaluationResult,
    dataset: LabelledDataset,
    predict: Predictor,
    made_with: Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Save everything that is worth keeping of an evaluation.

    `results.json` and `per_image.parquet` (`EvaluationResult.save`); `card_entries.json`, what `hub.write_model_card`
    takes as `results`; `errors.jpg` (`save_error_sheet`), unless no image was scored; and where predictions have a
    confidence, `confidence.jpg` (`save_confidence_sheet`).

    Args:
        folder: created if it does not exist.
        result: scores of images of `dataset`.
        dataset: the one that `result` comes from.
        predict: as in `evaluate`; predicts the images of the sheet once more.
        made_with: see `description_of`.
        overwrite: replace files of these names that are no evaluation's; those of an earlier one always are.

    Raises:
        FileExistsError: a file of these names is no evaluation's.
        OSError: the folder takes no files.
    """
    folder = local_path(folder)
    check_results_folder(folder, REPORT_FILES, overwrite=overwrite)
    result.save(folder, made_with=made_with, overwrite=overwrite)
    entries = result.card_entries()
    for entry in entries.values():
        entry["metrics"] = {name: value for name, value in entry["metrics"].items() if math.isfinite(value)}
    text = json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_write(folder / CARD_FILE, text + "\n")
    if result.rows:
        save_error_sheet(folder / SHEET_FILE, result, dataset, predict)
    summary = ConfidenceSummary.of_rows(result.rows)
    if summary is not None:
        save_confidence_sheet(folder / CONFIDENCE_FILE, result, summary, dataset, predict)
    else:
        remove_own(folder / CONFIDENCE_FILE)


def save_confidence_sheet(
    path: str | os.PathLike[str],
    result: EvaluationResult,
    summary: ConfidenceSummary,
    dataset: LabelledDataset,
    predict: Predictor,
) -> Path:
    """Save the curves of a confidence, and below them errors beside confidence, predicted once more.

    The images are those whose errors it ranks best, as most and worst, by `aurg_abs_rel`. Errors and confidence are
    shown by their ranks within the image, which is what is scored.

    Args:
        path: of the JPEG file; its folder is created, an older file is replaced.
        result: scores of images of `dataset`, with those of a confidence.
        summary: of its rows.
        dataset: the one that `result` comes from.
        predict: as in `evaluate`, with confidence.

    Returns:
        The path.
    """
    ranked = [row for row in result.rows if math.isfinite(row.get("aurg_abs_rel", math.nan))]
    ranked.sort(key=lambda row: (-row["aurg_abs_rel"], row["index"]))
    pictures = [side_by_side(summary.pictures())]
    for word, row in _best_median_worst(ranked, 1):
        sample = cut_sample(dataset[row["index"]], result.settings)
        (prediction,) = predict([(sample["name"], sample["image"])])
        target = target_of(sample, result.settings)
        if prediction.values is None or prediction.confidence is None or isinstance(target, PairTarget):
            continue
        settings, kind = result.settings, result.prediction_kind
        image, shown, *_ = panels_of(prediction.values, sample, settings, kind)
        aligned, _ = aligned_depth(resize_to_label(prediction.values, target, settings), target, settings, kind)
        counted = np.where(target.mask, target.depth, math.nan)
        errors = np.abs(aligned - counted) / counted
        doubts = np.where(target.mask, 1 - resize_to_label(prediction.confidence, target, settings), math.nan)
        panels = [image, shown, *(colour_map(thicken(_by_rank(one)), 0.0, 1.0) for one in (errors, doubts))]
        numbers = ", ".join(f"{name} {row[name]:.3f}" for name in ("aurg_abs_rel", "ause_abs_rel", "mean_confidence"))
        height = min(SHEET_HEIGHT_PIXELS, SHEET_WIDTH_PIXELS * image.shape[0] // image.shape[1])
        pictures.append(add_caption(side_by_side(panels, height), f"{word}: {Path(row['name']).name}  {numbers}"))
    path = local_path(path)
    atomic_write(path, encode_jpeg(add_caption(stack(pictures), CONFIDENCE_TITLE), comment=MARK))
    return path


def _by_rank(values: np.ndarray) -> np.ndarray:
    """(H, W) with NaN -> shares of the pixels with a smaller value, NaN where there was none."""
    finite = np.isfinite(values)
    ranks = np.full(values.shape, math.nan)
    inside = values[finite]
    ranks[finite] = np.searchsorted(np.sort(inside), inside) / max(inside.size, 1)
    return ranks


def save_error_sheet(
    path: str | os.PathLike[str],
    result: EvaluationResult,
    dataset: LabelledDataset,
    predict: Predictor,
    metric: str | None = None,
    count: int = 2,
) -> Path:
    """Save a picture of the best, the median and the worst images, predicted once more.

    The columns are the image, the aligned prediction and the truth (nearer = brighter, one scale), and the error
    `|p - t| / t`, brightest from 0.5 on; pixels that do not count are grey. For point pairs: the image and the raw
    prediction with the pairs, blue where the order is right, orange with a cross where not. Sparse labels are
    thickened.
    Of a path only the file's name is shown, because the sheet may be published.

    Args:
        path: of the JPEG file; its folder is created, an older file is replaced.
        result: scores of images of `dataset`.
        dataset: the one that `result` comes from.
        predict: as in `evaluate`.
        metric: that ranks the images; None takes `abs_rel`, or the first metric of the protocol without it.
        count: images of each kind; fewer where the result has fewer rows than three times as many.

    Returns:
        The path.

    Raises:
        ValueError: no image has a number for this metric.
    """
    metric = metric or ("abs_rel" if "abs_rel" in result.settings.metrics else result.settings.metrics[0])
    ranked = [row for row in result.rows if not math.isnan(row.get(metric, math.nan))]
    if not ranked:
        raise ValueError(
            f"no image has a score {metric!r}; the metrics of this result are {', '.join(result.settings.metrics)}."
        )
    ranked.sort(key=lambda row: (-row[metric] if METRICS[metric].higher_is_better else row[metric], row["index"]))
    pictures = []
    for word, row in _best_median_worst(ranked, count):
        sample = cut_sample(dataset[row["index"]], result.settings)
        (prediction,) = predict([(sample["name"], sample["image"])])
        if prediction.values is None:
            continue
        panels = panels_of(prediction.values, sample, result.settings, result.prediction_kind)
        others = [name for name in ("delta1", "ordinal_accuracy") if name in row and name != metric]
        numbers = ", ".join(f"{name} {row[name]:.3f}" for name in (metric, *others))
        height = min(SHEET_HEIGHT_PIXELS, SHEET_WIDTH_PIXELS * panels[0].shape[0] // panels[0].shape[1])
        pictures.append(add_caption(side_by_side(panels, height), f"{word}: {Path(row['name']).name}  {numbers}"))
    title = PAIR_SHEET_TITLE if result.settings.scores_pairs else SHEET_TITLE
    path = local_path(path)
    atomic_write(path, encode_jpeg(add_caption(stack(pictures), title), comment=MARK))
    return path


def _best_median_worst(ranked: list[dict[str, Any]], count: int) -> list[tuple[str, dict[str, Any]]]:
    total = len(ranked)
    middle = max(0, (total - count) // 2)
    wanted = [("best", i) for i in range(count)] + [("median", middle + i) for i in range(count)]
    wanted += [("worst", total - count + i) for i in range(count)]
    chosen: dict[int, str] = {}
    for word, position in wanted:
        if 0 <= position < total:
            chosen.setdefault(position, word)
    return [(word, ranked[position]) for position, word in sorted(chosen.items())]


def panels_of(
    prediction: np.ndarray, sample: dict[str, Any], settings: EvaluationSettings, prediction_kind: PredictionKind
) -> list[np.ndarray]:
    """Draw a prediction beside its label.

    Args:
        prediction: (H, W), raw, at the image's size.
        sample: cut by `scoring.cut_sample`.
        settings: the protocol.
        prediction_kind: "disparity" or "depth".

    Returns:
        Pictures, uint8 (H, W, 3) RGB: the image, the aligned prediction and the label (nearer = brighter, one scale),
        and the error `|p - t| / t`, brightest from 0.5 on. For point pairs: image and raw prediction with the pairs.
    """
    target = target_of(sample, settings)
    if isinstance(target, PairTarget):
        nearness = prediction if prediction_kind == "disparity" else -prediction
        pairs = (target.nearer, target.farther, point_pairs_correct(nearness, target.nearer, target.farther))
        return [mark_pairs(sample["image"], *pairs), mark_pairs(colour_map(nearness), *pairs)]
    aligned, _ = aligned_depth(resize_to_label(prediction, target, settings), target, settings, prediction_kind)
    depth = np.where(target.labelled, np.asarray(target.depth, dtype=np.float64), math.nan)
    # What is beyond the range has the colour of its end, as predictions that are clamped to it.
    truth = depth_to_disparity(np.minimum(depth, target.max_depth))
    low, high = np.percentile(truth[np.isfinite(truth)], (2, 98))
    counted = np.where(target.mask, depth, math.nan)
    error = np.abs(aligned - counted) / counted
    return [
        sample["image"],
        colour_map(1.0 / aligned, low, high),
        colour_map(thicken(truth), low, high),
        colour_map(thicken(error), 0.0, SHEET_LARGEST_ERROR),
    ]


__all__ = ["panels_of", "save_confidence_sheet", "save_error_sheet", "save_report"]
