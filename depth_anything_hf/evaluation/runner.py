# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score predictions against a labelled dataset, image by image, and keep every number."""

from __future__ import annotations

import json
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from ..data.decoding.errors import BrokenSampleError
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..inference.predictor import OWN_POST_PROCESSING
from ..metrics.depth import METRICS, point_pairs_correct
from ..utils.redaction import redact_name
from ..visualization.figures import captioned, colour_map, encode_jpeg, mark_pairs, side_by_side, stacked, thickened
from .protocols import PROTOCOL_GROUPS, PROTOCOLS, SCORES, EvaluationSettings, protocol_named
from .results import DIAGNOSTICS, EvaluationResult, summary_of_sets
from .scoring import (
    PairTarget,
    Target,
    aligned_depth,
    at_label_size,
    check_fits,
    cut_sample,
    reason_to_skip,
    row_or_reason,
    score_image,
    target_of,
)


if TYPE_CHECKING:
    from accelerate import Accelerator

    from ..data.samples import SampleDataset
    from ..inference.predictor import DepthPredictor, Prediction

logger = logging.getLogger(__name__)

Predictor = Callable[[Iterable[tuple[str, np.ndarray]]], Iterator["Prediction"]]
Item = TypeVar("Item")
Answer = TypeVar("Answer")

SCORING_THREADS = min(4, os.cpu_count() or 1)
LOADED_AHEAD = 4
# Large sets are predicted in groups of several batches, so that the model seldom waits for a group's first images.
BATCHES_PER_GROUP = 4
GROUPS_OF_A_LARGE_SET = 16
SHEET_HEIGHT_PIXELS = 240
SHEET_WIDTH_PIXELS = 400  # of one panel
SHEET_LARGEST_ERROR = 0.5
SHEET_TITLE = f"image, aligned prediction, truth (bright = near), error |p - t| / t from 0 to {SHEET_LARGEST_ERROR}"
PAIR_SHEET_TITLE = "image, raw prediction (bright = near); dot = annotated as nearer, green = ordered right"


