# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score one prediction against one label: which pixels count, alignment, every number of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from ..geometry.disparity import PredictionKind, disparity_to_depth
from ..metrics.boundaries import boundary_f1, depth_boundary_errors, depth_edges
from ..metrics.depth import align_prediction, check_alignment, depth_metrics, prediction_fault
from ..metrics.ordinal import ordinal_accuracy, point_pairs_correct
from ..metrics.table import DEPTH_METRICS, METRICS


if TYPE_CHECKING:
    from .settings import EvaluationSettings

BOUNDARY_NEEDS, EDGE_NEEDS = "boundaries", "edges"
NEAR_QUANTILE = 0.01  # of `EvaluationSettings.largest_over_near_quantile`


@dataclass(frozen=True)
class Target:
    """A dense label and its pixels that count.

    Attributes:
        depth: float (H, W), metres or multiples of the nearest valid pixel's depth; NaN is invalid, `+inf` the sky.
        mask: bool (H, W), the pixels that are compared.
        labelled: bool (H, W), the same and beside them sky and what is beyond the range: contours against them count.
        min_depth, max_depth: range of an aligned prediction; a contour between two pixels beyond it does not count.
        in_metres: whether the unit is known.
        edges: bool (H, W), annotated depth edges, or None.
    """

    depth: np.ndarray
    mask: np.ndarray
    labelled: np.ndarray
    min_depth: float
    max_depth: float
    in_metres: bool
    edges: np.ndarray | None = None

    @property
    def valid_pixels(self) -> int:
        """Number of pixels that are compared."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class PairTarget:
    """Annotated point pairs: rows and columns in the image, int (N, 2) each."""

    nearer: np.ndarray
    farther: np.ndarray
    scenario: str | None = None


def cut_sample(sample: dict[str, Any], settings: EvaluationSettings) -> dict[str, Any]:
    """Cut a sample to what the protocol shows to the model, by `settings.image_crop`.

    Raises:
        ValueError: image and label have different aspect ratios, or the crop does not fit the image.
    """
    _check_same_aspect(sample)
    if settings.image_crop is None:
        return sample
    height, width = sample["image"].shape[:2]
    rows, columns = settings.window("image_crop", height, width, sample["name"])
    maps = {key: sample[key] for key in ("depth", "disparity", "edges") if sample.get(key) is not None}
    if "pairs" in sample or any(values.shape != (height, width) for values in maps.values()):
        raise ValueError(
            f"{sample['name']}: image_crop={settings.image_crop!r} needs a dense label of the image's own size."
        )
    return {**sample, **{key: values[rows, columns] for key, values in {**maps, "image": sample["image"]}.items()}}


def target_of(sample: dict[str, Any], settings: EvaluationSettings) -> Target | PairTarget:
    """Return what a prediction for this sample is compared with.

    Raises:
        ValueError: the sample does not hold what the protocol needs.
    """
    name = sample.get("name")
    if settings.scores_pairs:
        if sample.get("pairs") is None:
            raise ValueError(
                f"{name}: expected 'pairs', annotated point pairs, which this protocol scores; the sample has none."
            )
        nearer, farther = (np.asarray(sample["pairs"][key]) for key in ("nearer", "farther"))
        return PairTarget(nearer, farther, sample.get("scenario"))
    labels = [key for key in ("depth", "disparity") if sample.get(key) is not None]
    if len(labels) != 1:
        hint = "; point pairs are scored by the protocol 'da-2k'" if sample.get("pairs") is not None else ""
        raise ValueError(f"{name}: expected one of 'depth' and 'disparity', got {labels or 'neither'}{hint}.")
    if labels == ["depth"]:
        depth = np.asarray(sample["depth"])
        labelled = depth >= settings.min_depth
        min_depth, max_depth = settings.min_depth, settings.max_depth
    else:
        if settings.alignment == "none":
            raise ValueError(f"{name}: a disparity label has no metres; use alignment='disparity'.")
        depth = _relative_depth(np.asarray(sample["disparity"], dtype=np.float64))
        labelled = depth > 0
        min_depth, max_depth = 1.0 / settings.max_depth_ratio, settings.max_depth_ratio
    labelled &= _inside_crop(depth.shape, settings, name)
    mask = labelled & (depth <= max_depth)
    if settings.largest_over_near_quantile is not None and mask.any():
        mask &= depth <= settings.largest_over_near_quantile * np.quantile(depth[mask], NEAR_QUANTILE)
    if settings.clamp == "farthest label" and mask.any():
        # A hair more, so that a flat scene does not make an empty range.
        max_depth = max(float(depth[mask].max()), min_depth * (1 + 1e-6))
    if settings.min_aligned_disparity is not None and settings.alignment == "disparity" and labels == ["depth"]:
        max_depth = min(max_depth, 1.0 / settings.min_aligned_disparity)
    return Target(depth, mask, labelled, min_depth, max_depth, labels == ["depth"], sample.get("edges"))


def reason_to_skip(target: Target | PairTarget, settings: EvaluationSettings) -> str:
    """Say why an image is not scored, whatever the prediction; "" if it is."""
    if isinstance(target, PairTarget):
        return "" if len(target.nearer) else "the image has no annotated pairs"
    if target.valid_pixels >= settings.min_valid_pixels:
        return ""
    wanted = f"{target.valid_pixels} valid label pixels, fewer than min_valid_pixels={settings.min_valid_pixels}"
    return wanted if np.isfinite(target.depth).any() else f"the label is invalid everywhere: {wanted}"


def resize_to_label(prediction: np.ndarray, target: Target, settings: EvaluationSettings) -> np.ndarray:
    """Resize a prediction to the label's size; unchanged where they agree."""
    if prediction.shape == target.depth.shape:
        return prediction
    options: dict[str, Any] = {"align_corners": True} if settings.upsampling == "bilinear" else {}
    values = torch.from_numpy(np.ascontiguousarray(prediction, dtype=np.float32))[None, None]
    return F.interpolate(values, size=target.depth.shape, mode=settings.upsampling, **options)[0, 0].numpy()


