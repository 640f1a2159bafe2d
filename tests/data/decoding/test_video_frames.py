# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Single frames of a video: exact by their numbers, in any order, in several threads and processes."""

from __future__ import annotations

import pathlib
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from video_files import write_grey_video

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.video_frames import read_video_frame


pytest.importorskip("av")
GREYS = [20 + 20 * number for number in range(11)]


def grey_of(path: pathlib.Path, index: int) -> int:
    return round(float(read_video_frame(str(path), index).mean()))


def test_frames_by_their_numbers(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.mp4"
    write_grey_video(path, GREYS)
    # Forwards, with gaps, backwards, the last one, and one again.
    for index in (0, 1, 2, 5, 4, 10, 3, 3, 9, 10, 0):
        assert abs(grey_of(path, index) - GREYS[index]) <= 3, index
    assert read_video_frame(str(path), 0).shape == (48, 64, 3)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: grey_of(path, index), [7, 2, 9, 0, 5, 1] * 3))
    assert all(abs(grey - GREYS[index]) <= 3 for grey, index in zip(found, [7, 2, 9, 0, 5, 1] * 3, strict=True))


def test_what_cannot_be_read_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.mp4"
    write_grey_video(path, GREYS[:2])
    with pytest.raises(UnreadableImageError, match=r"a\.mp4: has 2 frames, and no frame 2"):
        read_video_frame(str(path), 2)
    with pytest.raises(FileNotFoundError, match=r"b\.mp4: no such file"):
        read_video_frame(str(tmp_path / "b.mp4"), 0)
    path.write_bytes(b"no video at all" * 20)
    with pytest.raises(UnreadableImageError, match=r"a\.mp4: frame 0 cannot be decoded") as caught:
        read_video_frame(str(path), 0)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
