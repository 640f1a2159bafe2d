# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict` of videos: their files, what is done again, what is kept of damaged ones, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import pytest
from clips import cut_off, needs_pyav, noise, packets, times_of, uneven_times, write_clip
from command_line import files_below, run
from PIL import Image

from depth_anything_hf.cli import predict_video
from depth_anything_hf.inference import read_video_prediction
from depth_anything_hf.inference.predictor import DepthPredictor


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_clip(tmp_path / "clip.mp4", [noise(i) for i in range(8)], uneven_times(8), rotation=90, has_sound=True)
    return tmp_path / "clip.mp4"


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    (tmp_path / "shot").mkdir()
    for number in (1, 2, 10):
        Image.fromarray(noise(number, (30, 40))).save(tmp_path / "shot" / f"f{number}.png")
    return tmp_path / "shot"


class Quiet(SimpleHTTPRequestHandler):
    """A server; answers end after three fifths of the file where `breaks` says so of the next one."""

    breaks: ClassVar[list[bool]] = []

    def log_message(self, *_: object) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        if Quiet.breaks and Quiet.breaks.pop(0):
            content = content[: len(content) * 3 // 5]
        with suppress(OSError):
            outputfile.write(content)


def predict(*arguments: Any) -> Any:
    return run("predict", *arguments, "--device", "cpu", "--engine", "torch")


def test_a_video_becomes_a_video_and_numbers(model: Path, clip: Path, tmp_path: Path) -> None:
    command = (clip, "-o", tmp_path / "out", "-m", model)
    result = predict(*command)
    assert result.exit_code == 0, result.output
    assert "clip.mp4: 8 frames predicted" in result.output and "1 of 1 video predicted, see" in result.output
    written = ["clip_16bit.mkv", "clip_depth.mp4", "clip_video.json", "predictions.json"]
    assert files_below(tmp_path / "out") == written
    assert times_of(tmp_path / "out" / "clip_depth.mp4") == times_of(clip)
    assert packets(tmp_path / "out" / "clip_depth.mp4", "audio") == packets(clip, "audio")
    expected = list(DepthPredictor.from_pretrained(model, device="cpu").predict_video(clip))
    for stored, frame in zip(read_video_prediction(tmp_path / "out" / "clip_16bit.mkv"), expected, strict=True):
        assert stored.time == frame.time and stored.values.shape == (64, 48)
        np.testing.assert_allclose(stored.values, frame.values, atol=1e-4 * np.ptp(frame.values))
    # Nothing is left to do; further formats are added, and others stay.
    before = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in written[:2]}
    assert "1 of 1 video predicted, 1 of them earlier" in predict(*command).output
    assert predict(*command, "--format", "side_by_side,npz", "--legend").exit_code == 0
    assert "clip_frames/000007.npz" in files_below(tmp_path / "out")
    assert before == {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in written[:2]}
    # Its own videos are no sources, and its own pictures no photographs.
    with pytest.warns(UserWarning, match="left out 1 .mp4: written by an earlier run"):
        again = predict(clip, tmp_path / "out" / "clip_depth.mp4", "-o", tmp_path / "out", "-m", model)
    assert "1 of 1 video predicted, 1 of them earlier" in again.output, again.output


@needs_pyav
def test_a_folder_is_a_sequence_if_asked_for(model: Path, frames: Path, tmp_path: Path) -> None:
    command = ("-o", tmp_path / "out", "-m", model, "--format", "color,png16", "--fps", "12.5")
    result = predict(frames, *command, "--video")
    assert result.exit_code == 0, result.output
    assert "shot: 3 frames predicted" in result.output
    assert [float(time) for time in times_of(tmp_path / "out" / "shot_depth.mp4")] == [0, 0.08, 0.16]
    assert len(list(read_video_prediction(tmp_path / "out" / "shot_frames"))) == 3
    refused = predict(frames, *command)
    assert refused.exit_code == 2 and "--fps without effect" in refused.output
    with pytest.warns(UserWarning, match="7 numbers between 1 and 10 without a picture"):
        assert predict(frames / "f%d.png", *command).exit_code == 0
    # Another rate replaces what the earlier one made, and leaves no empty folder.
    assert predict(frames, *command[:4], "--video").exit_code == 0
    assert not (tmp_path / "out" / "shot_frames").exists()


def test_a_model_of_metres_writes_metres(
    metric_model: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_video, "COARSE_STEP_METRES", 1e-6)
    command = ("-o", tmp_path / "out", "-m", metric_model, "--format", "ffv1,mm", "--max_depth", "15")
    result = predict(clip, *command, "--max_frames", 3)
    assert result.exit_code == 0 and "metres along the optical axis" in result.output
    (range_, *_) = json.loads((tmp_path / "out" / "clip_video.json").read_text())["ranges"]
    step = 100 * (range_["maximum"] - range_["minimum"]) / 65_534
    assert f"the codes of clip_16bit.mkv are {step:.2g} cm apart" in result.output
    codes = np.asarray(Image.open(tmp_path / "out" / "clip_frames" / "000002_mm.png"))
    *_, last = read_video_prediction(tmp_path / "out" / "clip_16bit.mkv")
    assert last.index == 2 and last.kind == "depth"
    np.testing.assert_allclose(np.nan_to_num(last.values), codes / 1000, atol=1e-3)