def aligned_depth(
    prediction: np.ndarray, target: Target, settings: EvaluationSettings, prediction_kind: PredictionKind
) -> tuple[np.ndarray, float]:
    """Align a prediction to the label's unit; return it and the share of the fitted pixels that were clamped.

    Args:
        prediction: (H, W) at the label's size.
        target: the label.
        settings: the protocol.
        prediction_kind: "disparity" or "depth".

    Raises:
        ValueError: as `metrics.align_prediction`.
    """
    fitted = _fit_mask(prediction, target, settings)
    limits = (target.min_depth, target.max_depth)
    return align_prediction(prediction, target.depth, fitted, settings.alignment, prediction_kind, *limits)


def score_or_reason(
    prediction: np.ndarray, target: Target | PairTarget, settings: EvaluationSettings, prediction_kind: PredictionKind
) -> dict[str, Any] | str:
    """Return the scores of an image, or why there are none."""
    if isinstance(target, Target):
        prediction = resize_to_label(prediction, target, settings)
        fault = prediction_fault(prediction, target.mask, settings.alignment, prediction_kind)
        if not fault and target.mask.any() and not _fit_mask(prediction, target, settings).any():
            fault = "no pixel is left to fit scale and shift: the prediction is not positive at any valid pixel"
        if fault:
            return fault
    return _row(prediction, target, settings, prediction_kind)