class LabelledDataset(Protocol):
    """Anything with a length whose items are samples with a label: `depth`, `disparity` or `pairs`.

    A method `name_of(index)`, if there is one, names a sample that cannot be read.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> dict[str, Any]: ...


def open_protocol(
    name: str, root: str | os.PathLike[str], split: str | None = None, limit: int | None = None
) -> tuple[SampleDataset, EvaluationSettings]:
    """Opens a benchmark as it was downloaded, with the settings that make its number.

    Args:
        name: of a protocol in `protocols.PROTOCOLS`, e.g. "nyu" or "nyu@1".
        root: folder of the data set in its official layout.
        split: another split of the reader than the protocol's; None takes the protocol's.
        limit: only the first so many images, for a trial.

    Returns:
        The dataset and the settings. With other images than the protocol's the settings say which, so that a result no
        longer passes as the protocol's. A warning is logged if the dataset has another number of images than the
        benchmark.

    Raises:
        ValueError: there is no such protocol or split.
        FileNotFoundError: files of the data set are missing; the message lists the first ten and their number.
    """
    from ..data.public.catalog import open_public

    protocol = protocol_named(name)
    dataset = open_public(protocol.reader, root, split=split or protocol.split, limit=limit, **protocol.options)
    if protocol.images is not None and len(dataset) != protocol.images:
        logger.warning(
            "%s: the benchmark has %d images, %s has %d; the score is not comparable with others",
            protocol.identifier,
            protocol.images,
            root,
            len(dataset),
        )
    deviations = [f"split {split}"] if split not in (None, _split_of(protocol.settings)) else []
    if limit == len(dataset) != protocol.images:
        deviations.append(f"first {limit}")
    if not deviations:
        return dataset, protocol.settings
    return dataset, replace(protocol.settings, images=", ".join(deviations))


def open_benchmarks(
    name: str, root: str | os.PathLike[str], split: str | None = None, limit: int | None = None
) -> tuple[dict[str, tuple[SampleDataset, EvaluationSettings]], dict[str, str]]:
    """Opens a protocol, or all of a group such as "moge-bundle" whose data is there.

    Args:
        name: of a protocol or of a group in `protocols.PROTOCOL_GROUPS`.
        root: as for `open_protocol`; of a group the folder with a sub-folder per set.
        split: as for `open_protocol`; a group takes none.
        limit: as for `open_protocol`, for each set.

    Returns:
        What `open_protocol` gives, by the protocol's name; and the protocols of the group whose sub-folder is not
        there, with the reason.

    Raises:
        ValueError: as `open_protocol`, or a split for a group.
        FileNotFoundError: as `open_protocol`; of a group, no set is there or one has files missing.
    """
    if name not in PROTOCOL_GROUPS:
        return {name: open_protocol(name, root, split, limit)}, {}
    if split is not None:
        raise ValueError(f"{name} runs every set on its own split; leave the split {split!r} out")
    opened, missing = {}, {}
    for member in PROTOCOL_GROUPS[name]:
        folder = Path(root).expanduser() / str(PROTOCOLS[member].split)
        if folder.is_dir():
            opened[member] = open_protocol(member, root, limit=limit)
        else:
            missing[member] = f"no folder {folder.name} in the root"
    if not opened:
        expected = ", ".join(str(PROTOCOLS[member].split) for member in PROTOCOL_GROUPS[name])
        raise FileNotFoundError(f"{root}: no set of {name} is there; expected at least one of the folders {expected}")
    return opened, missing


def description_of(
    predictor: DepthPredictor,
    model: str | os.PathLike[str],
    settings: EvaluationSettings,
    split: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """What a score was made with beside the protocol, for `EvaluationResult.save` and `table`.

    Args:
        predictor: that is scored.
        model: Hub id or folder that it was opened from; of a folder only the name is kept.
        settings: of the score.
        split: that was asked for; None takes that of the protocol, if there is one.
        limit: that was asked for.

    Returns:
        JSON values; None where something does not apply. A Hub id ends in `@` and the revision, where it is known.
    """
    has_own_upsampling = predictor.model.config.model_type in OWN_POST_PROCESSING
    is_folder = Path(model).expanduser().is_dir()
    revision = None if is_folder else getattr(predictor.model.config, "_commit_hash", None)
    name = Path(model).expanduser().resolve().name if is_folder else redact_name(model)
    return {
        "model": f"{name}@{revision}" if revision else name,
        "input_size": predictor.input_size,
        "precision": predictor.precision,
        "interpolation": getattr(predictor.processor, "interpolation", None),
        "upsampling": None if has_own_upsampling else getattr(predictor.processor, "upsampling", None) or "bilinear",
        "flip_averaging": predictor.flip_averaging,
        "batch_size": predictor.batch_size,
        "split": split or _split_of(settings),
        "limit": limit,
    }


def _split_of(settings: EvaluationSettings) -> str | None:
    """The split that the protocol of these settings takes by itself; None without a protocol, or if it takes all."""
    from ..data.public.catalog import public_dataset

    protocol = PROTOCOLS.get(settings.protocol.split("@")[0])
    if protocol is None:
        return None
    reader = public_dataset(protocol.reader)
    only_one = reader.splits[0] if len(reader.splits) == 1 else None
    return protocol.split or reader.default_split or only_one


def evaluate(
    predict: Predictor,
    dataset: LabelledDataset,
    settings: EvaluationSettings | None = None,
    *,
    prediction_kind: PredictionKind,
    indices: Iterable[int] | None = None,
    progress: bool = False,
) -> EvaluationResult:
    """Predict every image of a dataset and score it at the label's own resolution.

    An image is skipped, counted and listed with its reason if its dataset cannot read it or calls it broken
    (`BrokenSampleError`), its prediction failed or is not finite at the valid pixels, or it has fewer than
    `settings.min_valid_pixels` of them. A broken dataset or protocol raises.

    Samples are read and scores are computed in threads beside the model. The dataset is predicted in fixed groups of
    neighbouring images, one call of `predict` for each: the batches of a group, and with them the last bits of the
    predictions, are then the same on one process and on several (`indices_of_process`).

    Args:
        predict: takes an iterable of `(name, image)` and yields one `inference.Prediction` per image in the same
            order, at the image's own size; `inference.DepthPredictor` does. Its `batch_size` decides the groups;
            without this attribute every image is a group.
        dataset: samples with "image", "name" and one of "depth" and "disparity", or "pairs".
        settings: the protocol; None takes the defaults.
        prediction_kind: "disparity" or "depth"; `DepthPredictor.prediction_kind` says which.
        indices: positions in the dataset, for example one process's share; None takes all.
        progress: show a bar on the terminal.

    Returns:
        The result, rows in order of their index.

    Raises:
        ValueError: if the protocol does not fit the prediction or a label, a sample has no label, a label has another
            shape than its image, or `predict` does not yield one prediction per image in order.
    """
    settings = settings or EvaluationSettings()
    check_fits(settings, prediction_kind)
    result = EvaluationResult([], settings, prediction_kind)
    order = list(range(len(dataset)) if indices is None else indices)
    group_size = _group_size(predict, len(dataset))
    waiting: deque[_Loaded] = deque()

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
        return answer[0], _outcome(*answer, settings, prediction_kind)

    with (
        ThreadPoolExecutor(1, thread_name_prefix="load") as loading,
        ThreadPoolExecutor(SCORING_THREADS, thread_name_prefix="score") as scoring,
        tqdm(total=len(order), desc="evaluate", disable=not progress) as bar,
    ):
        samples = _ahead(loading, partial(_load, dataset, settings), order, LOADED_AHEAD)
        for loaded, outcome in _ahead(scoring, score, predictions(), 2 * SCORING_THREADS):
            identity = {"index": loaded.index, "name": loaded.name}
            if isinstance(outcome, str):
                result.skipped_images.append({**identity, "reason": outcome})
            else:
                result.rows.append({**identity, **outcome})
            bar.update(len(result.rows) + result.skipped - bar.n)
    answered = len(result.rows) + result.skipped
    if answered != len(order):
        raise ValueError(f"{len(order)} images gave {answered} predictions; expected one each.")
    return EvaluationResult.merge([result])


def indices_of_process(
    predict: Predictor, dataset: LabelledDataset, process_index: int, process_count: int
) -> list[int]:
    """The share of one process: whole groups of neighbouring images, dealt in turn.

    A group is the predictor's batch, or a few batches in a large dataset, whatever the number of processes.
    """
    size = _group_size(predict, len(dataset))
    return [index for index in range(len(dataset)) if index // size % process_count == process_index]


def evaluate_on_all_processes(
    predict: Predictor,
    dataset: LabelledDataset,
    settings: EvaluationSettings | None = None,
    *,
    prediction_kind: PredictionKind,
    accelerator: Accelerator,
    progress: bool = False,
) -> EvaluationResult:
    """As `evaluate`, with the images divided over the processes of an `accelerate` launch.

    Every process must call it and gets the whole result, whose rows do not depend on the number of processes (at one
    number of threads each: another number may change the last bits of a prediction).
    """
    from accelerate.utils import gather_object

    own = indices_of_process(predict, dataset, accelerator.process_index, accelerator.num_processes)
    shown = progress and accelerator.is_main_process
    result = evaluate(predict, dataset, settings, prediction_kind=prediction_kind, indices=own, progress=shown)
    return EvaluationResult.merge(gather_object([result]))


def save_report(
    folder: str | os.PathLike[str],
    result: EvaluationResult,
    dataset: LabelledDataset,
    predict: Predictor,
    made_with: Mapping[str, Any] | None = None,
) -> None:
    """Everything that is worth keeping of an evaluation.

    `results.json` and `per_image.parquet` (`EvaluationResult.save`); `card_entries.json`, what `hub.write_model_card`
    takes as `results`; and `errors.jpg` (`save_error_sheet`), unless no image was scored.

    Args:
        folder: created if it does not exist.
        result: scores of images of `dataset`.
        dataset: the one that `result` comes from.
        predict: as in `evaluate`; predicts the images of the sheet once more.
        made_with: see `description_of`.
    """
    folder = Path(folder)
    result.save(folder, made_with=made_with)
    entries = result.card_entries()
    for entry in entries.values():
        entry["metrics"] = {name: value for name, value in entry["metrics"].items() if math.isfinite(value)}
    text = json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "card_entries.json").write_text(text + "\n", encoding="utf-8")
    if result.rows:
        save_error_sheet(folder / "errors.jpg", result, dataset, predict)


def save_error_sheet(
    path: str | os.PathLike[str],
    result: EvaluationResult,
    dataset: LabelledDataset,
    predict: Predictor,
    metric: str | None = None,
    count: int = 2,
) -> Path:
    """A picture of the best, the median and the worst images, predicted once more: see where a score comes from.

    The columns are the image, the aligned prediction and the truth (nearer = brighter, one scale), and the error
    `|p - t| / t`, brightest from 0.5 on; pixels that do not count are grey. For point pairs: the image and the raw
    prediction with the pairs, green where the order is right and red where it is wrong. Sparse labels are thickened.
    Of a path only the file's name is shown, because the sheet may be published.

    Args:
        path: of the JPEG file; its folder is created.
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
        raise ValueError(f"no image has a score {metric!r}; the protocol gives {', '.join(result.settings.metrics)}.")
    ranked.sort(key=lambda row: (-row[metric] if METRICS[metric].higher_is_better else row[metric], row["index"]))
    pictures = []
    for word, row in _best_median_worst(ranked, count):
        sample = cut_sample(dataset[row["index"]], result.settings)
        (prediction,) = predict([(sample["name"], sample["image"])])
        if prediction.values is None:
            continue
        panels = _panels(prediction.values, sample, result.settings, result.prediction_kind)
        others = [name for name in ("delta1", "ordinal_accuracy") if name in row and name != metric]
        numbers = ", ".join(f"{name} {row[name]:.3f}" for name in (metric, *others))
        height = min(SHEET_HEIGHT_PIXELS, SHEET_WIDTH_PIXELS * panels[0].shape[0] // panels[0].shape[1])
        pictures.append(captioned(side_by_side(panels, height), f"{word}: {Path(row['name']).name}  {numbers}"))
    title = PAIR_SHEET_TITLE if result.settings.scores_pairs else SHEET_TITLE
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(captioned(stacked(pictures), title)))
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