def test_of_a_shortened_video_the_frames_before_are_kept(model: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", [noise(i) for i in range(30)])
    short = cut_off(tmp_path / "a.mkv", 0.6)
    command = (short, "-o", tmp_path / "out", "-m", model, "--format", "color")
    for _ in range(2):
        result = predict(*command)
        assert result.exit_code == 3
        assert "1 of 1 video incomplete" in result.output and "the last good frame is" in result.output
    count = len(times_of(tmp_path / "out" / "short_a_depth.mp4"))
    assert 5 < count < 28 and json.loads((tmp_path / "out" / "short_a_video.json").read_text())["frames"] == count


@needs_pyav
def test_a_camera_s_recordings_are_kept(model: Path, tmp_path: Path) -> None:
    command = ("camera:test", "-o", tmp_path / "out", "-m", model, "--max_frames", 2, "--format", "color")
    for _ in range(2):
        result = predict(*command)
        assert result.exit_code == 0, result.output
    assert [name for name in files_below(tmp_path / "out") if name.endswith(".mp4")] == [
        "camera_test_2_depth.mp4",
        "camera_test_depth.mp4",
    ]


@needs_pyav
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="other systems keep files of a killed process open for a while")
def test_a_recording_that_was_killed_is_completed_by_the_next(model: Path, tmp_path: Path) -> None:
    command = ["predict", "camera:test", "-o", tmp_path / "out", "-m", model, "--fps", 4, "--format", "color,npz"]
    command += ["--device", "cpu", "--engine", "torch"]
    program = [sys.executable, "-m", "depth_anything_hf.cli", *map(str, command)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 100
        while not list((tmp_path / "out").glob(".*/part_00000.json")) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)
        process.kill()
    assert not list((tmp_path / "out").glob("*_depth.mp4"))
    result = run(*command, "--max_frames", 2)
    assert result.exit_code == 0 and "frames of a recording that was interrupted, completed" in result.output
    assert "1 of 1 video predicted" in result.output
    count = len(times_of(tmp_path / "out" / "camera_test_depth.mp4"))
    assert count > 1 and len(list(read_video_prediction(tmp_path / "out" / "camera_test_frames"))) == count
    assert len(times_of(tmp_path / "out" / "camera_test_2_depth.mp4")) == 2
    assert not list((tmp_path / "out").glob(".*.unfinished_video"))


def test_nothing_of_the_user_s_is_replaced(model: Path, clip: Path, frames: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "clip_frames").mkdir(parents=True)
    (tmp_path / "out" / "clip_depth.mp4").write_text("mine")
    (tmp_path / "out" / "clip_frames" / "000003.npz").write_text("mine")
    command = (clip, "-o", tmp_path / "out", "-m", model)
    result = predict(*command)
    assert result.exit_code == 1 and "clip_depth.mp4: already there and not written by an earlier run" in result.output
    result = predict(*command, "--format", "npz")
    assert result.exit_code == 1 and "000003.npz: already there" in result.output
    assert files_below(tmp_path / "out") == ["clip_depth.mp4", "clip_frames/000003.npz"]
    assert predict(*command, "--overwrite").exit_code == 0
    assert len(times_of(tmp_path / "out" / "clip_depth.mp4")) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clip.mp4", "shot/f1.png"], "clip.mp4 is a video and shot/f1.png is not"),
        (["shot", "--temporal", "align"], "--temporal without effect: shot is no video"),
        (["clip.mp4", "--temporal", "flow"], "temporal must be one of"),
        (["clip.mp4", "--fov", "60"], "--fov: for pictures, not for videos"),
        (["clip.mp4", "--sensor_width", "5.6", "--max_points", "9"], "--sensor_width, --max_points: for pictures"),
        (["clip.mp4", "--edge_threshold", "0.1"], "--edge_threshold: for pictures"),
        (["clip.mp4", "--raw", "--format", "ffv1"], "--raw is --format npz"),
        (["clip.mp4", "--format", "jpg"], "format of a video must be one of"),
        (["clip.mp4", "--fps", "0"], "fps must be a number"),
        (["clip.mp4", "--max_frames", "0"], "max_frames must be at least 1"),
        (["clip.mp4", "--format", "ffv1", "--legend"], "legend is for the formats"),
        (["clip.mp4", "--format", "mm"], "--format mm needs metres"),
        (["camera:test", "--temporal", "range"], "--temporal range reads a video twice"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    model: Path, clip: Path, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, message
) -> None:
    monkeypatch.chdir(tmp_path)
    result = predict(*arguments, "-o", "out", "-m", model)
    assert result.exit_code == 2 and message in " ".join(result.output.split()), result.output
    assert not (tmp_path / "out").exists() or files_below(tmp_path / "out") == []


