# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict_video`: typed frames in order, those of pictures, in bounded memory, from every source."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import cut_off, needs_pyav, noise, write_clip

from depth_anything_hf.inference.calibration import Calibration
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.video import prediction as module
from depth_anything_hf.inference.video.frames import VideoError
from depth_anything_hf.inference.video.limits import disparity_limits
from depth_anything_hf.utils.option_errors import OptionError


CALIBRATION = Calibration("disparity", 0.5, 0.1, 3, 0, 0.02, 0.0, 9.0)


def test_frames_are_predicted_as_pictures_are(small_predictor: DepthPredictor, clip: Path):
    frames = list(small_predictor.predict_video(clip, temporal="none"))
    assert [frame.index for frame in frames] == list(range(20))
    times = [frame.time for frame in frames]
    assert all(isinstance(time, Fraction) for time in times) and times == sorted(times) and times[0] == 0
    for frame in frames[::7]:
        assert frame.image.shape == (64, 48, 3) and frame.values.shape == (64, 48)
        assert frame.values.dtype == np.float32 and frame.kind == "disparity"
        np.testing.assert_allclose(frame.values, small_predictor.predict(frame.image), atol=1e-6)
        assert (frame.scale, frame.shift, frame.is_cut) == (1, 0, False)
        assert frame.limits == disparity_limits(frame.values, "disparity")


def test_one_range_holds_for_all_frames(small_predictor: DepthPredictor, clip: Path):
    frames = list(small_predictor.predict_video(clip, temporal="range", max_frames=6))
    assert len(frames) == 6 and len({frame.limits for frame in frames}) == 1
    np.testing.assert_allclose(frames[3].values, small_predictor.predict(frames[3].image), atol=1e-6)


def test_metres_are_never_rescaled(metric_predictor: DepthPredictor, clip: Path):
    (first, *_, last) = metric_predictor.predict_video(clip, temporal="align", max_frames=4)
    assert first.kind == "depth"
    for frame in (first, last):
        np.testing.assert_allclose(frame.values, metric_predictor.predict(frame.image), atol=1e-6)
    with pytest.raises(ValueError, match="metres already"):
        metric_predictor.predict_video(clip, calibration=CALIBRATION)


def test_a_calibration_gives_metres(small_predictor: DepthPredictor, clip: Path):
    (frame,) = small_predictor.predict_video(clip, calibration=CALIBRATION, max_frames=1)
    assert frame.kind == "depth"
    np.testing.assert_allclose(
        frame.values, CALIBRATION.apply(small_predictor.predict(frame.image)), rtol=1e-5, equal_nan=True
    )


def test_a_stream_is_read_only_a_little_ahead_and_closed(small_predictor: DepthPredictor):
    taken, closed = [], threading.Event()

    def frames():
        try:
            for number in range(1_000):
                taken.append(number)
                yield noise(number)
        finally:
            closed.set()

    threads = threading.active_count()
    predictions = small_predictor.predict_video(frames(), fps=10, temporal="none")
    for number in range(5):
        assert next(predictions).time == Fraction(number, 10)
    assert len(taken) < 5 + 60
    predictions.close()
    assert closed.is_set() and threading.active_count() == threads


def test_passes_do_not_mix_segments(small_predictor: DepthPredictor, clip: Path, monkeypatch):
    monkeypatch.setattr(module, "SEGMENT_FRAMES", 5)
    frames = list(small_predictor.predict_video(clip, max_frames=12))
    assert [frame.index for frame in frames if frame.state is not None] == [4, 9]


def test_behind_the_last_good_frame_the_error_names_it(small_predictor: DepthPredictor, tmp_path: Path):
    write_clip(tmp_path / "a.mp4", [noise(i) for i in range(30)], container_options={"movflags": "faststart"})
    predictions = small_predictor.predict_video(cut_off(tmp_path / "a.mp4", 0.6), temporal="none")
    seen, message = [], ""
    try:
        for frame in predictions:
            seen.append(frame.index)  # noqa: PERF401
    except VideoError as error:
        message = str(error)
    assert 5 < len(seen) < 28 and f"the last good frame is {seen[-1]} (" in message


@needs_pyav
def test_a_camera_gives_its_newest_frames(small_predictor: DepthPredictor):
    frames = list(small_predictor.predict_video("camera:test", max_frames=3, temporal="none"))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].time < frames[1].time < frames[2].time and frames[0].values.shape == (480, 640)


def test_bad_options_are_refused_at_once(small_predictor: DepthPredictor, clip: Path):
    with pytest.raises(OptionError, match="temporal must be one of"):
        small_predictor.predict_video(clip, temporal="aligned")
    with pytest.raises(OptionError, match="reads the video twice"):
        small_predictor.predict_video(iter([noise(0)]), temporal="range")
    with pytest.raises(OptionError, match="max_frames must be at least 1"):
        small_predictor.predict_video(clip, max_frames=0)
    with pytest.raises(FileNotFoundError, match="no such video"):
        small_predictor.predict_video(clip.with_name("other.mp4"))
