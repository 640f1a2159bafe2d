# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A video in files: times, sound and values are kept, and what a killed run left is gone on with, bit for bit."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import cut_off, needs_pyav, noise, packets, times_of, write_clip

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.video import prediction as module
from depth_anything_hf.inference.video.outputs import VideoOutputs
from depth_anything_hf.inference.video.reading import read_video_prediction
from depth_anything_hf.inference.video.recording import Recording, record_video
from depth_anything_hf.inference.video.sources import open_video
from depth_anything_hf.inference.video.unfinished import UnfinishedVideo


ALL = ["color,side_by_side,ffv1,npz,png16"]


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(module, "SEGMENT_FRAMES", 6)


def record(
    predictor: DepthPredictor, clip: Path | str, folder: Path, formats: list[str] | None = None, **options: Any
) -> Recording:
    """Predict a clip into files, which then lie in `folder` as `predict` names them."""
    outputs = VideoOutputs.make(formats or ALL, "inferno", options.pop("legend", False), None, None)
    unfinished = UnfinishedVideo(folder / "clip", "digest")
    unfinished.open()
    source = open_video(clip)
    try:
        recording = record_video(
            predictor, source, outputs, unfinished, name="clip", **{"temporal": "align", "smooth": False, **options}
        )
    finally:
        source.close()
    for suffix, path in recording.files.items():
        path.rename(folder / f"clip{suffix}")
    if recording.numbered:
        (unfinished.folder / "frames").rename(folder / "clip_frames")
    return recording


