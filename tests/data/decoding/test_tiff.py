# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TIFF maps give the numbers that are stored, or an error with their layout."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image


WHOLE = np.array([[1, 100, 2000, 4095], [7, 800, 3000, 16]], np.uint16)
DEPTH = np.array([[0.5, 1.5, 300.25, np.nan], [2, np.inf, 655.25, 0.25]], np.float32)
NO_COMPRESSION, JPEG, DEFLATE = 1, 7, 8
UNSIGNED, FLOAT, COMPLEX = 1, 3, 6
MIN_IS_WHITE, MIN_IS_BLACK, COLOURS = 0, 1, 2


def tiff(
    data: bytes,
    bits: int,
    *,
    kind: int = UNSIGNED,
    order: str = "<",
    compression: int = NO_COMPRESSION,
    photometric: int = MIN_IS_BLACK,
    samples: int = 1,
    planar: int = 1,
    pages: tuple[int, ...] = (0,),
) -> bytes:
    """A TIFF of one strip per page, 4 x 2 pixels, whose pages have these subfile types."""
    height, width = WHOLE.shape
    values = (width, height, bits, compression, photometric, 8, samples, height, len(data), planar, kind)
    tags = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 339)
    content = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data)) + data
    for number, page in enumerate(pages, 1):
        entries = struct.pack(f"{order}HHIHH", 254, 3, 1, page, 0)
        # Each sample's bits are in one tag; equal ones may be told once, as libtiff does.
        for tag, value in zip(tags, values, strict=True):
            entries += struct.pack(f"{order}HHII", tag, 4, 1, value) if tag in (273, 279) else b""
            entries += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) if tag not in (273, 279) else b""
        following = len(content) + 2 + len(entries) + 4 if number < len(pages) else 0
        content += struct.pack(f"{order}H", len(tags) + 1) + entries + struct.pack(f"{order}I", following)
    return content