def _panels(
    prediction: np.ndarray, sample: dict[str, Any], settings: EvaluationSettings, prediction_kind: PredictionKind
) -> list[np.ndarray]:
    target = target_of(sample, settings)
    if isinstance(target, PairTarget):
        nearness = prediction if prediction_kind == "disparity" else -prediction
        pairs = (target.nearer, target.farther, point_pairs_correct(nearness, target.nearer, target.farther))
        return [mark_pairs(sample["image"], *pairs), mark_pairs(colour_map(nearness), *pairs)]
    aligned, _ = aligned_depth(at_label_size(prediction, target, settings), target, settings, prediction_kind)
    depth = np.where(target.labelled, np.asarray(target.depth, dtype=np.float64), math.nan)
    truth = depth_to_disparity(depth)
    low, high = np.percentile(truth[np.isfinite(truth)], (2, 98))
    counted = np.where(target.mask, depth, math.nan)
    error = np.abs(aligned - counted) / counted
    return [
        sample["image"],
        colour_map(1.0 / aligned, low, high),
        colour_map(thickened(truth), low, high),
        colour_map(thickened(error), 0.0, SHEET_LARGEST_ERROR),
    ]


def _ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Answer], items: Iterable[Item], count: int
) -> Iterator[Answer]:
    """`map` in the pool's threads: in order, at most `count` items beyond the one asked for."""
    futures: deque[Future[Answer]] = deque()
    try:
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > count:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


