# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score the predictions of a clip's frames under each temporal treatment, in one pass."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..geometry.alignment import fit_scale_and_shift
from ..geometry.disparity import PredictionKind
from ..geometry.picture_motion import find_motion, small_grey
from ..geometry.reprojection import find_in_view
from ..inference.video.alignment import TemporalAlignment
from ..inference.video.value_range import ClipRange
from ..metrics.depth import aligned_depth_metrics
from ..metrics.flicker import change_along_motion, change_on_matched_pixels, flicker_score, warped_consistency_error
from .clips import ClipFrame
from .evaluator import Predictor
from .settings import EvaluationSettings


# Pixels of a frame that are kept for what needs one scale and shift of all frames.
SAMPLED_PIXELS = 2048
# Of all frames together; where a clip has more of them, every second pixel of each frame is kept on.
KEPT_SAMPLES = 1 << 21
# Of all values of the clip: what flicker is a share of.
RANGE_PERCENTILES = (2.0, 98.0)
NEAREST_METRES = 1e-3


@dataclass(frozen=True)
class TreatmentScores:
    """The scores of one temporal treatment; NaN where the clip has no truth to measure by.

    Attributes:
        treatment: "none", each frame in a range of its own, as pictures of single frames are; "range", the values as
            they are; "scale, shift", alignment without its local correction; "align"; "align, smooth" or, for metres,
            "smooth"; "truth", the true disparity.
        flicker: see `metrics.flicker_score`.
        consistency_error: see `metrics.warped_consistency_error`.
        delta1: of all frames together, with one scale and shift for all of them; of metres as they are.
        milliseconds: of the treatment, for a frame.
    """

    treatment: str
    flicker: float
    consistency_error: float
    delta1: float
    milliseconds: float


@dataclass(frozen=True)
class ClipScores:
    """The scores of a clip.

    Attributes:
        rows: by treatment.
        frames: how many were scored.
        cuts: indices of the frames with which the alignment saw a new scene begin.
        matched_share: of the pixels, known again from one frame to the next.
        prediction_kind: "disparity" or "depth".
    """

    rows: list[TreatmentScores]
    frames: int
    cuts: list[int]
    matched_share: float
    prediction_kind: PredictionKind

    @property
    def has_truth(self) -> bool:
        """Whether the depth of every frame is known."""
        return any(row.treatment == "truth" for row in self.rows)

    def table(self) -> str:
        """Return a table as text."""
        lines = [f"{'treatment':<16}{'flicker':>10}{'consistency':>13}{'delta1':>9}{'ms a frame':>12}"]
        for row in self.rows:
            numbers = [_percent(row.flicker), _percent(row.consistency_error), _number(row.delta1)]
            cost = "" if np.isnan(row.milliseconds) else f"{row.milliseconds:.1f}"
            lines.append(f"{row.treatment:<16}{numbers[0]:>10}{numbers[1]:>13}{numbers[2]:>9}{cost:>12}")
        cuts = ", ".join(map(str, self.cuts)) or "none"
        lines.append(
            f"{self.frames} frames, {100 * self.matched_share:.0f} % of the pixels known again from frame to frame, "
            f"cuts: {cuts}"
        )
        lines.append("flicker and consistency error: smaller is steadier, % of the range; delta1: larger is better")
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """Return JSON values; None for NaN."""
        rows = [{name: None if value != value else value for name, value in asdict(row).items()} for row in self.rows]
        return {**asdict(self), "rows": rows}