def test_sound_behind_the_last_picture_is_kept(model: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", [noise(i) for i in range(6)], [*range(0, 15_000, 3_000), 60_000], has_sound=True)
    import av

    with av.open(str(tmp_path / "a.mp4")) as container, av.open(str(tmp_path / "b.mp4"), "w") as output:
        streams = {each.index: output.add_stream_from_template(each) for each in container.streams}
        for packet in container.demux():
            if packet.size and (packet.stream.type == "audio" or packet.pts < 15_000):
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    command = ("-m", model, "--format", "color")
    assert predict(tmp_path / "b.mp4", "-o", tmp_path / "all", *command).exit_code == 0
    sound = packets(tmp_path / "b.mp4", "audio")
    assert packets(tmp_path / "all" / "b_depth.mp4", "audio") == sound
    assert predict(tmp_path / "b.mp4", "-o", tmp_path / "some", *command, "--max_frames", 3).exit_code == 0
    few = packets(tmp_path / "some" / "b_depth.mp4", "audio")
    assert few == sound[: len(few)] and 0 < len(few) < 8 < len(sound)


def test_a_url_is_known_by_all_of_it_and_by_its_size(model: Path, tmp_path: Path) -> None:
    for name, count in (("one", 2), ("two", 3)):
        (tmp_path / name).mkdir()
        write_clip(tmp_path / name / "a.mp4", [noise(i) for i in range(count)])
    command = ("-o", tmp_path / "out", "-m", model, "--format", "npz")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for earlier in ("", ", 1 of them earlier"):
            assert f"1 of 1 video predicted{earlier}, see" in predict(f"{url}/one/a.mp4", *command).output
        refused = predict(f"{url}/two/a.mp4", *command)
        assert refused.exit_code == 1 and "holds the prediction of another a.mp4" in refused.output
        (tmp_path / "two" / "a.mp4").replace(tmp_path / "one" / "a.mp4")
        assert "a.mp4: 3 frames predicted" in predict(f"{url}/one/a.mp4", *command).output
        server.shutdown()


@pytest.mark.slow
def test_a_connection_that_broke_off_is_named_and_its_video_predicted_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "a.mkv", [noise(i) for i in range(12)], has_sound=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.mkv"

        def outcome(breaks: list[bool], formats: str) -> tuple[int, str]:
            monkeypatch.setattr(Quiet, "breaks", breaks)
            result = predict(url, "-o", tmp_path / "out", "-m", model, "--format", formats)
            return result.exit_code, result.output

        # The first answer is for the format, the next one for the pictures, the third for the sound.
        exit_code, output = outcome([False, True], "color,npz")
        assert exit_code == 3 and "0 of 1 video predicted" in output
        count = len(times_of(tmp_path / "out" / "a_depth.mp4"))
        assert 3 < count < 10
        assert "the connection broke off (" in output and f"the last good frame is {count - 1} (" in output, output
        # What it had the pictures of is no part of the next one.
        exit_code, output = outcome([False, False, True], "color")
        assert exit_code == 3 and "a.mkv: the connection broke off where the sound was copied (" in output, output
        assert files_below(tmp_path / "out") == ["a_depth.mp4", "a_video.json", "predictions.json"]
        assert outcome([], "color")[0] == 0
        sounds = [packets(path, "audio") for path in (tmp_path / "out" / "a_depth.mp4", tmp_path / "a.mkv")]
        assert [each[2] for each in sounds[0]] == [each[2] for each in sounds[1]]
        assert "1 of 1 video predicted, 1 of them earlier" in outcome([], "color")[1]
        server.shutdown()


def test_pictures_that_change_their_places_are_another_sequence(model: Path, tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()
    first, second, other = (tmp_path / "shot" / f"{name}.ppm" for name in ("1", "2", "other"))
    for number, path in enumerate((first, second)):
        Image.fromarray(noise(number, (30, 40))).save(path)
    command = (tmp_path / "shot", "--video", "-o", tmp_path / "out", "-m", model, "--format", "npz")

    def values() -> list[np.ndarray]:
        result = predict(*command, "--temporal", "none")
        assert result.exit_code == 0 and "unknown, and others in each frame" in result.output
        return [frame.values for frame in read_video_prediction(tmp_path / "out" / "shot_frames")]

    before = values()
    first.rename(other)
    second.rename(first)
    other.rename(second)
    np.testing.assert_allclose(values(), before[::-1], rtol=1e-5)


def test_what_is_no_video_is_said(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    command = ("-o", tmp_path / "out", "-m", model)
    result = predict(tmp_path / "empty.mp4", *command)
    assert result.exit_code == 1 and "empty.mp4: the file is empty" in result.output
    # Others are predicted all the same.
    write_clip(tmp_path / "a.mp4", [noise(0)])
    result = predict(tmp_path / "empty.mp4", tmp_path / "a.mp4", *command, "--format", "npz")
    assert result.exit_code == 3 and "1 of 2 videos predicted" in result.output
    assert "1 of 2 videos incomplete" in result.output and "empty.mp4: the file is empty" in result.output
    result = predict(tmp_path / "missing.mp4", *command)
    assert result.exit_code == 1 and "missing.mp4: no such video" in result.output
