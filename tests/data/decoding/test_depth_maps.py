# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth and disparity maps of every supported format, on real files."""

from __future__ import annotations

import importlib.util
import io
import pathlib
import struct
import sys
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from public_datasets import genuine
from shared_files import SHARED_FORMATS

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.decoding.exr import exr_is_readable
from depth_anything_hf.data.decoding.stored_maps import PNG_GREY, PNG_START


def write_pfm(path: pathlib.Path, values: np.ndarray, scale: float) -> None:
    order = "<f4" if scale < 0 else ">f4"
    header = f"Pf\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode()
    path.write_bytes(header + values[::-1].astype(order).tobytes())


def exr_bytes(values: np.ndarray, channel: bytes = b"Y") -> bytes:
    """An uncompressed scan-line OpenEXR file with one float channel."""
    height, width = values.shape
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", channel + b"\x00" + struct.pack("<iB3xii", 2, 0, 1, 1) + b"\x00"),
        (b"compression", b"compression", b"\x00"),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\x00"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    header = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    for name, kind, value in attributes:
        header += name + b"\x00" + kind + b"\x00" + struct.pack("<i", len(value)) + value
    header += b"\x00"
    line_size = 8 + 4 * width
    offsets = struct.pack(f"<{height}Q", *(len(header) + 8 * height + row * line_size for row in range(height)))
    lines = (struct.pack("<ii", row, 4 * width) + values[row].astype("<f4").tobytes() for row in range(height))
    return header + offsets + b"".join(lines)


def test_read_label_of_floating_point_formats(tmp_path: pathlib.Path, depth: np.ndarray) -> None:
    depth[0, 0], depth[0, 1] = np.nan, np.inf
    np.save(tmp_path / "a.npy", depth)
    np.save(tmp_path / "one_channel.npy", depth[..., None])
    np.savez(tmp_path / "single.npz", anything=depth)
    np.savez_compressed(tmp_path / "keyed.npz", depth=depth, mask=depth > 3)
    cv2.imwrite(str(tmp_path / "a.tif"), depth)
    write_pfm(tmp_path / "little.pfm", depth, -1.0)
    write_pfm(tmp_path / "big.pfm", depth, 1.0)
    write_pfm(tmp_path / "middlebury.pfm", depth, -0.003922)
    for path in sorted(tmp_path.iterdir()):
        label = read_label(path)
        assert label.dtype == np.float32, path.name
        assert np.array_equal(label, depth, equal_nan=True), path.name
    assert np.allclose(read_label(tmp_path / "a.npy", scale=2)[1:], depth[1:] / 2)
    assert np.array_equal(read_label((tmp_path / "a.npy").read_bytes()), depth, equal_nan=True)


def test_read_label_of_integer_formats(tmp_path: pathlib.Path) -> None:
    stored = np.array([[0, 1, 256], [1000, 20000, 65535]], dtype=np.uint16)
    for suffix in ("png", "tif", "pgm"):
        cv2.imwrite(str(tmp_path / f"a.{suffix}"), stored)
    np.save(tmp_path / "a.npy", stored)
    for path in sorted(tmp_path.iterdir()):
        assert np.allclose(read_label(path, scale=256), stored / 256, rtol=1e-7)
        with pytest.raises(ValueError, match=r"1000 for millimetres.*256 for KITTI") as caught:
            read_label(path)
        assert path.name in str(caught.value)
    with pytest.raises(ValueError, match="scale must be > 0, got 0"):
        read_label(tmp_path / "a.png", scale=0)


def test_read_label_of_exr_or_a_clear_error(tmp_path: pathlib.Path, depth: np.ndarray) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(exr_bytes(depth))
    if exr_is_readable():
        assert np.array_equal(read_label(path), depth)
        return
    with pytest.raises(UnreadableImageError, match=r"a\.exr: .*install OpenEXR with: .*, or convert the maps to npy"):
        read_label(path)


def test_exr_needs_a_package_or_an_opencv_with_it(monkeypatch: pytest.MonkeyPatch, depth: np.ndarray) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    with pytest.raises(UnreadableImageError, match=r"cannot read EXR files .*pip install"):
        read_label(exr_bytes(depth))


