# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bags that rosbags has written, read as pairs of pictures and depth."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from bags import STORAGES, BagWriter
from encoded_maps import png, rvl
from PIL import Image

from depth_anything_hf.data import DataSource, open_recording, open_source
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.recordings.bag import BagRecording


PICTURE, DEPTH, CAMERA = "/camera/color/image_raw", "/camera/aligned_depth/image_raw", "/camera/color/camera_info"
MATRIX = np.array([[60.0, 0, 7.5], [0, 61, 5.5], [0, 0, 1]])
RECTIFIED = np.diag([50.0, 51, 1])


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (12, 16, 3)).astype(np.uint8)


def millimetres(number: int) -> np.ndarray:
    codes = np.random.default_rng(number).integers(1, 9000, (12, 16)).astype("<u2")
    codes[0, :2] = 0, 65535
    return codes


def meant(codes: np.ndarray) -> np.ndarray:
    return np.where((codes == 0) | (codes == 65535), np.nan, codes / 1000).astype(np.float32)


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.mark.parametrize("storage", STORAGES)
def test_pairs_are_those_nearest_in_time(tmp_path: Path, storage: str) -> None:
    path = tmp_path / ("run.bag" if storage == "bag" else "run")
    with BagWriter(path, storage) as bag:
        for number in range(4):
            # A picture is written later than it was taken; the depth of 2 has none within 20 ms.
            bag.image(DEPTH, 100 + number, millimetres(number), "16UC1", recorded=200 + number)
            late = 0.05 if number == 2 else 0.01
            bag.image(PICTURE, 100 + number + late, picture(number), "rgb8", recorded=200.7 + number)
        bag.camera(CAMERA, 100, (12, 16), MATRIX, RECTIFIED)
    with pytest.warns(UserWarning, match=rf"pictures of {PICTURE}, depth of {DEPTH}; 1 of 4 frames of depth have no"):
        samples = open_source(str(path))
    assert len(samples) == 3
    # Another process opens the bag for itself.
    for number, sample in zip((0, 1, 3), map(pickle.loads(pickle.dumps(samples)).__getitem__, range(3)), strict=True):
        np.testing.assert_array_equal(sample["image"], picture(number))
        np.testing.assert_array_equal(sample["depth"], meant(millimetres(number)))
        np.testing.assert_array_equal(sample["intrinsics"], MATRIX)
        assert sample["name"] == f"{path}/{100 + number}_000000000"
    files = sorted(path.glob("*.[dm]*")) if path.is_dir() else []
    for file in files:
        if file.suffix != ".yaml":
            # A file of a bag of ROS 2 alone.
            with pytest.warns(UserWarning, match="pictures of"):
                np.testing.assert_array_equal(open_recording(file)[2]["image"], picture(3))


def test_what_a_source_says_of_a_bag(tmp_path: Path) -> None:
    path = tmp_path / "run.bag"
    with BagWriter(path) as bag:
        bag.image(DEPTH, 1.03, millimetres(0)[::2, ::2], "16UC1")
        bag.image("/other/depth", 1, np.full((12, 16), 7, "<f4"), "32FC1")
        bag.image(PICTURE, 1, picture(0), "rgb8")
    with pytest.raises(
        ValueError, match=r"run.bag: 2 topics may be the depth: .*\(16UC1, 1\).*; name one with label_col"
    ):
        open_source(str(path))
    with pytest.raises(
        ValueError, match=r"none of the 1 frames .* within 20 ms by the times of the headers; .* 0.03 s"
    ):
        open_source(DataSource(str(path), image_column=PICTURE, label_column=DEPTH))
    given = {"image_column": PICTURE, "label_column": DEPTH, "kind": "recording", "options": {"tolerance": 0.04}}
    sample = open_source(DataSource(str(path), scale=4000, max_depth=1, **given))[0]
    # Smaller depth is enlarged by the nearest value, and the option `scale` is the unit of whole numbers.
    expected = meant(millimetres(0)[::2, ::2]) / 4
    expected[expected > 1] = np.nan
    np.testing.assert_allclose(sample["depth"], expected.repeat(2, 0).repeat(2, 1), rtol=1e-6)
    with pytest.raises(ValueError, match=r"no topic of images '/other/dept'.*; did you mean '/other/depth'"):
        open_recording(path, depth_topic="/other/dept")
    for options, message in (
        ({"encoding": "mm"}, "messages say how they are encoded"),
        ({"sky_value": 9}, "sky_value is told by what recordings hold"),
        ({"label": "disparity"}, "recordings have the label 'depth'"),
        ({"streaming": True}, "a recording is read by index and cannot stream"),
        ({"kind": "recording", "options": {"slop": 1}}, "recordings have no option 'slop'"),
        ({"kind": "photos"}, "a recording of pictures with depth"),
    ):
        with pytest.raises(ValueError, match=message):
            open_source(DataSource(str(path), **options))


