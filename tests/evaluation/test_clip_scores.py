# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of clips with known answers: the truth, a shift in every frame, metres, no truth, faults."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from wall_clips import write_wall_clip

from depth_anything_hf.evaluation import clip_scores as module
from depth_anything_hf.evaluation.clip_scores import ClipScores, TreatmentScores, score_clip
from depth_anything_hf.evaluation.clips import ClipFrame, read_clip
from depth_anything_hf.evaluation.settings import settings_for
from depth_anything_hf.inference.prediction import Prediction


def predictor(answer: Callable[[int], np.ndarray | None]) -> Any:
    def predict(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for number, (name, _) in enumerate(images):
            values = answer(number)
            yield Prediction(name, values, None if values is not None else "no memory")

    return predict


def score(
    clip: Path | list[ClipFrame], answer: Callable[[int], np.ndarray | None], kind: Any = "disparity"
) -> ClipScores:
    frames = read_clip(str(clip)) if isinstance(clip, Path) else clip
    settings = settings_for(kind, "depth", None)
    return score_clip(predictor(answer), frames, prediction_kind=kind, settings=settings)


def rows_of(scores: ClipScores) -> dict[str, TreatmentScores]:
    return {row.treatment: row for row in scores.rows}


def test_the_truth_is_consistent_and_a_disturbed_clip_is_mended_by_alignment(tmp_path: Path) -> None:
    depths = write_wall_clip(tmp_path / "clip", frames=12)
    true = rows_of(score(tmp_path / "clip", lambda number: (3 / depths[number] + 1).astype(np.float32)))
    assert list(true) == ["none", "range", "scale, shift", "align", "align, smooth", "truth"]
    assert true["range"].delta1 == 1 and true["range"].consistency_error < 1e-4
    # The camera moves along the wall, so that what is seen becomes a little farther.
    assert true["range"].flicker == pytest.approx(true["truth"].flicker, rel=0.05)
    random = np.random.default_rng(0)
    changes = [(np.exp(random.normal(0, 0.3)), random.normal(0, 0.3)) for _ in depths]

    def disturbed(number: int) -> np.ndarray:
        scale, shift = changes[number]
        return (scale / depths[number] + shift).astype(np.float32)

    scores = score(tmp_path / "clip", disturbed)
    rows = rows_of(scores)
    assert scores.frames == 12 and scores.cuts == [] and scores.matched_share > 0.8
    assert rows["align"].flicker < rows["range"].flicker / 10
    assert rows["align"].consistency_error < rows["range"].consistency_error / 5
    assert rows["align"].delta1 > rows["range"].delta1
    assert rows["align"].delta1 > 0.99


def test_a_shift_of_every_second_frame_is_the_error_that_it_is(tmp_path: Path) -> None:
    depths = write_wall_clip(tmp_path / "clip")

    def shifted(number: int) -> np.ndarray:
        return (1 / depths[number] + (0.04 if number % 2 else 0)).astype(np.float32)

    rows = rows_of(score(tmp_path / "clip", shifted))
    disparity = 1 / np.stack(depths)
    low, high = np.percentile(disparity, [2, 98])
    # The shift, 0.02 to either side of its mean, is noise to the fit of one scale.
    scale = disparity.var() / (disparity.var() + 0.02**2)
    assert rows["range"].consistency_error == pytest.approx(scale * 0.04 / (high - low), rel=0.1)
    assert rows["range"].flicker == pytest.approx(0.04 / (high - low + 0.04), rel=0.2)
    assert rows["align"].consistency_error < rows["range"].consistency_error / 5


def test_of_long_clips_fewer_pixels_of_each_frame_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depths = write_wall_clip(tmp_path / "clip", frames=7)
    random = np.random.default_rng(0)
    bends = [cv2.resize(random.normal(0, 0.02, (4, 5)).astype(np.float32), (64, 48)) for _ in depths]

    def bent(number: int) -> np.ndarray:
        return (1 / depths[number] + bends[number]).astype(np.float32)

    whole = rows_of(score(tmp_path / "clip", bent))
    # Of the seventh frame, and then of all, an eighth.
    monkeypatch.setattr(module, "KEPT_SAMPLES", 7 * 2048 // 8)
    fewer = rows_of(score(tmp_path / "clip", bent))
    for name, row in whole.items():
        assert fewer[name].flicker == row.flicker
        assert fewer[name].delta1 == pytest.approx(row.delta1, abs=0.02)
        assert fewer[name].consistency_error == pytest.approx(row.consistency_error, rel=0.1)
    assert fewer["range"].consistency_error != whole["range"].consistency_error


def test_metres_are_compared_as_they_are(tmp_path: Path) -> None:
    depths = write_wall_clip(tmp_path / "clip", frames=4)
    rows = rows_of(score(tmp_path / "clip", lambda number: depths[number] * np.float32(1.3), "depth"))
    assert list(rows) == ["range", "smooth", "truth"]
    # 30 % too far everywhere is beyond 1.25, and no scale is fitted.
    assert rows["range"].delta1 == 0 and 0 < rows["range"].consistency_error < 0.01
    rows = rows_of(score(tmp_path / "clip", lambda number: depths[number], "depth"))
    assert rows["range"].delta1 == 1 and rows["range"].consistency_error < 1e-4


def test_frames_without_truth_have_flicker_alone(tmp_path: Path) -> None:
    depths = write_wall_clip(tmp_path / "clip", frames=11)
    # Frame 10 comes after frame 9.
    for number in range(11):
        (tmp_path / "clip" / "images" / f"{number:06d}.png").rename(tmp_path / "clip" / "images" / f"f{number}.png")
    scores = score(tmp_path / "clip" / "images", lambda number: 1 / depths[number])
    rows = rows_of(scores)
    assert scores.frames == 11 and "truth" not in rows and rows["range"].flicker < 0.02
    assert math.isnan(rows["align"].delta1) and math.isnan(rows["align"].consistency_error)
    record = json.loads(json.dumps(scores.record(), allow_nan=False))
    assert record["rows"][3]["delta1"] is None and record["frames"] == 11
    assert scores.table().splitlines()[4].split()[:3] == ["align", f"{100 * rows['align'].flicker:.3f}", "%"]


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    depths = write_wall_clip(tmp_path / "clip", frames=3)
    frames = list(read_clip(str(tmp_path / "clip")))
    assert len(list(read_clip(str(tmp_path / "clip"), limit=2))) == 2
    for source in (tmp_path / "clip", tmp_path / "clip" / "images"):
        with pytest.raises(ValueError, match="3072 pixels are more than the limit of 3071"):
            next(read_clip(str(source), max_pixels=48 * 64 - 1))
        assert len(list(read_clip(str(source), max_pixels=48 * 64))) == 3
    with pytest.raises(ValueError, match="at least two frames, got 1"):
        score(frames[:1], lambda number: 1 / depths[number])
    with pytest.raises(ValueError, match=r"frame images/000001.png cannot be predicted: no memory"):
        score(frames, lambda number: None if number == 1 else 1 / depths[number])
    other = ClipFrame("small", cv2.resize(frames[0].image, (32, 48)))
    with pytest.raises(ValueError, match="frame small has 48 x 32 pixels, those before 48 x 64"):
        score([*frames[:2], other], lambda number: np.ones((48, 64 if number < 2 else 32), np.float32))
    lines = (tmp_path / "clip" / "metadata.jsonl").read_text().replace("camera_to_world", "pose")
    (tmp_path / "clip" / "metadata.jsonl").write_text(lines)
    # Before any frame is asked for: a model may have to be loaded first.
    with pytest.raises(ValueError, match=r"expected frames of `render --clip`"):
        read_clip(str(tmp_path / "clip"))
    (tmp_path / "clip" / "metadata.jsonl").write_text("[1, 2]\n")
    with pytest.raises(ValueError, match="expected a record with file_name in each line"):
        read_clip(str(tmp_path / "clip"))
    with pytest.raises(FileNotFoundError, match=r"nothing\.mp4"):
        read_clip(str(tmp_path / "nothing.mp4"))