@pytest.mark.parametrize("channel", ["Z", "depth.Z", "ViewLayer.Depth.Z"])
def test_exr_with_a_depth_channel_is_never_left_to_opencv(
    monkeypatch: pytest.MonkeyPatch, depth: np.ndarray, channel: str
) -> None:
    content = exr_bytes(depth, channel.encode())
    if importlib.util.find_spec("OpenEXR"):
        assert np.array_equal(read_label(content), depth)
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(UnreadableImageError, match=rf"in the channel {channel}, and OpenCV reads B, G, R, Y only; .*"):
        read_label(content)


@pytest.mark.skipif(not SHARED_FORMATS.is_dir(), reason="needs the published files of the shared folder")
def test_read_label_of_published_files() -> None:
    kitti = read_label(SHARED_FORMATS / "kitti" / "proj_depth_groundtruth_0000000100.png", scale=256)
    assert 2 < np.median(kitti[kitti > 0]) < 40 and kitti.max() < 90
    grey_map = read_label(SHARED_FORMATS / "pgm16" / "depth_1.pgm", scale=1000)
    assert 0.3 < np.median(grey_map[grey_map > 0]) < 10


def test_unreadable_labels_name_the_file(tmp_path: pathlib.Path, depth: np.ndarray, rgb: np.ndarray) -> None:
    (tmp_path / "text.png").write_text("no map at all")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save(tmp_path / "whole.npy", depth)
    (tmp_path / "short.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:-20])
    write_pfm(tmp_path / "whole.pfm", depth, -1)
    (tmp_path / "short.pfm").write_bytes((tmp_path / "whole.pfm").read_bytes()[:-20])
    (tmp_path / "header.pfm").write_bytes(b"Pf\nnonsense\n")
    np.savez(tmp_path / "whole.npz", a=depth)
    (tmp_path / "short.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-40])
    names = ["text.png", "empty.npy", "short.npy", "short.pfm", "header.pfm", "short.npz"]
    for name in names:
        with pytest.raises(UnreadableImageError, match=name):
            read_label(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=depth, b=depth)
    with pytest.raises(ValueError, match=r"two\.npz.*\['a', 'b'\]"):
        read_label(tmp_path / "two.npz")
    Image.fromarray(rgb).save(tmp_path / "colour.png")
    with pytest.raises(ValueError, match=r"colour\.png.*\(6, 8, 3\)"):
        read_label(tmp_path / "colour.png", scale=1)
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    with pytest.raises(ValueError, match="expected a map of numbers, got values of type"):
        read_label(tmp_path / "words.npy")


def test_grey_map_saved_as_rgb_is_a_map(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    Image.fromarray(np.repeat(rgb[..., :1], 3, axis=2)).save(tmp_path / "a.png")
    assert np.array_equal(read_label(tmp_path / "a.png", scale=1), rgb[..., 0].astype(np.float32))


def test_genuine_pgm_agrees_with_the_unpacked_map() -> None:
    path = genuine("pgm16", "depth_1.pgm")
    unpacked = np.load(SHARED_FORMATS.parent / "labelled" / "nyu_slam5_1" / "depth.npz")["depth"]
    assert np.array_equal(read_label(path, scale=1000), unpacked)


def png(values: np.ndarray, bits: int, colour_type: int, *, palette: bytes = b"") -> bytes:
    """A PNG of rows without filters; `values` (H, W, channels), each of so many bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    rows = ["".join(f"{int(value):0{bits}b}" for value in row.ravel()) for row in values]
    packed = [int(row + "0" * (-len(row) % 8), 2).to_bytes(-(-len(row) // 8), "big") for row in rows]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    colours = chunk(b"PLTE", palette) if palette else b""
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in packed)))
    return PNG_START + b"\r\n\x1a\n" + header + colours + pixels + chunk(b"IEND", b"")


PNG_COLOUR, PNG_PALETTE, PNG_GREY_ALPHA, PNG_COLOUR_ALPHA = 2, 3, 4, 6
WHOLE = np.array([[1, 100, 2000], [4095, 7, 60001]], np.uint16)
GREY_RAMP = np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()


@pytest.mark.parametrize("alpha", [0, 100, 65535])
def test_alpha_of_a_png_changes_no_value(alpha: int) -> None:
    transparent = np.full_like(WHOLE, alpha)
    for content in (
        png(np.dstack([WHOLE, transparent]), 16, PNG_GREY_ALPHA),
        png(np.dstack([WHOLE] * 3), 16, PNG_COLOUR),
        png(np.dstack([WHOLE] * 3 + [transparent]), 16, PNG_COLOUR_ALPHA),
    ):
        assert np.array_equal(read_label(content, scale=1), WHOLE)


def test_palettes_and_few_bits_of_a_png_are_read_as_stored_or_refused() -> None:
    byte = (WHOLE % 256).astype(np.uint8)
    assert np.array_equal(read_label(png(byte, 8, PNG_PALETTE, palette=GREY_RAMP), scale=1), byte)
    assert np.array_equal(read_label(png(byte % 16, 4, PNG_PALETTE, palette=GREY_RAMP[:48]), scale=1), byte % 16)
    for palette in (GREY_RAMP[::-1], bytes(range(256)) * 3):
        with pytest.raises(BrokenSampleError, match="got a palette of colours, or of grey in another order"):
            read_label(png(byte, 8, PNG_PALETTE, palette=palette), scale=1)
    for bits in (1, 2, 4):
        with pytest.raises(UnreadableImageError, match=f"a PNG of {bits} bits is no map"):
            read_label(png(WHOLE % 2**bits, bits, PNG_GREY), scale=1)
    stream = io.BytesIO()
    Image.fromarray(WHOLE).save(stream, "PNG", save_all=True, append_images=[Image.fromarray(WHOLE // 2)])
    with pytest.raises(UnreadableImageError, match="an animated PNG; save the map alone"):
        read_label(stream.getvalue(), scale=1)


@pytest.mark.parametrize("largest", [100, 255, 1000, 65535])
def test_grey_maps_of_any_largest_value_are_as_stored(largest: int) -> None:
    values = np.minimum(WHOLE, largest)
    words = " ".join(str(value) for value in values.ravel()).encode()
    header = f"3 2\n{largest}\n".encode()
    binary = values.astype(">u2" if largest > 255 else "u1").tobytes()
    for content in (b"P5\n" + header + binary, b"P2\n# by hand\n" + header + words, b"P5\n#\n" + header + binary):
        assert np.array_equal(read_label(content, scale=1), values)
    with pytest.raises(UnreadableImageError, match="a damaged text PGM"):
        read_label(b"P2\n" + header + words[:-6], scale=1)


def test_pfm_tells_its_byte_order() -> None:
    depth = np.array([[0.5, 1.5], [300.25, 7]], np.float32)
    rows = depth[::-1].astype("<f4").tobytes()
    for header in (b"Pf\r\n2 2\r\n-1.0\r\n", b"Pf 2 2 -1\n"):
        assert np.array_equal(read_label(header + rows), depth)
    three = np.repeat(depth[::-1, :, None], 3, axis=2)
    assert np.array_equal(read_label(b"PF\n2 2\n1\n" + three.astype(">f4").tobytes()), depth)
    for scale in (b"0", b"-0.0", b"+-e"):
        with pytest.raises(UnreadableImageError, match="tells the byte order by its sign, such as"):
            read_label(b"Pf\n2 2\n" + scale + b"\n" + rows)


@pytest.mark.parametrize("code", [">f4", "<f2", ">f2", ">f8", ">u2", "<i4", "u1"])
def test_numbers_of_npy_in_any_order(code: str) -> None:
    values = np.arange(30).reshape(5, 6).astype(code)
    for stored in (values, np.asfortranarray(values), values[..., None], values[None]):
        stream = io.BytesIO()
        np.save(stream, stored)
        assert np.array_equal(read_label(stream.getvalue(), scale=1), values.astype(np.float32))


def test_a_zip_that_is_no_npz_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(UnreadableImageError, match=r"expected an npz, got a zip archive whose only file 'a\.txt'"):
        read_label(stream.getvalue())
