# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score predictions against a labelled dataset, image by image, and keep every number."""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from . import __version__
from .alignment import align_disparity
from .data.reading import UnreadableImageError
from .geometry import depth_to_disparity, disparity_to_depth
from .metrics import DEPTH_METRICS, METRICS, depth_metrics, ordinal_accuracy


if TYPE_CHECKING:
    from .inference import Prediction

PredictionKind = Literal["disparity", "depth"]
Predictor = Callable[[Iterable[tuple[str, np.ndarray]]], Iterator["Prediction"]]

# What a row says about the raw output and the alignment, beside the metrics.
DIAGNOSTICS = ("clamped_share", "output_minimum", "output_maximum", "zero_share")
SCORES = tuple(name for name, metric in METRICS.items() if metric.needs != "reference")


class LabelledDataset(Protocol):
    """Anything with a length whose items are samples with a label: `depth` or `disparity`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> dict[str, Any]: ...


@dataclass(frozen=True)
class EvaluationSettings:
    """A protocol. Crops and object masks are the dataset's business: it sets the label to NaN outside.

    Attributes:
        min_depth: metres; nearer label pixels do not count, predictions are clamped to it.
        max_depth: metres; farther label pixels and sky do not count, predictions are clamped to it. Papers use 80 for
            KITTI and 10 for NYU.
        min_valid_pixels: an image with fewer valid label pixels is skipped.
        alignment: "disparity" fits a scale and a shift per image in disparity before the depth metrics (the protocol
            of MiDaS and of the relative Depth Anything models); "none" compares metres with metres.
        ordinal_pairs: number of random pairs drawn per image for `ordinal_accuracy`.
        max_depth_ratio: stands in for the range in metres if the label is a disparity, which has no unit: pixels more
            than this many times as far as the image's nearest valid pixel do not count, and predictions are clamped to
            it.
    """

    min_depth: float = 1e-3
    max_depth: float = 80.0
    min_valid_pixels: int = 10
    alignment: Literal["disparity", "none"] = "disparity"
    ordinal_pairs: int = 5000
    max_depth_ratio: float = 100.0

    def __post_init__(self) -> None:
        if not 0 < self.min_depth < self.max_depth < math.inf:
            raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {self.min_depth} and {self.max_depth}.")
        if self.min_valid_pixels < 1:
            raise ValueError(f"min_valid_pixels must be at least 1, got {self.min_valid_pixels}.")
        if self.alignment not in ("disparity", "none"):
            raise ValueError(f"alignment must be 'disparity' or 'none', got {self.alignment!r}.")
        if self.max_depth_ratio <= 1:
            raise ValueError(f"max_depth_ratio must be more than 1, got {self.max_depth_ratio}.")


@dataclass(frozen=True)
class _Target:
    depth: np.ndarray  # (H, W) float64, metres or multiples of the nearest pixel's depth
    mask: np.ndarray  # (H, W) bool
    min_depth: float
    max_depth: float
    in_metres: bool

    @property
    def valid_pixels(self) -> int:
        return int(self.mask.sum())


def score_image(
    prediction: np.ndarray, sample: dict[str, Any], settings: EvaluationSettings, prediction_is: PredictionKind
) -> dict[str, float]:
    """All scores of one image.

    Labels in depth: the mask is `min_depth <= depth <= max_depth`. With alignment "disparity" the prediction goes
    through `alignment.align_disparity` (a depth prediction is inverted first); with "none" it is clamped to the range.

    Labels in disparity (stereo, pseudo-labels): depth is `1 / disparity` in multiples of the image's nearest valid
    pixel, so that the unknown unit cancels; disparity 0 is sky. Metrics in metres (`rmse`, `sq_rel`) are NaN. The
    others suppose that disparity 0 means infinitely far: labels that are known only up to a shift, such as min-max
    normalised pseudo-labels, give depth metrics that rank predictors but are no distances; read `ordinal_accuracy`
    there.

    Args:
        prediction: (H, W) raw output at the label's size, finite at the valid pixels.
        sample: holds exactly one of "depth" and "disparity", float (H, W), NaN = invalid.
        settings: the protocol.
        prediction_is: "disparity" (larger = nearer, any scale and shift) or "depth" (metres; any unit if aligned).

    Returns:
        `valid_pixels`, the share of valid pixels whose prediction was clamped (`clamped_share`), the raw output's
        minimum and maximum and its share of exact zeros over the whole map (`output_minimum`, `output_maximum`,
        `zero_share`), and one number per metric in `SCORES`. Metrics are NaN if no pixel is valid.

    Raises:
        ValueError: if the protocol does not fit the prediction or the label, the sizes differ, or the prediction is
            not finite (for a depth prediction that is aligned: not positive) at a valid pixel.
    """
    _check_protocol(settings, prediction_is)
    return _score(prediction, _target(sample, settings), settings, prediction_is)


@dataclass
class EvaluationResult:
    """The numbers of every image and how they were made.

    Attributes:
        rows: one dict per scored image, sorted by `index`: `index`, `name` and the keys of `score_image`.
        settings: the protocol.
        prediction_is: "disparity" or "depth".
        skipped_images: one dict with `index`, `name` and `reason` per image without scores.
    """

    rows: list[dict[str, Any]]
    settings: EvaluationSettings
    prediction_is: PredictionKind = "disparity"
    skipped_images: list[dict[str, Any]] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        """Number of images without scores."""
        return len(self.skipped_images)

    @property
    def mean(self) -> dict[str, float]:
        """Mean over the images, each image with equal weight, per metric and diagnostic; NaN entries are left out."""
        return self._over_images(np.mean)

    @property
    def median(self) -> dict[str, float]:
        """Median over the images; unlike the mean of `abs_rel` it does not hang on one badly aligned image."""
        return self._over_images(np.median)

    def table(self) -> str:
        """Text columns: metric with an arrow for the better direction, mean, median; then counts and the skipped."""
        means, medians = self.mean, self.median
        lines = [f"{'metric':<22}{'mean':>12}{'median':>12}"]
        for name in (*SCORES, *DIAGNOSTICS):
            if not math.isnan(means[name]):
                arrow = "" if name not in METRICS else " ↑" if METRICS[name].higher_is_better else " ↓"
                lines.append(f"{name + arrow:<22}{_short(means[name]):>12}{_short(medians[name]):>12}")
        lines.append(f"{len(self.rows)} images scored, {self.skipped} skipped, alignment: {self.settings.alignment}")
        lines += [f"skipped {image['name']}: {image['reason']}" for image in self.skipped_images]
        return "\n".join(lines)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `results.json` (settings, counts, means, medians, package version) and `per_image.parquet` (the rows).

        A number that is not finite is null in the JSON file, which has no NaN.

        Args:
            folder: created if it does not exist; files of an earlier save are replaced.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "depth_anything_hf": __version__,
            "settings": asdict(self.settings),
            "prediction_is": self.prediction_is,
            "images": len(self.rows),
            "skipped": self.skipped,
            "mean": _without_nan(self.mean),
            "median": _without_nan(self.median),
            "skipped_images": self.skipped_images,
        }
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / "results.json").write_text(text + "\n", encoding="utf-8")
        pq.write_table(pa.Table.from_pylist(self.rows, schema=_row_schema()), folder / "per_image.parquet")

    @classmethod
    def merge(cls, results: Sequence[EvaluationResult]) -> EvaluationResult:
        """Join the results of several processes, each of which scored other indices of one dataset.

        Args:
            results: at least one.

        Returns:
            One result, rows and skipped images sorted by index.

        Raises:
            ValueError: if there is none, the protocols differ, or an index occurs twice.
        """
        if not results:
            raise ValueError("merge needs at least one result.")
        first = results[0]
        if any((one.settings, one.prediction_is) != (first.settings, first.prediction_is) for one in results):
            raise ValueError("results made with different settings cannot be merged.")
        rows = sorted((row for one in results for row in one.rows), key=_index)
        skipped = sorted((image for one in results for image in one.skipped_images), key=_index)
        seen: set[int] = set()
        for index in map(_index, [*rows, *skipped]):
            if index in seen:
                raise ValueError(f"index {index} was scored twice; give each process its own indices.")
            seen.add(index)
        return cls(rows, first.settings, first.prediction_is, skipped)

    def _over_images(self, reduce: Callable[[np.ndarray], np.floating]) -> dict[str, float]:
        reduced = {}
        for name in (*SCORES, *DIAGNOSTICS):
            values = np.array([row[name] for row in self.rows], dtype=np.float64)
            values = values[~np.isnan(values)]
            reduced[name] = float(reduce(values)) if values.size else math.nan
        return reduced


def evaluate(
    predict: Predictor,
    dataset: LabelledDataset,
    settings: EvaluationSettings | None = None,
    *,
    prediction_is: PredictionKind,
    indices: Iterable[int] | None = None,
    progress: bool = False,
) -> EvaluationResult:
    """Predict every image of a dataset and score it at the label's own resolution.

    An image is skipped, counted and listed with its reason if it cannot be read, its prediction failed or is not
    finite at the valid pixels, or it has fewer than `settings.min_valid_pixels` of them. A broken dataset or protocol
    raises.

    Args:
        predict: takes an iterable of `(name, image)` and yields one `inference.Prediction` per image in the same
            order, at the image's own size; `inference.DepthPredictor` does.
        dataset: samples with "image", "name" and one of "depth" and "disparity".
        settings: the protocol; None takes the defaults.
        prediction_is: "disparity" or "depth"; `DepthPredictor.kind` says which.
        indices: positions in the dataset, for example one process's share; None takes all.
        progress: show a bar on the terminal.

    Returns:
        The result, rows in order of their index.

    Raises:
        ValueError: if the protocol does not fit the prediction or a label, a sample has no label, a label has another
            size than its image or prediction, or `predict` does not yield one prediction per image in order.
    """
    settings = settings or EvaluationSettings()
    _check_protocol(settings, prediction_is)
    result = EvaluationResult([], settings, prediction_is)
    order = list(range(len(dataset)) if indices is None else indices)
    waiting: deque[tuple[int, str, _Target]] = deque()

    def images() -> Iterator[tuple[str, np.ndarray]]:
        for index in order:
            try:
                sample = dataset[index]
            except UnreadableImageError as error:
                result.skipped_images.append({"index": index, "name": f"item {index}", "reason": str(error)})
                continue
            target = _target(sample, settings)
            if sample["image"].shape[:2] != target.depth.shape:
                raise ValueError(
                    f"{sample['name']}: the image is {sample['image'].shape[:2]} and its label {target.depth.shape}; "
                    "a dataset must give both at one size."
                )
            waiting.append((index, sample["name"], target))
            yield sample["name"], sample["image"]

    for prediction in tqdm(predict(images()), total=len(order), desc="evaluate", disable=not progress):
        if not waiting or waiting[0][1] != prediction.name:
            expected = waiting[0][1] if waiting else "no further image"
            raise ValueError(f"predictions must come in input order: expected {expected}, got {prediction.name}.")
        index, name, target = waiting.popleft()
        outcome = _score_or_reason(prediction, target, settings, prediction_is)
        if isinstance(outcome, str):
            result.skipped_images.append({"index": index, "name": name, "reason": outcome})
        else:
            result.rows.append({"index": index, "name": name, **outcome})
    answered = len(result.rows) + result.skipped
    if answered != len(order):
        raise ValueError(f"{len(order)} images gave {answered} predictions; expected one each.")
    return EvaluationResult.merge([result])


def _check_protocol(settings: EvaluationSettings, prediction_is: str) -> None:
    if prediction_is not in ("disparity", "depth"):
        raise ValueError(f"prediction_is must be 'disparity' or 'depth', got {prediction_is!r}.")
    if settings.alignment == "none" and prediction_is == "disparity":
        raise ValueError("a disparity of unknown scale cannot be compared with metres; use alignment='disparity'.")


def _target(sample: dict[str, Any], settings: EvaluationSettings) -> _Target:
    labels = [key for key in ("depth", "disparity") if sample.get(key) is not None]
    if len(labels) != 1:
        raise ValueError(f"{sample.get('name')}: expected one of 'depth' and 'disparity', got {labels or 'neither'}.")
    if labels == ["depth"]:
        depth = np.asarray(sample["depth"], dtype=np.float64)
        mask = (depth >= settings.min_depth) & (depth <= settings.max_depth)
        return _Target(depth, mask, settings.min_depth, settings.max_depth, in_metres=True)
    if settings.alignment == "none":
        raise ValueError(f"{sample.get('name')}: a disparity label has no metres; use alignment='disparity'.")
    disparity = np.asarray(sample["disparity"], dtype=np.float64)
    usable = np.isfinite(disparity) & (disparity > 0)
    nearest = disparity[usable].max() if usable.any() else 1.0
    depth = disparity_to_depth(disparity / nearest)
    ratio = settings.max_depth_ratio
    return _Target(depth, usable & (depth <= ratio), 1.0 / ratio, ratio, in_metres=False)


def _score_or_reason(
    prediction: Prediction, target: _Target, settings: EvaluationSettings, prediction_is: PredictionKind
) -> dict[str, float] | str:
    if prediction.error is not None or prediction.values is None:
        return prediction.error or "no prediction"
    if target.valid_pixels < settings.min_valid_pixels:
        return f"{target.valid_pixels} valid label pixels, the protocol wants {settings.min_valid_pixels}"
    if prediction.values.shape != target.depth.shape:
        raise ValueError(
            f"{prediction.name}: the prediction is {prediction.values.shape} and the label {target.depth.shape}; "
            "a predictor must answer at the image's own size."
        )
    inside = prediction.values[target.mask]
    broken = ~np.isfinite(inside)
    if broken.any():
        return f"the prediction is not finite at {int(broken.sum())} of {inside.size} valid pixels"
    if prediction_is == "depth" and settings.alignment == "disparity" and (inside <= 0).any():
        return f"the predicted depth is not positive at {int((inside <= 0).sum())} of {inside.size} valid pixels"
    return _score(prediction.values, target, settings, prediction_is)


def _score(
    prediction: np.ndarray, target: _Target, settings: EvaluationSettings, prediction_is: PredictionKind
) -> dict[str, float]:
    values = np.asarray(prediction, dtype=np.float64)
    if settings.alignment == "none":
        depth = np.clip(values, target.min_depth, target.max_depth)
        inside = values[target.mask]
        clamped = ((inside < target.min_depth) | (inside > target.max_depth)).mean() if inside.size else math.nan
    else:
        disparity = values if prediction_is == "disparity" else depth_to_disparity(values)
        depth, clamped = align_disparity(disparity, target.depth, target.mask, target.min_depth, target.max_depth)
    errors = depth_metrics(depth, target.depth, target.mask)
    nearness = values if prediction_is == "disparity" else -values
    errors["ordinal_accuracy"] = ordinal_accuracy(nearness, target.depth, target.mask, pairs=settings.ordinal_pairs)
    if not target.in_metres:
        for name in DEPTH_METRICS:
            if METRICS[name].needs == "metric_depth":
                errors[name] = math.nan
    return {
        "valid_pixels": target.valid_pixels,
        "clamped_share": float(clamped),
        "output_minimum": float(values.min()),
        "output_maximum": float(values.max()),
        "zero_share": float((values == 0).mean()),
        **{name: errors[name] for name in SCORES},
    }


def _row_schema() -> pa.Schema:
    identity = [("index", pa.int64()), ("name", pa.string()), ("valid_pixels", pa.int64())]
    return pa.schema(identity + [(name, pa.float64()) for name in (*DIAGNOSTICS, *SCORES)])


def _index(row: dict[str, Any]) -> int:
    return row["index"]


def _without_nan(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1e4 else f"{value:.3e}"
