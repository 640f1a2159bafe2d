# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is a video and what is not, by name and by content; rates; names of results; a camera's stand-in."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import needs_pyav, quarters, write_clip
from PIL import Image

from depth_anything_hf.inference.video.decoding import AvSource
from depth_anything_hf.inference.video.frames import VideoError
from depth_anything_hf.inference.video.sequences import GivenFrames, ImageSequence
from depth_anything_hf.inference.video.sources import is_live_name, is_video, name_of_video, open_video, read_rate
from depth_anything_hf.utils.option_errors import OptionError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("clip.mp4", True),
        ("CLIP.MOV", True),
        ("camera:0", True),
        ("/dev/video2", True),
        ("https://example.org/clip", True),
        ("rtsp://user:word@host/stream", True),
        ("frames/%04d.png", True),
        ("photo.jpg", False),
        ("photos", False),
    ],
)
def test_names_tell_videos(given, expected):
    assert is_video(given) is expected


def test_content_tells_videos_without_a_suffix(tmp_path: Path):
    for suffix in (".mp4", ".mkv"):
        write_clip(tmp_path / f"a{suffix}", [quarters()])
        (tmp_path / f"a{suffix}").rename(tmp_path / f"{suffix[1:]}_file")
        assert is_video(str(tmp_path / f"{suffix[1:]}_file"))
    Image.fromarray(quarters()).save(
        tmp_path / "picture", format="AVIF" if ".avif" in Image.registered_extensions() else "PNG"
    )
    assert not is_video(str(tmp_path / "picture"))
    # A file of that name is no pattern.
    Image.fromarray(quarters()).save(tmp_path / "100%d.png")
    assert not is_video(str(tmp_path / "100%d.png"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        (30, Fraction(30)),
        (30.0, Fraction(30)),
        (29.97, Fraction(30_000, 1001)),
        (23.976, Fraction(24_000, 1001)),
        (59.94, Fraction(60_000, 1001)),
        (12.5, Fraction(25, 2)),
        (0.5, Fraction(1, 2)),
        (Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_rates_are_exact(given, expected):
    assert read_rate(given) == expected


@pytest.mark.parametrize("given", [0, -1.0, float("nan"), float("inf"), True, "30"])
def test_what_is_no_rate_is_refused(given):
    with pytest.raises(OptionError, match="fps must be a number"):
        read_rate(given)


def test_names_of_results(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("shot").mkdir()
    assert name_of_video("a/clip.mp4") == "clip.mp4"
    assert name_of_video("shot") == "shot" and name_of_video("shot/%d.png") == "shot"
    assert name_of_video("camera:0") == "camera_0"
    assert name_of_video("https://example.org/a/clip.mp4?token=secret") == "clip.mp4"
    assert is_live_name("camera:0") and is_live_name("rtsp://host/x")
    assert not is_live_name("https://example.org/clip.mp4") and not is_live_name("clip.mp4")


def test_each_source_is_opened_as_what_it_is(tmp_path: Path):
    write_clip(tmp_path / "a.mp4", [quarters()])
    assert isinstance(open_video(tmp_path / "a.mp4"), AvSource)
    Image.fromarray(quarters()).save(tmp_path / "1.png")
    assert isinstance(open_video(tmp_path), ImageSequence)
    assert isinstance(open_video(tmp_path / "%d.png"), ImageSequence)
    assert isinstance(open_video([tmp_path / "1.png"]), ImageSequence)
    assert isinstance(open_video(iter([quarters()])), GivenFrames)
    assert isinstance(open_video(np.zeros((2, 4, 4, 3), np.uint8)), GivenFrames)


def test_what_is_no_video_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such video"):
        open_video(tmp_path / "missing.mp4")
    with pytest.raises(VideoError, match="no pictures"):
        open_video(tmp_path / "%d.png")
    with pytest.raises(TypeError, match="A video is a file"):
        open_video(3)
    with pytest.raises(TypeError, match=r"expected frames \(N, H, W, 3\), got one array of \(30, 40, 3\)"):
        open_video(np.zeros((30, 40, 3), np.uint8))
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError, match="the file is empty"):
        open_video(tmp_path / "empty.mp4")


def test_an_address_is_shown_without_its_secrets():
    pytest.importorskip("av")
    with pytest.raises(VideoError) as caught:
        open_video("rtsp://me:word@127.0.0.1:1/stream?key=1")
    assert "rtsp://127.0.0.1:1/stream: cannot be opened as a video: Connection refused" in str(caught.value)
    assert "word" not in str(caught.value) and "key" not in str(caught.value)


@needs_pyav
def test_moving_pictures_stand_in_for_a_camera():
    source = open_video("camera:test", fps=5.0)
    assert source.is_live
    frames = source.frames()
    found = [next(frames) for _ in range(3)]
    frames.close()
    source.close()
    assert [frame.time for frame in found] == [0, Fraction(1, 5), Fraction(2, 5)]
    assert found[0].image.shape == (480, 640, 3) and (found[0].image != found[2].image).any()