@pytest.fixture(scope="module")
def recorded(small_predictor: DepthPredictor, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEGMENT_FRAMES", 6)
        recording = record(small_predictor, clip, folder)
    assert (recording.frames, recording.resumed, recording.error, recording.silent) == (20, 0, None, None)
    return folder


def test_times_and_sound_are_those_of_the_source(recorded: Path, clip: Path):
    assert times_of(recorded / "clip_depth.mp4") == times_of(clip) == times_of(recorded / "clip_side_by_side.mp4")
    assert packets(recorded / "clip_depth.mp4", "audio") == packets(clip, "audio")
    # Matroska has milliseconds.
    assert [float(time) for time in times_of(recorded / "clip_16bit.mkv")] == pytest.approx(
        [float(time) for time in times_of(clip)], abs=5.1e-4
    )


def test_the_coloured_video_is_one_that_every_player_takes(recorded: Path):
    import av

    content = (recorded / "clip_depth.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(recorded / "clip_depth.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 48, 64)
        assert (context.colorspace, context.color_range) == (1, 1)


def test_values_come_back_from_each_file(recorded: Path, small_predictor: DepthPredictor, clip: Path):
    expected = list(small_predictor.predict_video(clip))
    step = json.loads((recorded / "clip_video.json").read_text())["ranges"][-1]
    half = 0.52 * (step["maximum"] - step["minimum"]) / 65_534
    for name in ("clip_16bit.mkv", "clip_video.json", "clip_frames"):
        found = list(read_video_prediction(recorded / name))
        assert [frame.time for frame in found] == [frame.time for frame in expected]
        for frame, truth in zip(found, expected, strict=True):
            assert frame.kind == "disparity"
            np.testing.assert_allclose(frame.values, truth.values, atol=0 if name == "clip_frames" else half)


def test_another_library_reads_the_codes(recorded: Path):
    import cv2

    capture = cv2.VideoCapture(str(recorded / "clip_16bit.mkv"), cv2.CAP_FFMPEG, [cv2.CAP_PROP_CONVERT_RGB, 0])
    is_read, codes = capture.read()
    if not is_read or codes.dtype != np.uint16:
        pytest.skip("this OpenCV converts 16 bits")
    (first, *_) = read_video_prediction(recorded / "clip_16bit.mkv")
    told = json.loads((recorded / "clip_video.json").read_text())["ranges"][0]
    values = told["minimum"] + (codes.squeeze() - 1.0) / 65_534 * (told["maximum"] - told["minimum"])
    np.testing.assert_allclose(values, first.values, rtol=1e-6)


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("stop", [pytest.param(4, marks=pytest.mark.slow), 15])
def test_what_a_killed_run_left_is_gone_on_with_bit_for_bit(
    small_predictor: DepthPredictor, clip: Path, recorded: Path, tmp_path: Path, stop
):
    def kill(what: str, count: int) -> None:
        if count == stop:
            raise _KilledError

    with pytest.raises(_KilledError):
        record(small_predictor, clip, tmp_path, tell=kill)
    recording = record(small_predictor, clip, tmp_path)
    assert recording.resumed == stop // 6 * 6
    names = [path.relative_to(recorded) for path in recorded.rglob("*") if path.is_file()]
    # Four files of the video, two of each frame, and their list.
    names = [name for name in names if not name.parts[0].startswith(".")]
    assert len(names) == 4 + 2 * 20 + 1
    for name in names:
        assert (tmp_path / name).read_bytes() == (recorded / name).read_bytes(), name


@needs_pyav
@pytest.mark.usefixtures("usual_interrupts")
def test_a_camera_s_recording_ends_with_whole_frames(small_predictor: DepthPredictor, tmp_path: Path):
    def interrupt(what: str, count: int) -> None:
        if count == 4:
            signal.raise_signal(signal.SIGINT)

    recording = record(small_predictor, "camera:test", tmp_path, ["color,ffv1"], tell=interrupt, max_frames=30)
    assert recording.frames == 4 and recording.error is None
    assert len(times_of(tmp_path / "clip_depth.mp4")) == 4 == len(times_of(tmp_path / "clip_16bit.mkv"))


@pytest.mark.slow
def test_damaged_parts_are_made_again(small_predictor: DepthPredictor, clip: Path, tmp_path: Path):
    def kill(what: str, count: int) -> None:
        if count == 15:
            raise _KilledError

    with pytest.raises(_KilledError):
        record(small_predictor, clip, tmp_path, ["ffv1"], tell=kill)
    (tmp_path / ".clip.unfinished_video" / "part_00001_ffv1.nut").write_bytes(b"")
    assert record(small_predictor, clip, tmp_path, ["ffv1"]).resumed == 0


def test_parts_of_other_options_are_not_taken(tmp_path: Path):
    first = UnfinishedVideo(tmp_path / "clip", "one")
    first.open()
    (first.folder / "part_00000.json").write_text("{}")
    second = UnfinishedVideo(tmp_path / "clip", "two")
    second.open()
    assert second.parts == [] and not (second.folder / "part_00000.json").exists()
    second.remove()
    (tmp_path / ".clip.unfinished_video").mkdir()
    (tmp_path / ".clip.unfinished_video" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not written by an earlier run"):
        second.open()


@pytest.mark.slow
def test_of_a_shortened_video_the_frames_before_are_written(small_predictor: DepthPredictor, tmp_path: Path):
    write_clip(tmp_path / "a.mkv", [noise(i) for i in range(30)])
    recording = record(small_predictor, cut_off(tmp_path / "a.mkv", 0.6), tmp_path, ["color,ffv1"])
    assert recording.error is not None and f"the last good frame is {recording.frames - 1} (" in recording.error
    assert (
        len(times_of(tmp_path / "clip_depth.mp4"))
        == recording.frames
        == len(list(read_video_prediction(tmp_path / "clip_16bit.mkv")))
    )
    assert json.loads((tmp_path / "clip_video.json").read_text())["error"] == recording.error


def test_a_known_range_is_that_of_the_whole_clip(small_predictor: DepthPredictor, clip: Path, tmp_path: Path):
    record(small_predictor, clip, tmp_path, ["ffv1"], temporal="range")
    told = json.loads((tmp_path / "clip_video.json").read_text())
    values = [frame.values for frame in small_predictor.predict_video(clip, temporal="none")]
    (only,) = told["ranges"]
    assert only["minimum"] == pytest.approx(min(each.min() for each in values))
    assert only["maximum"] == pytest.approx(max(each.max() for each in values))
    assert told["colour_limits"] is not None


@needs_pyav
def test_sides_of_odd_length_get_a_pixel(small_predictor: DepthPredictor, tmp_path: Path):
    from PIL import Image

    (tmp_path / "frames").mkdir()
    for number in range(3):
        Image.fromarray(noise(number, (41, 53))).save(tmp_path / "frames" / f"{number}.png")
    record(small_predictor, tmp_path / "frames", tmp_path, ["color,ffv1"])
    import av

    with av.open(str(tmp_path / "clip_depth.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (54, 42)
    assert next(read_video_prediction(tmp_path / "clip_16bit.mkv")).values.shape == (41, 53)