def packed(values: np.ndarray, bits: int) -> bytes:
    """Rows of values of so many bits, each row filled up to whole bytes."""
    rows = ["".join(f"{int(value):0{bits}b}" for value in row) for row in values]
    return b"".join(int(row + "0" * (-len(row) % 8), 2).to_bytes(-(-len(row) // 8), "big") for row in rows)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_integers_are_as_stored(bits: int, order: str) -> None:
    """OpenCV moves them to the upper end of 16 bits."""
    values = WHOLE % 2**bits
    for photometric in (MIN_IS_BLACK, MIN_IS_WHITE):
        content = tiff(packed(values, bits), bits, order=order, photometric=photometric)
        assert np.array_equal(read_label(content, scale=1), values)
    compressed = tiff(zlib.compress(packed(values, bits)), bits, order=order, compression=DEFLATE)
    assert np.array_equal(read_label(compressed, scale=1), values)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", ["f2", "f4", "f8"])
def test_floats_of_every_length_are_read(code: str, order: str) -> None:
    stored = DEPTH.astype(code)
    data, bits = stored.astype(order + code).tobytes(), stored.itemsize * 8
    for content in (
        tiff(data, bits, kind=FLOAT, order=order),
        tiff(data, bits, kind=FLOAT, order=order, photometric=MIN_IS_WHITE),
        tiff(zlib.compress(data), bits, kind=FLOAT, order=order, compression=DEFLATE),
    ):
        assert np.array_equal(read_label(content), stored.astype(np.float32), equal_nan=True)


def test_min_is_white_changes_no_number() -> None:
    byte = (WHOLE % 256).astype(np.uint8)
    assert np.array_equal(read_label(tiff(byte.tobytes(), 8, photometric=MIN_IS_WHITE), scale=1), byte)
    content = tiff(WHOLE.astype("<u2").tobytes(), 16, photometric=MIN_IS_WHITE)
    assert np.array_equal(read_label(content, scale=1), WHOLE)


@pytest.mark.parametrize("count", [1, 3])
def test_tiles_and_equal_channels_are_read(tmp_path: Path, count: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    depth = np.linspace(0.5, 9, 35 * 47, dtype=np.float32).reshape(35, 47)
    for code in ("f2", "f4"):
        stored = depth.astype(code)
        values = stored if count == 1 else np.dstack([stored] * count)
        path, layout = tmp_path / f"{code}.tif", "minisblack" if count == 1 else "rgb"
        tifffile.imwrite(path, values, photometric=layout, tile=(16, 32), compression="zlib")
        assert np.array_equal(read_label(path), stored.astype(np.float32))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(b"\1\0", 1), "a TIFF of 1 x 1-bit unsigned integers"),
        (tiff(bytes(24), 24), "a TIFF of 1 x 24-bit unsigned integers"),
        (tiff(bytes(24), 24, kind=FLOAT), "a TIFF of 1 x 24-bit floats"),
        (tiff(bytes(64), 64, kind=COMPLEX), "a TIFF of 1 x 64-bit complex numbers"),
        (tiff(bytes(32), 16, samples=2), "a TIFF of 2 x 16-bit unsigned integers"),
        (
            tiff(bytes(96), 32, samples=3, photometric=COLOURS, planar=2),
            "a TIFF of 3 x 32-bit unsigned integers in pl",
        ),
        (tiff(bytes(16), 8, compression=JPEG), "JPEG in TIFF is lossy"),
        (
            tiff(bytes(16), 16, compression=9),
            r"a TIFF of 1 x 16-bit unsigned integers \(compression 9, .* is damaged, or",
        ),
        (tiff(bytes(16), 16)[:-40], "a damaged TIFF, its header cannot be read"),
        (b"II*\0", "a damaged TIFF, its header cannot be read"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8, "a damaged TIFF, its header cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_layouts_are_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        read_label(content, scale=1)


def test_one_map_is_one_page_beside_smaller_copies_and_masks() -> None:
    data = WHOLE.astype("<u2").tobytes()
    with pytest.raises(BrokenSampleError, match=r"expected one map, got a TIFF of 2 pages; save the map alone"):
        read_label(tiff(data, 16, pages=(0, 0)), scale=1)
    assert np.array_equal(read_label(tiff(data, 16, pages=(0, 1, 4, 5)), scale=1), WHOLE)


def test_a_huge_map_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    content = bytearray(tiff(bytes(16), 16))
    for tag in (256, 257):
        place = content.index(struct.pack("<HHI", tag, 3, 1))
        content[place + 8 : place + 10] = struct.pack("<H", 65_000)
    with pytest.raises(UnreadableImageError, match="4225000000 values are more than the limit"):
        read_label(bytes(content), scale=1)


def grey_of(image: np.ndarray) -> list[list[int]]:
    assert np.array_equal(image, np.repeat(image[..., :1], 3, axis=2))
    rows: list[list[int]] = image[..., 0].tolist()
    return rows


def test_pictures_of_10_to_14_bits_and_min_is_white(tmp_path: Path) -> None:
    expected: Any = [[0, 6, 125, 255], [0, 50, 187, 1]]
    (tmp_path / "a.tif").write_bytes(tiff(packed(WHOLE, 12), 12))
    assert grey_of(read_image(tmp_path / "a.tif")) == expected
    with Image.open(tmp_path / "a.tif") as picture:
        assert grey_of(read_image(picture)) == expected
    for order in "<>":
        for bits in (10, 12, 14):
            values = WHOLE >> 2 if bits == 10 else WHOLE << (bits - 12)
            dark, light = (
                read_image(tiff(packed(values, bits), bits, order=order, photometric=kind)).astype(int)
                for kind in (MIN_IS_BLACK, MIN_IS_WHITE)
            )
            assert np.abs(dark[..., 0] - expected).max() <= 1
            assert np.array_equal(dark + light, np.full_like(dark, 255))
    for scaled, bits in (((WHOLE * 16.0036).astype("<u2"), 16), ((WHOLE // 16).astype("u1"), 8)):
        dark, light = (
            read_image(tiff(scaled.tobytes(), bits, photometric=kind)).astype(int) for kind in (1, MIN_IS_WHITE)
        )
        assert dark.max() > 250
        assert np.array_equal(dark + light, np.full_like(dark, 255))


def test_pictures_of_16_bit_planes_are_refused(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    colours = np.stack([WHOLE * 16, WHOLE, WHOLE // 2])
    tifffile.imwrite(tmp_path / "planes.tif", colours, photometric="rgb", planarconfig="separate")
    with pytest.raises(UnreadableImageError, match=r"planes\.tif: a TIFF of 16-bit planes; save it with interleaved"):
        read_image(tmp_path / "planes.tif")
    cv2.imwrite(str(tmp_path / "mixed.tif"), np.moveaxis(colours, 0, -1)[..., ::-1])
    assert np.array_equal(read_image(tmp_path / "mixed.tif")[..., 0], WHOLE // 16)