def _row(
    prediction: np.ndarray, target: Target | PairTarget, settings: EvaluationSettings, prediction_kind: PredictionKind
) -> dict[str, Any]:
    """Score as `score_image`; the prediction has the label's size."""
    nearness = prediction if prediction_kind == "disparity" else -prediction
    row: dict[str, Any] = {
        "valid_pixels": None,
        "clamped_share": math.nan,
        "output_minimum": float(prediction.min()),
        "output_maximum": float(prediction.max()),
        "zero_share": float((prediction == 0).mean()),
    }
    if isinstance(target, PairTarget):
        correct = point_pairs_correct(nearness, target.nearer, target.farther)
        accuracy = float(correct.mean()) if correct.size else math.nan
        return {**row, "pairs": len(correct), "scenario": target.scenario, "pair_accuracy": accuracy}
    row["valid_pixels"] = target.valid_pixels
    if _needs_neighbours(settings):
        aligned, row["clamped_share"] = aligned_depth(prediction, target, settings, prediction_kind)
        numbers = _dense_numbers(nearness, aligned, target.depth, target.mask, target, settings)
        numbers.update(_contour_numbers(aligned, target, settings))
    else:
        # These metrics know no neighbours: a list of the pixels that count is cheaper than the whole map.
        mask = target.mask
        depth, fitted = target.depth[mask], _fit_mask(prediction, target, settings)[mask]
        limits = (target.min_depth, target.max_depth)
        aligned, row["clamped_share"] = align_prediction(
            prediction[mask], depth, fitted, settings.alignment, prediction_kind, *limits
        )
        numbers = _dense_numbers(nearness[mask], aligned, depth, np.ones(depth.shape, dtype=bool), target, settings)
    return {**row, **{name: numbers[name] for name in settings.metrics}}


def score_image(
    prediction: np.ndarray, sample: dict[str, Any], settings: EvaluationSettings, prediction_kind: PredictionKind
) -> dict[str, Any]:
    """Compute all scores of one image.

    Labels in depth: the pixels of `min_depth <= depth <= max_depth` inside the crop count. The prediction is aligned
    as `settings.alignment` says (`metrics.align_prediction`) and clamped to the range.

    Labels in disparity (stereo, pseudo-labels): depth is `1 / disparity` in multiples of the image's nearest valid
    pixel, so that the unknown unit cancels; disparity 0 is sky. Metrics in metres (`rmse`, `sq_rel`) are NaN. The
    others suppose that disparity 0 means infinitely far: labels that are known only up to a shift, such as min-max
    normalized pseudo-labels, give depth metrics that rank predictors but are no distances; read `ordinal_accuracy`
    there.

    Point pairs: the share of pairs whose nearer point has the larger raw disparity.

    Args:
        prediction: (H, W) raw output at the image's size, finite at the valid pixels; brought to the label's size.
        sample: holds exactly one of "depth" and "disparity", float (H, W), NaN = invalid, and perhaps "edges", bool
            (H, W); or "pairs", integers {"nearer": (N, 2), "farther": (N, 2)}, rows and columns.
        settings: the protocol.
        prediction_kind: "disparity" (larger = nearer, any scale and shift) or "depth" (metres; any unit if aligned).

    Returns:
        `valid_pixels`, the share of fitted pixels whose prediction was clamped (`clamped_share`), the raw output's
        minimum and maximum and its share of exact zeros over the whole map (`output_minimum`, `output_maximum`,
        `zero_share`), and one number per metric of the settings. Metrics are NaN if no pixel is valid. For point
        pairs also their number (`pairs`) and the `scenario`.

    Raises:
        ValueError: if the protocol does not fit the prediction or the label, the shapes differ, or the prediction is
            not finite (for a depth that is inverted: not positive) at a valid pixel.
    """
    check_fits(settings, prediction_kind)
    target = target_of(sample, settings)
    if isinstance(target, Target):
        _check_same_aspect({**sample, "image": prediction}, "prediction")
        prediction = resize_to_label(prediction, target, settings)
    return _row(prediction, target, settings, prediction_kind)


def check_fits(settings: EvaluationSettings, prediction_kind: PredictionKind) -> None:
    """Raise ValueError, saying what to use, unless a prediction of this kind can be scored by this protocol."""
    check_alignment("disparity" if settings.scores_pairs else settings.alignment, prediction_kind)


