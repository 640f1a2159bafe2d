# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures as frames: their order and times, and what is said of broken ones and of other sizes."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import quarters
from PIL import Image

from depth_anything_hf.inference.video.frames import VideoError
from depth_anything_hf.inference.video.sequences import (
    GivenFrames,
    ImageSequence,
    natural_order,
    natural_order_of_places,
    pictures_in,
    pictures_of_pattern,
    warn_of_twins,
)
from depth_anything_hf.inference.video.sources import open_video
from depth_anything_hf.visualization.encode import encode_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 10, 11):
        Image.fromarray(quarters(number)).save(tmp_path / f"frame{number}.png")
    return tmp_path


def test_numbers_in_names_are_ordered_as_numbers():
    names = ["b1.png", "a10.png", "a2.png", "A3.png", "10.png", "9.png", "a2b.png"]
    ordered = [path.name for path in sorted(map(Path, names), key=natural_order)]
    assert ordered == ["9.png", "10.png", "a2.png", "a2b.png", "A3.png", "a10.png", "b1.png"]
    places = [Path(name) for name in ("take2/2.png", "take10/1.png", "take2/10.png", "/x/1.png")]
    ordered = [path.as_posix() for path in sorted(places, key=natural_order_of_places)]
    assert ordered == ["take2/2.png", "take2/10.png", "take10/1.png", "/x/1.png"]


def test_the_frames_of_a_folder_have_exact_times(folder: Path):
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    source = ImageSequence(pictures_in(folder), "folder", Fraction(30_000, 1001))
    frames = list(source.frames())
    assert [frame.time for frame in frames] == [Fraction(1001 * i, 30_000) for i in range(4)]
    assert [int(frame.image[40, 60, 0]) - 40 for frame in frames] == [5, 10, 50, 55]
    assert source.format.frame_count == 4
    later = list(source.frames(3))
    assert [frame.image is None for frame in later] == [True, True, True, False]


def test_a_picture_of_a_prediction_is_no_frame(folder: Path):
    from depth_anything_hf.data.decoding.map_meaning import MEANING_KEYWORD, describe_picture

    text = {MEANING_KEYWORD: describe_picture("disparity", "colours")}
    (folder / "frame1_depth.png").write_bytes(encode_png(quarters(), text))
    assert [path.name for path in pictures_in(folder)] == [f"frame{i}.png" for i in (1, 2, 10, 11)]


def test_a_pattern_names_files_by_their_numbers(folder: Path):
    with pytest.warns(UserWarning, match="7 numbers between 1 and 11 without a picture, the first one 3"):
        found = pictures_of_pattern(folder / "frame%d.png")
    assert [path.name for path in found] == [f"frame{i}.png" for i in (1, 2, 10, 11)]
    assert pictures_of_pattern(folder / "missing" / "%04d.png") == []
    # As many digits as asked for, or more.
    assert [path.name for path in pictures_of_pattern(folder / "frame%02d.png")] == ["frame10.png", "frame11.png"]


def test_pictures_that_are_called_alike_are_warned_of(folder: Path):
    (folder / "near").mkdir()
    for name in ("frame2.jpg", "frame02.png", "near/frame2.png", "near/frame02.png"):
        Image.fromarray(quarters()).save(folder / name)
    with pytest.warns(UserWarning, match=r"2 pictures called like another, the first frame2.jpg and frame02.png"):
        found = pictures_in(folder)
    assert len(found) == 6
    with pytest.warns(UserWarning, match=r"1 picture called like another, the first frame02.png and frame2.png"):
        assert len(pictures_of_pattern(folder / "near" / "frame%d.png")) == 2
    with pytest.warns(UserWarning, match="1 picture called like another"):
        open_video([folder / "frame2.jpg", folder / "frame2.png"])
    # One camera of a folder each, and words around the number, are no such case.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_twins([Path("a/1.png"), Path("b/1.png"), Path("b/1_left.png"), Path("b/2_left.png")], "rig")


def test_another_size_and_a_broken_picture_name_the_last_good_frame(folder: Path):
    cv2.imwrite(str(folder / "frame3.png"), np.zeros((10, 12, 3), np.uint8))
    source = ImageSequence(pictures_in(folder), "clip")
    # A run that goes on there knows the size and the frame before, too.
    for start in (0, 2):
        with pytest.raises(VideoError, match=r"frame3.png.*from 64x48 to 12x10; the last good frame is 1 \("):
            list(source.frames(start))
    assert [frame.index for frame in source.frames(1, 2)] == [0, 1]
    seen = []
    with pytest.raises(VideoError, match=r"frame3.png.*from 64x48 to 12x10; the last good frame is 1 \(0.033 s\)"):
        seen.extend(source.frames())
    (folder / "frame3.png").write_bytes(b"broken")
    with pytest.raises(VideoError, match=r"frame3.png.*; the last good frame is 1 \("):
        list(ImageSequence(pictures_in(folder), "clip").frames())
    with pytest.raises(VideoError, match="no pictures"):
        ImageSequence([], "clip")


def test_frames_of_a_program_are_read_one_by_one():
    taken = []

    def images():
        for number in range(5):
            taken.append(number)
            yield Image.fromarray(quarters(number))

    frames = GivenFrames(images(), Fraction(10)).frames()
    assert next(frames).time == 0 and taken == [0]
    assert next(frames).time == Fraction(1, 10) and taken == [0, 1]
    with pytest.raises(VideoError, match="no frames"):
        list(GivenFrames([]).frames())
    with pytest.raises(VideoError, match=r"frame 1: .*; the last good frame is 0"):
        list(GivenFrames([quarters(), np.zeros((5, 5, 7))]).frames())
