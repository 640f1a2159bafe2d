# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of live sources that a kill has interrupted: completed from their parts, once, and without the source."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import needs_pyav, noise, times_of

from depth_anything_hf.data.prediction_list import read_entries
from depth_anything_hf.inference.prediction_folder import PredictionFolder
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.video import prediction as module
from depth_anything_hf.inference.video import recording
from depth_anything_hf.inference.video.outputs import VideoOutputs
from depth_anything_hf.inference.video.reading import read_video_prediction
from depth_anything_hf.inference.video.recorded_files import (
    complete_recordings,
    describe_live,
    digest_of,
    find_video_files,
)
from depth_anything_hf.inference.video.recording import record_video
from depth_anything_hf.inference.video.sequences import GivenFrames
from depth_anything_hf.inference.video.unfinished import UnfinishedVideo
from depth_anything_hf.utils import locks


class _KilledError(Exception):
    pass


class Camera(GivenFrames):
    """Frames that come at their own pace, without an end."""

    is_live = True

    def __init__(self) -> None:
        super().__init__(self._pictures())

    @staticmethod
    def _pictures() -> Iterator[np.ndarray]:
        number = 0
        while True:
            yield noise(number, (30, 40))
            number += 1
            time.sleep(0.002)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_FRAMES", 3)
    # On a busy machine many frames of the camera are left out between two.
    monkeypatch.setattr(recording, "LIVE_PART_SECONDS", 10**6)


def kill_recording(predictor: DepthPredictor, folder: Path, frames: int, formats: str = "npz,png16") -> Path:
    """Record from a camera until its process dies behind a frame; return the folder of what is left."""
    options = {"kind": "disparity", "temporal": "align", "smooth": False}
    outputs = VideoOutputs.make([formats], "inferno", False, None, None)
    (source,) = find_video_files(["camera:0"], folder)

    def kill(what: str, count: int) -> None:
        if count == frames:
            raise _KilledError

    with PredictionFolder(folder) as results:
        (planned,) = results.plan([source.file], list(outputs.suffixes))
        results.missing([planned], outputs.suffixes, options)
        unfinished = UnfinishedVideo(
            folder / planned.target, digest_of(options, outputs, source), describe_live(options, outputs, source)
        )
        unfinished.open()
        with pytest.raises(_KilledError):
            record_video(
                predictor, Camera(), outputs, unfinished, name="camera_0", temporal="align", smooth=False, tell=kill
            )
    return unfinished.folder


def complete(folder: Path) -> dict[str, int | None]:
    return {name: each and each.frames for name, each in complete_recordings(folder)}


def test_what_is_left_is_completed_once(small_predictor: DepthPredictor, tmp_path: Path):
    left = kill_recording(small_predictor, tmp_path, 8)
    assert complete(tmp_path) == {"camera_0": 6} and not left.exists()
    assert [frame.index for frame in read_video_prediction(tmp_path / "camera_0_video.json")] == list(range(6))
    assert "interrupted" in json.loads((tmp_path / "camera_0_video.json").read_text())["error"]
    assert read_entries(tmp_path)["camera_0"]["is_done"]
    assert complete(tmp_path) == {}
    # The next one has a name of its own.
    (following,) = find_video_files(["camera:0"], tmp_path)
    assert following.file.name == "camera_0_2"


def test_without_a_complete_part_the_name_is_free_again(small_predictor: DepthPredictor, tmp_path: Path):
    left = kill_recording(small_predictor, tmp_path, 2)
    assert complete(tmp_path) == {"camera_0": None} and not left.exists()
    (following,) = find_video_files(["camera:0"], tmp_path)
    assert following.file.name == "camera_0"


def test_parts_end_behind_some_seconds(
    small_predictor: DepthPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recording, "LIVE_PART_SECONDS", 0)
    kill_recording(small_predictor, tmp_path, 3, "npz")
    assert complete(tmp_path) == {"camera_0": 2}


def test_a_part_whose_state_was_not_written_counts(small_predictor: DepthPredictor, tmp_path: Path):
    left = kill_recording(small_predictor, tmp_path, 4, "npz")
    (left / "state.npz").unlink()
    assert complete(tmp_path) == {"camera_0": 3}


def test_parts_before_a_damaged_one_are_kept(small_predictor: DepthPredictor, tmp_path: Path):
    left = kill_recording(small_predictor, tmp_path, 10)
    (left / "frames" / "000004.npz").write_bytes(b"")
    assert complete(tmp_path) == {"camera_0": 3}


def test_a_kill_while_the_files_get_their_names_loses_none(small_predictor: DepthPredictor, tmp_path: Path):
    left = kill_recording(small_predictor, tmp_path, 7)
    (tmp_path / "camera_0_frames").mkdir()
    for name in ("000000.npz", "000000_16bit.png", "000001.npz"):
        (left / "frames" / name).rename(tmp_path / "camera_0_frames" / name)
    assert complete(tmp_path) == {"camera_0": 6}
    assert len(list(read_video_prediction(tmp_path / "camera_0_frames"))) == 6


def test_what_another_process_is_recording_is_left_alone(
    small_predictor: DepthPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    left = kill_recording(small_predictor, tmp_path, 4)
    with PredictionFolder(tmp_path), pytest.raises(ValueError, match="is predicting in"):
        complete(tmp_path)

    def no_locks(*_: object, **__: object) -> bool:
        raise OSError("no locks")

    with monkeypatch.context() as patch:
        patch.setattr(locks, "lock_descriptor", no_locks)
        assert complete(tmp_path) == {} and left.exists()
    (left / "README.txt").write_text("mine")
    assert complete(tmp_path) == {} and left.exists()


@needs_pyav
def test_the_videos_of_it_are_joined(small_predictor: DepthPredictor, tmp_path: Path):
    kill_recording(small_predictor, tmp_path, 7, "color,ffv1")
    assert complete(tmp_path) == {"camera_0": 6}
    assert len(times_of(tmp_path / "camera_0_depth.mp4")) == 6
    assert len(list(read_video_prediction(tmp_path / "camera_0_16bit.mkv"))) == 6
