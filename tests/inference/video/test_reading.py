# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of frames read back: in the order of their numbers, all of them, and each once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.inference.video.outputs import FRAMES_LIST, RECORD_KIND, RECORD_VERSION
from depth_anything_hf.inference.video.reading import read_video_prediction


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve frames, whose numbers have one digit more from some frame on, as behind 999,999."""
    for number in range(12):
        np.savez(tmp_path / f"{number}.npz", depth=np.full((2, 3), number + 1, np.float32), kind="depth")
    record = {"kind": RECORD_KIND, "version": RECORD_VERSION, "frames": 12}
    (tmp_path / FRAMES_LIST).write_text(json.dumps({**record, "time_base": [1, 30], "times": list(range(12))}))
    return tmp_path


def test_frames_come_in_the_order_of_their_numbers(folder: Path):
    found = list(read_video_prediction(folder))
    assert [frame.index for frame in found] == list(range(12))
    assert [frame.values[0, 0] for frame in found] == list(range(1, 13))
    assert [frame.time * 30 for frame in found] == list(range(12))


def test_a_frame_that_is_missing_or_there_twice_is_named(folder: Path):
    (folder / "07.npz").write_bytes((folder / "7.npz").read_bytes())
    with pytest.raises(UnreadableImageError, match=r"expected 12 frames .*got 13 files of \*.npz, two for 7"):
        read_video_prediction(folder)
    (folder / "07.npz").rename(folder / "12.npz")
    (folder / "3.npz").rename(folder / "old_3.npz")
    with pytest.raises(UnreadableImageError, match=r"got 12 files of \*.npz, none for 3"):
        read_video_prediction(folder)
    (folder / "old_3.npz").rename(folder / "3.npz")
    with pytest.raises(UnreadableImageError, match=r"expected 12 frames .*got 13 files"):
        read_video_prediction(folder)