def test_a_folder_of_bags_is_read_one_after_another(tmp_path: Path) -> None:
    for name, number in (("a.bag", 0), ("b.bag", 5)):
        with BagWriter(tmp_path / name) as bag:
            # Two messages recorded at one time are told apart.
            for each in range(2):
                bag.image(DEPTH, 1 + each, millimetres(number + each), "16UC1", recorded=1)
                bag.image(PICTURE, 1 + each, picture(number + each), "rgb8", recorded=1)
    with pytest.warns(UserWarning, match="pictures of"):
        samples = open_source(DataSource(str(tmp_path), limit=3))
    assert len(samples) == 3
    np.testing.assert_array_equal(samples[1]["image"], picture(1))
    np.testing.assert_array_equal(samples[2]["depth"], meant(millimetres(5)))
    np.testing.assert_array_equal(samples[-1]["image"], picture(5))
    Image.fromarray(picture(0)).save(tmp_path / "note.png")
    with pytest.raises(
        ValueError, match=r"pictures or tables \(1 \.png\) beside recordings, e\.g\. .*note.png and .*a.bag"
    ):
        open_source(str(tmp_path))
    with pytest.warns(UserWarning, match="pictures of"):
        assert len(open_source(DataSource(str(tmp_path), kind="recording"))) == 4


def test_how_messages_write_depth(tmp_path: Path) -> None:
    codes, metres = millimetres(0), meant(millimetres(0))
    floats = np.where(np.isnan(metres), np.float32(np.nan), metres)
    scale, offset = 10100.0, -1009.0
    quantized = np.where(codes < 9000, scale / np.maximum(codes / 1000, 0.2) + offset, 0).astype("<u2")
    inverse = np.where(quantized == 0, np.nan, scale / (quantized - offset)).astype(np.float32)
    header, size = struct.pack("<iff", 0, 0, 0), struct.pack("<II", 16, 12)
    path = tmp_path / "run.bag"
    with BagWriter(path) as bag:
        bag.image(PICTURE, 1, picture(0), "rgb8")
        bag.image("/padded", 1, codes, "16UC1", padding=6)
        bag.image("/big_endian", 1, codes.astype(">u2"), "16UC1")
        bag.image("/floats", 1, floats.astype("<f4"), "32FC1")
        bag.image("/floats_big_endian", 1, floats.astype(">f4"), "32FC1", padding=8)
        bag.image("/depth/mono16", 1, codes, "mono16")
        bag.compressed("/png/compressedDepth", 1, header + png(np.minimum(codes, 9000)), "16UC1; compressedDepth")
        rows = header + size + rvl(np.minimum(codes, 9000))
        bag.compressed("/rvl/compressedDepth", 1, rows, "16UC1; compressedDepth rvl")
        parameters = struct.pack("<iff", 0, scale, offset)
        bag.compressed("/inverse", 1, parameters + png(quantized), "32FC1; compressedDepth png")
        bag.compressed("/inverse_rvl", 1, parameters + size + rvl(quantized), "32FC1; compressedDepth rvl")
        bag.compressed("/plain/compressed", 1, png(codes), "16UC1; png compressed ")
        bag.compressed("/lossy/compressed", 1, jpeg(picture(0)), "16UC1; jpeg compressed ")
    limited = metres.copy()
    limited[0, 1] = 9
    for topic, expected in {
        **dict.fromkeys(("padded", "big_endian", "floats", "floats_big_endian", "depth/mono16", "plain"), metres),
        **dict.fromkeys(("png", "rvl"), limited),
        **dict.fromkeys(("inverse", "inverse_rvl"), inverse),
    }.items():
        read = open_recording(path, image_topic=PICTURE, depth_topic=topic)[0]["depth"]
        np.testing.assert_array_equal(read, expected, err_msg=topic)
    with pytest.raises(UnreadableImageError, match=r"lossy/compressed: expected depth by compressedDepth or in a PNG"):
        open_recording(path, image_topic=PICTURE, depth_topic="/lossy")[0]


def test_depth_of_another_frame_or_ratio_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.bag"
    with BagWriter(path) as bag:
        # Without a time in the headers that of the recording is taken.
        bag.image(DEPTH, 0, millimetres(0)[:, :12], "16UC1", frame_id="camera_depth", recorded=5)
        bag.image(PICTURE, 0, picture(0), "rgb8", frame_id="camera_color", recorded=5.01)
    with pytest.warns(UserWarning, match="depth is in the frame 'camera_depth' and pictures in 'camera_color'"):
        samples = open_recording(path, image_topic=PICTURE, depth_topic=DEPTH)
    with pytest.raises(
        ValueError, match=r"picture is 12 x 16 \(height x width\), and depth is 12 x 12, of another ratio"
    ):
        samples[0]
    with pytest.warns(UserWarning, match="camera_depth"):
        assert BagRecording(path, PICTURE, DEPTH).clock == "recording"
    with pytest.raises(ValueError, match="tolerance must be a number of seconds of at least 0, got -1"):
        BagRecording(path, PICTURE, DEPTH, tolerance=-1)


def test_damaged_bags_are_refused(tmp_path: Path) -> None:
    for storage, name, message in (
        ("bag", "run.bag", r"run.bag: not a bag that can be read: ReaderError: .*"),
        ("mcap", "run", r"run.mcap: not a bag that can be read: .*: mcap recover BAG"),
    ):
        with BagWriter(tmp_path / name, storage) as bag:
            bag.image(PICTURE, 1, picture(0), "rgb8")
        file = tmp_path / name if storage == "bag" else tmp_path / name / "run.mcap"
        file.write_bytes(file.read_bytes()[:-40])
        with pytest.raises(UnreadableImageError, match=message):
            open_recording(file)
    with pytest.raises(FileNotFoundError, match=r"nothing: no recording; expected .bag, .db3, .mcap, .r3d"):
        open_recording(tmp_path / "nothing")