def _check_same_aspect(sample: dict[str, Any], what: str = "image") -> None:
    """Raise ValueError unless image and label show one view; the label may be larger or smaller."""
    height, width = sample["image"].shape[:2]
    for key in ("depth", "disparity"):
        if sample.get(key) is None or sample[key].shape == (height, width):
            continue
        rows, columns = sample[key].shape
        misfit = min(abs(rows - columns * height / width), abs(columns - rows * width / height))
        if rows == height or columns == width or misfit > 0.5:
            raise ValueError(
                f"{sample.get('name')}: the {what} is {(height, width)} and the label {(rows, columns)}; both must "
                f"have one aspect ratio: crop the {what} as the label was cropped."
            )


def _relative_depth(disparity: np.ndarray) -> np.ndarray:
    """Convert to depth in multiples of the nearest pixel's; disparity 0 is sky, what has no distance is NaN."""
    usable = np.isfinite(disparity) & (disparity >= 0)
    nearest = disparity[usable].max(initial=0.0)
    return disparity_to_depth(np.where(usable, disparity / (nearest or 1.0), math.nan))


def _inside_crop(shape: tuple[int, ...], settings: EvaluationSettings, name: str | None) -> np.ndarray:
    height, width = shape
    inside = np.zeros((height, width), dtype=bool)
    inside[settings.window("crop", height, width, name)] = True
    return inside


def _fit_mask(prediction: np.ndarray, target: Target, settings: EvaluationSettings) -> np.ndarray:
    mask = target.mask
    if settings.alignment == "none":
        return mask
    if settings.fit_positive_only:
        mask = mask & (prediction > 0)
    if settings.fit_max_side is not None and max(mask.shape) > settings.fit_max_side:
        # The nearest rows and columns of the reduced map.
        factor = settings.fit_max_side / max(mask.shape)
        grid = np.zeros(mask.shape, dtype=bool)
        rows, columns = ((np.arange(int(side * factor)) / factor).astype(int) for side in mask.shape)
        grid[np.ix_(rows, columns)] = True
        mask = mask & grid
    return mask


def _needs_neighbours(settings: EvaluationSettings) -> bool:
    """Tell whether a metric of the protocol needs contours, not single pixels alone."""
    return any(METRICS[name].needs in (BOUNDARY_NEEDS, EDGE_NEEDS) for name in settings.metrics)


def _dense_numbers(
    nearness: np.ndarray,
    aligned: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    target: Target,
    settings: EvaluationSettings,
) -> dict[str, float]:
    numbers = dict(depth_metrics(aligned, depth, mask))
    if not target.in_metres:
        numbers.update((name, math.nan) for name in DEPTH_METRICS if METRICS[name].needs == "metric_depth")
    if "ordinal_accuracy" in settings.metrics:
        numbers["ordinal_accuracy"] = ordinal_accuracy(nearness, depth, mask, pairs=settings.ordinal_pairs)
    return numbers


def _contour_numbers(aligned: np.ndarray, target: Target, settings: EvaluationSettings) -> dict[str, float]:
    seen = target.labelled & np.isfinite(aligned)
    # The label ends where predictions are clamped; otherwise contours beyond would count that none can predict.
    depth = np.minimum(target.depth, target.max_depth)
    numbers = {}
    if "boundary_f1" in settings.metrics:
        numbers["boundary_f1"] = boundary_f1(aligned, depth, seen)
    if any(METRICS[name].needs == EDGE_NEEDS for name in settings.metrics):
        edges = target.edges
        if edges is None:
            edges = depth_edges(depth, seen) if settings.exact_labels else np.zeros(seen.shape, dtype=bool)
        numbers.update(depth_boundary_errors(np.nan_to_num(aligned, nan=target.max_depth), edges, seen))
    return numbers
