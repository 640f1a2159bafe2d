# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ScanNet++: pictures and maps of a phone, packed or taken apart, and renderings of a laser scan."""

from __future__ import annotations

import pathlib
import shutil
import zlib

import numpy as np
import pytest
from captured_datasets import write_scannetpp
from dataset_files import CAMERA, expected_depth, write_bytes
from lz4_blocks import lz4_literals
from public_datasets import names_of
from video_files import write_grey_video

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.public.scannetpp import read_packed_depth


def test_frames_that_were_taken_apart(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("scannetpp", roots["scannetpp"], "train")
    assert names_of(samples) == [f"data/036bce3393/iphone/rgb/frame_{number:06d}.jpg" for number in (0, 10)]
    assert np.allclose(samples[1]["depth"], expected_depth(), atol=0.00051, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    rendered = open_public("scannetpp", roots["scannetpp"] / "data", depth="rendered")[0]["depth"]
    assert np.allclose(rendered, expected_depth() * 2, atol=0.00051, equal_nan=True)


def packed(blocks: list[bytes]) -> bytes:
    return b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


def maps() -> tuple[np.ndarray, list[bytes]]:
    metres = np.linspace(0.5, 4, 192 * 256, dtype=np.float32).reshape(192, 256)
    metres[0, 0] = 0
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = deflate.compress(metres.tobytes()) + deflate.flush()
    return metres, [lz4_literals(np.rint(metres * 1000).astype("<u2").tobytes()), block]


def test_a_packed_file_of_both_kinds(tmp_path: pathlib.Path) -> None:
    metres, blocks = maps()
    path = tmp_path / "depth.bin"
    path.write_bytes(packed(blocks))
    expected = np.where(metres == 0, np.nan, metres)
    assert np.allclose(read_packed_depth(str(path), 0), expected, atol=0.00051, equal_nan=True)
    assert np.array_equal(read_packed_depth(str(path), 1), expected, equal_nan=True)
    with pytest.raises(UnreadableImageError, match="has 2 maps, and no map 2"):
        read_packed_depth(str(path), 2)
    path.write_bytes(packed([b"\x00" * 50]))
    with pytest.raises(UnreadableImageError, match="map 0: expected a block of LZ4"):
        read_packed_depth(str(path), 0)
    path.write_bytes(zlib.compress(metres.tobytes()))
    with pytest.raises(UnreadableImageError, match="taken apart with the toolbox"):
        read_packed_depth(str(path), 0)


def test_packed_numbers_without_a_value_are_those_of_the_taken_apart(tmp_path: pathlib.Path) -> None:
    codes = np.full((192, 256), 2000, "<u2")
    codes[0, :2] = 0, 65535
    (tmp_path / "depth.bin").write_bytes(packed([lz4_literals(codes.tobytes())]))
    depth = read_packed_depth(str(tmp_path / "depth.bin"), 0)
    assert np.isnan(depth[0, :2]).all() and (depth[1:] == 2).all()


def test_video_and_packed_maps_as_downloaded(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("av")
    write_scannetpp(tmp_path)
    phone = tmp_path / "data" / "036bce3393" / "iphone"
    shutil.rmtree(phone / "rgb")
    shutil.rmtree(phone / "depth")
    metres, blocks = maps()
    write_bytes(phone / "depth.bin", packed(blocks))
    write_grey_video(phone / "rgb.mp4", [40, 90], 512, 384)
    samples = open_public("scannetpp", tmp_path)
    assert [frame.name[-9:] for frame in samples.frames] == ["rgb.mp4:0", "rgb.mp4:1"]  # type: ignore[attr-defined]
    sample = samples[1]
    assert sample["image"].shape == (384, 512, 3) and abs(int(sample["image"].mean()) - 90) <= 3
    assert np.array_equal(sample["depth"][::2, ::2], np.where(metres == 0, np.nan, metres), equal_nan=True)
