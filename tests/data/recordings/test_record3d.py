# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Record3D as sources; skipped without a package for LZFSE."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data import DataSource, open_recording, open_source
from depth_anything_hf.data.decoding.errors import UnreadableImageError


DEPTH = np.linspace(0, 4, 48, dtype="<f4").reshape(6, 8)
CONFIDENCE = (np.arange(48, dtype=np.uint8) % 3).reshape(6, 8)
CAMERA = [[20.0, 21, 7.5, 5.5], [22.0, 23, 7.5, 5.5], [24.0, 25, 7.5, 5.5]]
METADATA = {"w": 16, "h": 12, "dw": 8, "dh": 6, "K": [20.0, 0, 0, 0, 21, 0, 7.5, 5.5, 1]}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Frames 0, 2 and 10, of which 2 has no picture; confidence of 0 alone."""
    lzfse = pytest.importorskip("lzfse")
    path = tmp_path / "walk.r3d"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", json.dumps({**METADATA, "perFrameIntrinsicCoeffs": CAMERA}))
        for number in (0, 2, 10):
            archive.writestr(f"rgbd/{number}.depth", lzfse.compress((DEPTH + number).tobytes()))
            if number != 2:
                stream = io.BytesIO()
                Image.new("RGB", (32, 24), (number, 0, 0)).save(stream, "JPEG", quality=100)
                archive.writestr(f"rgbd/{number}.jpg", stream.getvalue())
        archive.writestr("rgbd/0.conf", lzfse.compress(CONFIDENCE.tobytes()))
    return path


def test_frames_in_their_order_with_the_camera_of_each(recording: Path) -> None:
    with pytest.warns(UserWarning, match="1 of 3 frames have no picture"):
        samples = open_source(str(recording))
    assert [samples.name_of(index) for index in range(len(samples))] == [f"{recording}/0", f"{recording}/10"]
    first, last = pickle.loads(pickle.dumps(samples))[0], samples[1]
    assert first["image"].shape == (24, 32, 3)
    # The lowest level is no measurement, unless asked for.
    meant = np.where((DEPTH == 0) | (CONFIDENCE == 0), np.nan, DEPTH).repeat(4, 0).repeat(4, 1)
    assert (CONFIDENCE == 0).any()
    np.testing.assert_array_equal(first["depth"], meant)
    np.testing.assert_array_equal(last["depth"], (DEPTH + 10).repeat(4, 0).repeat(4, 1))
    # Pictures are twice as large as the metadata say, and the camera of a frame comes before that of the recording.
    np.testing.assert_allclose(first["intrinsics"], [[40, 0, 15.5], [0, 42, 11.5], [0, 0, 1]])
    np.testing.assert_allclose(last["intrinsics"], [[40, 0, 15.5], [0, 42, 11.5], [0, 0, 1]])


def test_options(recording: Path) -> None:
    with pytest.warns(UserWarning, match="no picture"):
        samples = open_source(DataSource(str(recording), encoding="record3d:min_confidence=2", max_depth=3))
    with pytest.warns(UserWarning, match="no picture"):
        everything = open_recording(recording, encoding="record3d:min_confidence=0")[0]["depth"]
    valid = np.isfinite(samples[0]["depth"][::4, ::4])
    np.testing.assert_array_equal(valid, (CONFIDENCE == 2) & (DEPTH > 0) & (DEPTH <= 3))
    np.testing.assert_array_equal(np.isfinite(everything[::4, ::4]), DEPTH > 0)
    with pytest.raises(UnreadableImageError, match=r"walk.r3d/10: the recording has no rgbd/10.conf"):
        samples[1]
    for options, message in (({"scale": 2}, "scale is for bags"), ({"encoding": "mm"}, "has the encoding 'record3d'")):
        with pytest.raises(ValueError, match=message):
            open_recording(recording, **options)


def test_what_is_no_recording_is_refused(recording: Path) -> None:
    content = recording.read_bytes()
    recording.write_bytes(content[:200])
    with pytest.raises(UnreadableImageError, match=r"walk.r3d: expected a recording of Record3D with metadata"):
        open_recording(recording)
    with zipfile.ZipFile(recording, "w") as archive:
        archive.writestr("metadata", json.dumps(METADATA))
    with pytest.raises(UnreadableImageError, match=r"no frame with rgbd/N.jpg and rgbd/N.depth"):
        open_recording(recording)