class _Track:
    """What is kept of one treatment."""

    def __init__(self, name: str, treat: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.name, self.treat = name, treat
        self.range = ClipRange()
        self.changes: list[float] = []
        # Of the sampled pixels of each frame; how they differ from the frame before, NaN where that did not see them.
        self.samples: list[np.ndarray] = []
        self.moves: list[np.ndarray] = []
        self.previous: np.ndarray | None = None
        self.seconds = 0.0

    def keep_every_second(self) -> None:
        """Keep every second sampled pixel of each frame."""
        self.samples = [_every_second(each) for each in self.samples]
        self.moves = [_every_second(each) for each in self.moves]


def score_clip(
    predict: Predictor,
    frames: Iterable[ClipFrame],
    *,
    prediction_kind: PredictionKind,
    settings: EvaluationSettings,
) -> ClipScores:
    """Predict a clip once, treat it in every way, and measure steadiness and, by its truth, depth.

    What is measured is disparity, of metres their inverse, so that far and near count as they are seen. Memory is
    bounded: where there is truth, 2,048 pixels of each frame are kept, of clips of more than 1,024 frames fewer.

    Args:
        predict: of images, such as a `DepthPredictor`.
        frames: of one size.
        prediction_kind: of the predictions.
        settings: range and alignment of depth, see `settings.settings_for`.

    Raises:
        ValueError: less than two frames, frames of several sizes, or one that cannot be predicted.
    """
    is_metric = prediction_kind == "depth"
    alignment = TemporalAlignment(prediction_kind)
    cuts: list[int] = []
    tracks = _make_tracks(prediction_kind, alignment, cuts)
    true_track = _Track("truth", lambda image, values: values)
    depths: list[np.ndarray] = []
    matched: list[float] = []
    previous: ClipFrame | None = None
    previous_grey: np.ndarray | None = None
    count, step = 0, 1
    for frame, values in _predicted(predict, frames):
        if previous is not None and frame.image.shape != previous.image.shape:
            raise ValueError(
                f"frame {frame.name} has {frame.image.shape[0]} x {frame.image.shape[1]} pixels, those before "
                f"{previous.image.shape[0]} x {previous.image.shape[1]}; the frames of a clip have one size"
            )
        grey = small_grey(frame.image)
        motion = None if previous_grey is None else find_motion(previous_grey, grey)
        if motion is not None:
            matched.append(float(motion.matched.mean()))
        if (len(depths) + 1) * (SAMPLED_PIXELS // step) > KEPT_SAMPLES and step < SAMPLED_PIXELS:
            step *= 2
            depths = [_every_second(each) for each in depths]
            for track in [*tracks, true_track]:
                track.keep_every_second()
        rows, columns = _sampled_pixels(*values.shape)
        pixels = rows[::step], columns[::step]
        view = _view_of(frame, previous)
        disparity = None if frame.depth is None else (1 / frame.depth).astype(np.float32)
        if frame.depth is not None:
            depths.append(frame.depth[pixels])
        for track in [*tracks, *([true_track] if disparity is not None else [])]:
            begin = time.perf_counter()
            treated = disparity if track is true_track else track.treat(frame.image, values)
            assert treated is not None
            track.seconds += time.perf_counter() - begin
            shown = 1 / np.maximum(treated, NEAREST_METRES) if is_metric and track is not true_track else treated
            track.range.add(shown)
            if motion is not None and track.previous is not None:
                track.changes.append(change_on_matched_pixels(track.previous, shown, motion))
                if view is not None:
                    x, y, seen = (each[pixels] for each in view)
                    moves = np.full(seen.shape, np.nan)
                    moves[seen] = change_along_motion(shown[pixels][seen], track.previous, x[seen], y[seen])
                    track.moves.append(moves)
            if disparity is not None and track is not true_track:
                track.samples.append(treated[pixels])
            track.previous = shown
        previous, previous_grey = frame, grey
        count += 1
    if count < 2:
        raise ValueError(f"a clip needs at least two frames, got {count}")
    has_truth = len(depths) == count
    scored = [_scores_of(track, depths, true_track, settings, prediction_kind, count) for track in tracks]
    if has_truth:
        flickers = flicker_score(np.array(true_track.changes), *true_track.range.limits(*RANGE_PERCENTILES))
        consistency = 0.0 if true_track.moves else float("nan")
        scored.append(TreatmentScores("truth", flickers, consistency, 1.0, float("nan")))
    return ClipScores(scored, count, cuts, float(np.mean(matched)), prediction_kind)


def _make_tracks(prediction_kind: PredictionKind, alignment: TemporalAlignment, cuts: list[int]) -> list[_Track]:
    smoothing = TemporalAlignment(prediction_kind, smooth=True)
    whole = TemporalAlignment(prediction_kind, local=False)
    numbers = itertools.count()

    def align(image: np.ndarray, values: np.ndarray) -> np.ndarray:
        aligned = alignment(image, values)
        number = next(numbers)
        if aligned.is_cut:
            cuts.append(number)
        return aligned.values

    def smooth(image: np.ndarray, values: np.ndarray) -> np.ndarray:
        return smoothing(image, values).values

    if prediction_kind == "depth":
        return [_Track("range", lambda image, values: values), _Track("smooth", smooth)]
    return [
        _Track("none", lambda image, values: _in_own_range(values)),
        _Track("range", lambda image, values: values),
        _Track("scale, shift", lambda image, values: whole(image, values).values),
        _Track("align", align),
        _Track("align, smooth", smooth),
    ]


def _predicted(predict: Predictor, frames: Iterable[ClipFrame]) -> Iterator[tuple[ClipFrame, np.ndarray]]:
    waiting: deque[ClipFrame] = deque()

    def images() -> Iterator[tuple[str, np.ndarray]]:
        for frame in frames:
            waiting.append(frame)
            yield frame.name, frame.image

    for prediction in predict(images()):
        frame = waiting.popleft()
        if prediction.values is None:
            raise ValueError(f"frame {frame.name} cannot be predicted: {prediction.error}")
        yield frame, prediction.values


def _view_of(frame: ClipFrame, previous: ClipFrame | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    if previous is None or frame.depth is None or previous.depth is None:
        return None
    if frame.pose is None or previous.pose is None or frame.intrinsics is None:
        return None
    return find_in_view(frame.depth, frame.pose, previous.depth, previous.pose, frame.intrinsics)


def _sampled_pixels(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of evenly spread pixels."""
    chosen = np.linspace(0, height * width - 1, min(SAMPLED_PIXELS, height * width)).astype(np.int64)
    rows, columns = np.divmod(chosen, width)
    return rows, columns


def _every_second(values: np.ndarray) -> np.ndarray:
    # A copy: a view would keep all of them.
    return values[::2].copy()


def _in_own_range(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, RANGE_PERCENTILES)
    stretched: np.ndarray = (values - np.float32(low)) / np.float32(high - low if high > low else 1)
    return stretched


def _scores_of(
    track: _Track,
    depths: list[np.ndarray],
    true_track: _Track,
    settings: EvaluationSettings,
    prediction_kind: PredictionKind,
    count: int,
) -> TreatmentScores:
    limits = track.range.limits(*RANGE_PERCENTILES)
    flickers = flicker_score(np.array(track.changes), *limits)
    delta1 = consistency = float("nan")
    if len(depths) == count:
        depth, predicted = np.stack(depths), np.stack(track.samples)
        mask = np.isfinite(depth) & (depth >= settings.min_depth) & (depth <= settings.max_depth)
        means = aligned_depth_metrics(
            predicted, depth, mask, settings.alignment, prediction_kind, settings.min_depth, settings.max_depth
        )
        delta1 = means["delta1"]
        if track.moves:
            scale = 1.0
            if prediction_kind == "disparity":
                target = np.where(mask, 1 / np.where(mask, depth, 1), 0)
                scale = fit_scale_and_shift(predicted, target, mask)[0]
            moves, true_moves = np.concatenate(track.moves), np.concatenate(true_track.moves)
            is_seen = ~np.isnan(true_moves)
            moves, true_moves = moves[is_seen], true_moves[is_seen]
            consistency = warped_consistency_error(
                moves, true_moves, scale, *true_track.range.limits(*RANGE_PERCENTILES)
            )
    return TreatmentScores(track.name, flickers, consistency, delta1, 1e3 * track.seconds / count)


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.3f} %"


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
