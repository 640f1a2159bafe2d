# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures, maps of every supported format, and the code of disparity, on real files."""

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
from shared_files import SHARED_FORMATS, SHARED_PHOTOS

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.disparity_codec import decode_disparity, encode_disparity
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image


# Pictures


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
    """OpenCV decodes whole JPEG pictures in colour or grey; they are Pillow's to the bit, turned upright or not."""
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
    (tmp_path / "text.jpg").write_text("hello, I am no picture")
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
    with pytest.raises(FileNotFoundError, match="absent.jpg"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(UnreadableImageError, match="neither bytes nor path"):
        read_image({"bytes": None, "path": None})
    with pytest.raises(TypeError, match="int"):
        read_image(3)  # type: ignore[arg-type]


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = bytearray(png_bytes(np.zeros((1, 1, 3), dtype=np.uint8)))
    content[16:33] = header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(UnreadableImageError, match="MAX_IMAGE_PIXELS"):
        read_image(bytes(content))


# Labels


def write_pfm(path: pathlib.Path, values: np.ndarray, scale: float) -> None:
    order = "<f4" if scale < 0 else ">f4"
    header = f"Pf\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode()
    path.write_bytes(header + values[::-1].astype(order).tobytes())


def exr_bytes(values: np.ndarray) -> bytes:
    """An uncompressed scan-line OpenEXR file with one float channel Y."""
    height, width = values.shape
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", b"Y\x00" + struct.pack("<iB3xii", 2, 0, 1, 1) + b"\x00"),
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
        with pytest.raises(ValueError, match="1000 for millimetres.*256 for KITTI") as caught:
            read_label(path)
        assert path.name in str(caught.value)
    with pytest.raises(ValueError, match="positive"):
        read_label(tmp_path / "a.png", scale=0)


def test_read_label_of_exr_or_a_clear_error(tmp_path: pathlib.Path, depth: np.ndarray) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(exr_bytes(depth))
    if int(cv2.__version__.split(".")[0]) < 5:
        assert np.array_equal(read_label(path), depth)
        return
    try:
        label = read_label(path)
    except UnreadableImageError as error:
        assert "a.exr" in str(error) and "OpenEXR" in str(error) and "npy" in str(error)
    else:
        assert np.array_equal(label, depth)


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
    with pytest.raises(ValueError, match="numbers"):
        read_label(tmp_path / "words.npy")


def test_grey_map_saved_as_rgb_is_a_map(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    Image.fromarray(np.repeat(rgb[..., :1], 3, axis=2)).save(tmp_path / "a.png")
    assert np.array_equal(read_label(tmp_path / "a.png", scale=1), rgb[..., 0].astype(np.float32))


# Codec


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.013, 417.0), (-3, 5e-4), (1e-6, 3e-6)])
def test_encoded_disparity_keeps_its_error_bound(low: float, high: float) -> None:
    disparity = np.random.default_rng(0).uniform(low, high, (37, 53)).astype(np.float32)
    disparity[3:5, 10:20] = np.nan
    png, minimum, maximum = encode_disparity(disparity)
    decoded = decode_disparity(png, minimum, maximum)
    assert decoded.dtype == np.float32 and np.array_equal(np.isnan(decoded), np.isnan(disparity))
    assert minimum == np.nanmin(disparity) and maximum == np.nanmax(disparity)
    assert np.nanmax(np.abs(decoded.astype(np.float64) - disparity)) <= (maximum - minimum) / 65535
    assert np.nanmin(decoded) == np.nanmin(disparity) and np.nanmax(decoded) == np.nanmax(disparity)


def test_encoded_disparity_of_special_maps() -> None:
    for disparity in (np.full((4, 5), 2.5, np.float32), np.full((4, 5), np.nan, np.float32)):
        png, minimum, maximum = encode_disparity(disparity)
        assert np.isfinite([minimum, maximum]).all()
        assert np.array_equal(decode_disparity(png, minimum, maximum), disparity, equal_nan=True)
    with pytest.raises(ValueError, match="infinite"):
        encode_disparity(np.array([[np.inf, 1]], dtype=np.float32))
    with pytest.raises(ValueError, match="shape"):
        encode_disparity(np.zeros((1, 2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="16-bit"):
        decode_disparity(png_bytes(np.zeros((2, 2), dtype=np.uint8)), 0, 1)


def test_the_logarithmic_code_keeps_the_relative_error_and_zero() -> None:
    disparity = np.geomspace(1e-3, 20, 5000, dtype=np.float32).reshape(50, 100)
    disparity[0, :3] = (np.nan, 0, 1e-3)
    png, minimum, maximum = encode_disparity(disparity, "log")
    decoded = decode_disparity(png, minimum, maximum, "log")
    assert (minimum, maximum) == (float(np.float32(1e-3)), 20.0)
    assert np.isnan(decoded[0, 0]) and decoded[0, 1] == 0
    positive = disparity > 0
    np.testing.assert_allclose(decoded[positive], disparity[positive], rtol=np.log(maximum / minimum) / 65535)


@pytest.mark.parametrize("values", [[0.0, 0.0], [np.nan, np.nan], [2.5, 2.5], [0.0, 3.0]])
def test_the_logarithmic_code_of_few_values_is_exact(values: list[float]) -> None:
    disparity = np.array([values], dtype=np.float32)
    png, minimum, maximum = encode_disparity(disparity, "log")
    np.testing.assert_array_equal(decode_disparity(png, minimum, maximum, "log"), disparity)


def test_the_logarithmic_code_refuses_negative_values_and_unknown_names_are_told() -> None:
    disparity = np.array([[-1.0, 2.0]], dtype=np.float32)
    with pytest.raises(ValueError, match="disparity >= 0, got -1.0; use the linear one"):
        encode_disparity(disparity, "log")
    with pytest.raises(ValueError, match=r"'logarithm'.*\['linear', 'log'\]"):
        encode_disparity(disparity, "logarithm")
    with pytest.raises(ValueError, match="unknown encoding"):
        decode_disparity(b"", 0, 1, "")