def _group_size(predict: Predictor, images: int) -> int:
    """Images predicted together: depends on the dataset and the batch size only, not on the processes."""
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


def _load(dataset: LabelledDataset, settings: EvaluationSettings, index: int) -> _Loaded:
    try:
        sample = cut_sample(dataset[index], settings)
    except BrokenSampleError as error:
        return _Loaded(index, _known_name(dataset, index), np.zeros((0, 0, 3), dtype=np.uint8), None, str(error))
    target = target_of(sample, settings)
    return _Loaded(index, sample["name"], sample["image"], target, reason_to_skip(target, settings))


def _known_name(dataset: LabelledDataset, index: int) -> str:
    """The name of a sample that cannot be decoded."""
    name_of = getattr(dataset, "name_of", None)
    if name_of is not None:
        return name_of(index)
    frames = getattr(dataset, "frames", None)  # of `data.official_frames.PublicSamples`
    return f"item {index}" if frames is None else frames[index].name


def _outcome(
    loaded: _Loaded, prediction: Prediction, settings: EvaluationSettings, prediction_kind: PredictionKind
) -> dict[str, Any] | str:
    if prediction.error is not None or prediction.values is None:
        return prediction.error or "no prediction"
    if prediction.values.shape != loaded.image.shape[:2]:
        raise ValueError(
            f"{loaded.name}: the prediction is {prediction.values.shape} and the image {loaded.image.shape[:2]}; "
            "a predictor must answer at the image's own size."
        )
    assert loaded.target is not None
    try:
        return row_or_reason(prediction.values, loaded.target, settings, prediction_kind)
    except ValueError as error:
        raise ValueError(f"{loaded.name}: {error}") from error


__all__ = [
    "DIAGNOSTICS",
    "SCORES",
    "EvaluationResult",
    "EvaluationSettings",
    "LabelledDataset",
    "Predictor",
    "description_of",
    "evaluate",
    "evaluate_on_all_processes",
    "indices_of_process",
    "open_benchmarks",
    "open_protocol",
    "save_error_sheet",
    "save_report",
    "score_image",
    "summary_of_sets",
]
