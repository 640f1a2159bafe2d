# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images, maps of every supported format, and the code of disparity, on real files."""

from __future__ import annotations

import io
import pathlib
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from sample_files import png_bytes
from shared_files import SHARED_PHOTOS

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import find_images, read_image


def test_read_image_takes_path_bytes_cell_and_picture(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(rgb).save(path)
    sources: list[Any] = [
        path,
        str(path),
        path.read_bytes(),
        {"bytes": path.read_bytes(), "path": None},
        {"bytes": None, "path": str(path)},
        Image.open(path),
    ]
    for source in sources:
        image = read_image(source)
        assert image.dtype == np.uint8 and np.array_equal(image, rgb)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_pixels_are_pillows(subsampling: int) -> None:
    """OpenCV decodes whole JPEG images in colour or grey; they are Pillow's to the bit, turned upright or not."""
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (61, 43), interpolation=cv2.INTER_CUBIC)
    for pixels, mode in ((image, "RGB"), (image[..., 0], "L"), (image, "CMYK")):
        for quality, orientation in ((50, 0), (95, 1), (90, 5), (90, 6), (90, 7)):
            file = io.BytesIO()
            exif = Image.Exif()
            exif[0x0112] = orientation
            options: dict[str, Any] = {} if mode == "L" else {"subsampling": subsampling}
            Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=quality, exif=exif, **options)
            with Image.open(io.BytesIO(file.getvalue())) as stored:
                expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))
            found = read_image(file.getvalue())
            assert found.flags["C_CONTIGUOUS"] and np.array_equal(found, expected)
            with pytest.raises(UnreadableImageError, match="bytes: cannot be decoded"):
                read_image(file.getvalue()[:-30])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_read_image_applies_every_exif_orientation(tmp_path: pathlib.Path, orientation: int, suffix: str) -> None:
    upright = np.full((64, 96, 3), 128, dtype=np.uint8)
    upright[:32, :48], upright[:32, 48:], upright[32:, :48] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    # What the EXIF standard says is stored: orientation o means "row 0 is the ... side, column 0 is the ... side".
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=95)
    image = read_image(path)
    assert image.shape == upright.shape
    assert np.abs(image[8:24, 8:40].astype(int) - upright[8:24, 8:40]).max() < 20
    assert np.abs(image.astype(int) - upright).mean() < 6


def test_read_image_of_an_illegal_orientation_is_as_stored(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    Image.fromarray(rgb).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), rgb)


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="needs the photographs of the shared folder")
def test_photographs_of_one_scene_agree_in_all_orientations() -> None:
    for form in ("Landscape", "Portrait"):
        images = [read_image(path) for path in sorted(SHARED_PHOTOS.glob(f"exif_orientation_{form}_?.jpg"))]
        assert len(images) > 1 and len({image.shape for image in images}) == 1
        thumbnails = [cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).astype(float) for image in images]
        assert max(np.abs(thumbnail - thumbnails[0]).mean() for thumbnail in thumbnails) < 10


def test_read_image_converts_every_mode(rgb: np.ndarray) -> None:
    grey = rgb[..., 1]
    as_grey = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(read_image(png_bytes(grey)), as_grey)
    transparent = np.dstack([rgb, np.full(grey.shape, 7, dtype=np.uint8)])
    assert np.array_equal(read_image(png_bytes(transparent)), rgb)
    grey_and_alpha = Image.fromarray(grey).convert("LA")
    assert np.array_equal(read_image(png_bytes(grey_and_alpha)), as_grey)
    palette = Image.fromarray(rgb).quantize(64)
    assert np.array_equal(read_image(png_bytes(palette)), np.asarray(palette.convert("RGB")))
    assert np.array_equal(read_image(png_bytes(palette, transparency=0)), np.asarray(palette.convert("RGB")))
    black_and_white = Image.fromarray(grey > 100)
    assert np.array_equal(read_image(png_bytes(black_and_white))[..., 0], np.where(grey > 100, 255, 0))


def test_read_image_converts_cmyk_jpeg() -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(stream, format="JPEG", quality=95)
    image = read_image(stream.getvalue())
    assert image.shape == (16, 16, 3)
    assert np.abs(image.astype(int) - (255, 0, 0)).max() < 12


def test_read_image_scales_16_bit_grey_and_does_not_clip_it(tmp_path: pathlib.Path) -> None:
    codes = np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16)
    Image.fromarray(codes).save(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "a.tif"), codes)
    for suffix in ("png", "tif"):
        assert read_image(tmp_path / f"a.{suffix}")[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_unreadable_images_name_the_file_and_the_reason(tmp_path: pathlib.Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for suffix in ("jpg", "png"):
        Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
        content = (tmp_path / f"whole.{suffix}").read_bytes()
        (tmp_path / f"truncated.{suffix}").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("hello, I am no image")
    (tmp_path / "empty.jpg").write_bytes(b"")
    Image.fromarray(np.ones((4, 4), dtype=np.float32)).save(tmp_path / "float.tif")
    reasons = {
        "truncated.jpg": "truncated",
        "truncated.png": "truncated|cannot be decoded",
        "text.jpg": "hello",
        "empty.jpg": "empty",
        "float.tif": "floating-point",
    }
    for name, reason in reasons.items():
        with pytest.raises(UnreadableImageError, match=reason) as caught:
            read_image(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(UnreadableImageError, match=tmp_path.name):
        read_image(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"absent.jpg"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(UnreadableImageError, match="expected a cell with bytes or a path, got one with neither"):
        read_image({"bytes": None, "path": None})
    with pytest.raises(TypeError, match="int"):
        read_image(3)  # type: ignore[arg-type]


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = bytearray(png_bytes(np.zeros((1, 1, 3), dtype=np.uint8)))
    content[16:33] = header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(UnreadableImageError, match="MAX_IMAGE_PIXELS"):
        read_image(bytes(content))


def test_folders_are_searched_in_order_and_files_are_taken_as_given(tmp_path: pathlib.Path) -> None:
    for name in ["b/2.png", "b/1.JPG", "a.png", ".hidden/3.png", "b/notes.txt"]:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    root = tmp_path / "in"
    given = root / "b" / "notes.txt"
    assert find_images([root, given]) == [root / "a.png", root / "b/1.JPG", root / "b/2.png", given]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no images; expected files that end in"):
        find_images([tmp_path / "empty"])
