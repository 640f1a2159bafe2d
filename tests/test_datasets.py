# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Readers, the disparity codec and the datasets, on real files of every supported format."""

from __future__ import annotations

import io
import json
import pathlib
import struct
import zlib
from typing import Any

import cv2
import datasets
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.datasets import (
    DataSource,
    DepthFolder,
    DepthTable,
    PhotoFolder,
    UnreadableImageError,
    decode_disparity,
    encode_disparity,
    open_source,
    read_image,
    read_label,
)


SHARED_PHOTOS = pathlib.Path(__file__).parents[2] / "shared" / "data" / "photos"
SHARED_FORMATS = pathlib.Path(__file__).parents[2] / "shared" / "data" / "formats"


@pytest.fixture
def rgb() -> np.ndarray:
    rows, columns = np.mgrid[0:6, 0:8]
    return np.stack([rows * 40, columns * 30, rows * 5 + columns * 20], axis=2).astype(np.uint8)


@pytest.fixture
def depth() -> np.ndarray:
    return np.linspace(0.5, 24, 48, dtype=np.float32).reshape(6, 8)


@pytest.fixture
def table_cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def png_bytes(image: np.ndarray | Image.Image, **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", **options)
    return stream.getvalue()


def write_pairs(root: pathlib.Path, rgb: np.ndarray, depth: np.ndarray, names: list[str]) -> None:
    (root / "images").mkdir(parents=True)
    (root / "depth").mkdir()
    for name in names:
        Image.fromarray(rgb).save(root / "images" / f"{name}.png")
        np.save(root / "depth" / f"{name}.npy", depth)


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


# Folders


def test_depth_folder_by_stem(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["b", "a", "c"])
    folder = DepthFolder(tmp_path)
    assert folder.label == "depth" and len(folder) == 3
    samples = list(folder)  # type: ignore[call-overload]
    assert [pathlib.Path(sample["name"]).name for sample in samples] == ["a.png", "b.png", "c.png"]
    assert set(samples[0]) == {"image", "depth", "name"}
    assert np.array_equal(samples[0]["image"], rgb) and np.array_equal(samples[0]["depth"], depth)
    assert len(DepthFolder(tmp_path, limit=2)) == 2


def test_depth_folder_by_metadata(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "x.png")
    np.save(tmp_path / "y.npy", depth)
    np.save(tmp_path / "z.npy", 1 / depth)
    row = {"file_name": "x.png", "depth_file_name": "y.npy", "disparity_file_name": "z.npy", "scene": "kitchen"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n\n")
    assert np.array_equal(DepthFolder(tmp_path)[0]["depth"], depth)
    assert np.array_equal(DepthFolder(tmp_path, label="disparity")[0]["disparity"], 1 / depth)


def test_label_conventions_of_depth(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    depth[0, :5] = np.nan, np.inf, 0, -1, -np.inf
    depth[1, :3] = 90, 7.25, 10_000
    write_pairs(tmp_path, rgb, depth, ["a"])
    label = DepthFolder(tmp_path, invalid_values=(0, 7.25), sky_value=10_000, max_depth=80)[0]["depth"]
    expected = depth.copy()
    expected[0, :5] = np.nan, np.inf, np.nan, np.nan, np.nan
    expected[1, :3] = np.nan, np.nan, np.inf
    assert np.array_equal(label, expected, equal_nan=True)
    assert np.array_equal(DepthFolder(tmp_path)[0]["depth"][1, :3], [90, 7.25, 10_000])


def test_integer_depth_and_its_sky(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, np.zeros((6, 8), dtype=np.float32), [])
    Image.fromarray(rgb).save(tmp_path / "images" / "a.png")
    stored = np.full((6, 8), 250, dtype=np.uint16)
    stored[0, :2] = 0, 65535
    cv2.imwrite(str(tmp_path / "depth" / "a.png"), stored)
    label = DepthFolder(tmp_path, scale=100, sky_value=65535, max_depth=80)[0]["depth"]
    assert np.isnan(label[0, 0]) and label[0, 1] == np.inf and (label[1:] == 2.5).all()
    with pytest.raises(ValueError, match="scale="):
        DepthFolder(tmp_path)[0]


def test_label_conventions_of_disparity(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "disparity").mkdir()
    for name in ("float", "integer"):
        Image.fromarray(rgb).save(tmp_path / "images" / f"{name}.png")
    depth[0, :3] = 0, np.inf, np.nan
    np.save(tmp_path / "disparity" / "float.npy", depth)
    stored = np.full((6, 8), 9, dtype=np.uint16)
    stored[0, 0] = 0
    cv2.imwrite(str(tmp_path / "disparity" / "integer.png"), stored)
    of_float, of_integer = (sample["disparity"] for sample in DepthFolder(tmp_path, label="disparity"))  # type: ignore
    assert of_float[0, 0] == 0 and np.isnan(of_float[0, 1:3]).all() and np.isfinite(of_float[1:]).all()
    assert np.isnan(of_integer[0, 0]) and (of_integer[1:] == 9).all()


def test_depth_folder_errors(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        DepthFolder(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="metadata.jsonl.*the folder is empty"):
        DepthFolder(tmp_path)
    with pytest.raises(ValueError, match="label must be one of"):
        DepthFolder(tmp_path, label="dept")
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text("")
    with pytest.raises(ValueError, match="no rows"):
        DepthFolder(tmp_path)
    metadata.write_text('{"file_name": "a.png", "depht_file_name": "a.npy"}\n')
    with pytest.raises(ValueError, match=r"line 1.*'depth_file_name'.*\['depht_file_name', 'file_name'\]"):
        DepthFolder(tmp_path)
    metadata.write_text('{"file_name": "a.png"\n')
    with pytest.raises(ValueError, match="line 1: not JSON"):
        DepthFolder(tmp_path)
    metadata.write_text("[1]\n")
    with pytest.raises(ValueError, match="expected an object"):
        DepthFolder(tmp_path)


def test_pairing_errors_of_depth_folder(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    (tmp_path / "depth" / "b.npy").unlink()
    with pytest.warns(UserWarning, match=r"1 of 2 pictures.*b\.png"):
        assert len(DepthFolder(tmp_path)) == 1
    np.save(tmp_path / "depth" / "a.npy", depth[:5])
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"6 x 8.*5 x 8") as caught:
        DepthFolder(tmp_path)[0]
    assert "a.png" in str(caught.value) and "a.npy" in str(caught.value)
    Image.fromarray(rgb).save(tmp_path / "images" / "a.jpg")
    with pytest.raises(ValueError, match="same name, suffix aside"):
        DepthFolder(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no file of"):
        DepthFolder(tmp_path)


def test_a_label_without_any_valid_pixel_is_returned(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    write_pairs(tmp_path, rgb, np.zeros((6, 8), dtype=np.float32), ["a"])
    assert np.isnan(DepthFolder(tmp_path)[0]["depth"]).all()


def test_photo_folder(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for name in ("b.PNG", "a.jpg", "sub/c.webp", ".hidden/d.png", ".e.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text") if path.suffix == ".txt" else Image.fromarray(rgb).save(path)
    photos = PhotoFolder(tmp_path)
    names = [pathlib.Path(sample["name"]).name for sample in photos]  # type: ignore[attr-defined]
    assert names == ["a.jpg", "b.PNG", "c.webp"] and photos.label is None
    assert set(photos[0]) == {"image", "name"}
    assert len(PhotoFolder(tmp_path, limit=2)) == 2
    listed = PhotoFolder([tmp_path / "b.PNG", tmp_path / "a.jpg"])
    assert [pathlib.Path(listed[i]["name"]).name for i in range(2)] == ["b.PNG", "a.jpg"]
    with pytest.raises(ValueError, match="no pictures"):
        PhotoFolder(tmp_path / ".hidden" / "..", limit=0)
    with pytest.raises(FileNotFoundError):
        PhotoFolder(tmp_path / "absent")
    with pytest.raises(ValueError, match="empty"):
        PhotoFolder([])


def test_photographs_of_a_labelled_folder_are_its_pictures_only(
    tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    cv2.imwrite(str(tmp_path / "depth" / "a.tiff"), depth)
    photos = open_source({"path": str(tmp_path), "kind": "photos"})
    assert len(photos) == 2 and photos.label is None and np.array_equal(photos[1]["image"], rgb)
    row = {"file_name": "images/b.png", "depth_file_name": "depth/b.npy"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n")
    photos = open_source({"path": str(tmp_path), "kind": "photos"})
    assert len(photos) == 1 and photos[0]["name"].endswith("b.png")


# Tables


def pseudo_label_table(rgb: np.ndarray, disparities: list[np.ndarray]) -> datasets.Dataset:
    rows: dict[str, list] = {"image": [], "disparity": [], "disparity_minimum": [], "disparity_maximum": []}
    for disparity in disparities:
        png, minimum, maximum = encode_disparity(disparity)
        rows["image"].append({"bytes": png_bytes(rgb), "path": None})
        rows["disparity"].append({"bytes": png, "path": None})
        rows["disparity_minimum"].append(minimum)
        rows["disparity_maximum"].append(maximum)
    features = datasets.Features(
        image=datasets.Image(),
        disparity=datasets.Image(),
        disparity_minimum=datasets.Value("float64"),
        disparity_maximum=datasets.Value("float64"),
    )
    return datasets.Dataset.from_dict(rows, features=features)


def test_pseudo_label_shards_are_decoded(tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray) -> None:
    disparities = [np.random.default_rng(i).uniform(0, 9 + i, (6, 8)).astype(np.float32) for i in range(3)]
    disparities[1][2, 3] = np.nan
    table = pseudo_label_table(rgb, disparities)
    for index in range(3):
        table.select([index]).to_parquet(tmp_path / f"shard-{index:05d}.parquet")
    (tmp_path / "provenance.json").write_text("{}")
    opened = open_source(str(tmp_path))
    assert isinstance(opened, DepthTable) and opened.label == "disparity" and len(opened) == 3
    for index, disparity in enumerate(disparities):
        sample = opened[index]
        assert np.array_equal(sample["image"], rgb)
        assert np.allclose(sample["disparity"], disparity, atol=10 / 65535, equal_nan=True)
    as_bytes = table.cast_column("disparity", datasets.Image(decode=False)).map(
        lambda row: {"raw": row["disparity"]["bytes"]}
    )
    as_bytes = as_bytes.remove_columns("disparity").rename_column("raw", "disparity")
    assert np.allclose(DepthTable(as_bytes, label="disparity")[0]["disparity"], disparities[0], atol=10 / 65535)
    one_file = open_source({"path": str(tmp_path / "shard-00001.parquet")})
    assert len(one_file) == 1
    unlabelled = open_source({"path": str(tmp_path / "shard-00001.parquet"), "kind": "photos"})
    assert unlabelled.label is None and set(unlabelled[0]) == {"image", "name"}


def test_depth_table_of_nested_lists_and_names(rgb: np.ndarray, depth: np.ndarray) -> None:
    depth[0, 0] = 0
    rows = {"picture": [{"bytes": png_bytes(rgb), "path": None}] * 2, "depth_map": [depth.tolist()] * 2}
    table = datasets.Dataset.from_dict({**rows, "name": ["first", "second"]})
    dataset = DepthTable(table, image_column="picture", label="depth", limit=1)
    sample = dataset[0]
    assert len(dataset) == 1 and sample["name"] == "first"
    assert np.isnan(sample["depth"][0, 0]) and np.allclose(sample["depth"][1:], depth[1:])


def test_tables_apply_exif_orientation(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    cell = {"bytes": png_bytes(Image.fromarray(np.ascontiguousarray(np.rot90(rgb))), exif=exif), "path": "turned.png"}
    table = datasets.Dataset.from_dict({"image": [cell]}, features=datasets.Features(image=datasets.Image()))
    sample = DepthTable(table)[0]
    assert np.array_equal(sample["image"], rgb) and sample["name"] == "turned.png"


def test_depth_table_errors(rgb: np.ndarray, depth: np.ndarray) -> None:
    table = pseudo_label_table(rgb, [depth])
    with pytest.raises(ValueError, match=r"no column photo.*image_column=.*'image', 'disparity'"):
        DepthTable(table, image_column="photo")
    with pytest.raises(ValueError, match="no column depth or depth_map.*label_column="):
        DepthTable(table, label="depth")
    with pytest.raises(TypeError, match="map-style"):
        DepthTable(table.to_iterable_dataset())
    with pytest.raises(ValueError, match="no rows"):
        DepthTable(table.select([]))
    broken = datasets.Dataset.from_dict({"image": [{"bytes": b"nothing", "path": None}]})
    with pytest.raises(UnreadableImageError, match="row 0"):
        DepthTable(broken)[0]
    missing = datasets.Dataset.from_dict({"image": [{"bytes": png_bytes(rgb), "path": None}], "depth": [None]})
    with pytest.raises(UnreadableImageError, match="row 0.*'depth' is empty"):
        DepthTable(missing, label="depth")[0]
    small = pseudo_label_table(rgb, [depth[:3]])
    with pytest.raises(ValueError, match="6 x 8.*3 x 8"):
        DepthTable(small, label="disparity")[0]


# Opening


def test_open_source_detects_local_kinds(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path / "pairs", rgb, depth, ["a", "b"])
    assert isinstance(open_source(tmp_path / "pairs"), DepthFolder)
    photos = open_source(tmp_path / "pairs" / "images")
    assert isinstance(photos, PhotoFolder) and len(photos) == 2
    single = open_source(str(tmp_path / "pairs" / "images" / "a.png"))
    assert isinstance(single, PhotoFolder) and len(single) == 1
    pseudo_label_table(rgb, [depth, depth]).save_to_disk(tmp_path / "saved")
    assert open_source(tmp_path / "saved").label == "disparity"
    halves = datasets.DatasetDict(train=pseudo_label_table(rgb, [depth]), test=pseudo_label_table(rgb, [depth] * 2))
    halves.save_to_disk(tmp_path / "halves")
    assert len(open_source({"path": tmp_path / "halves", "split": "test"})) == 2
    with pytest.raises(ValueError, match=r"no split 'val'.*\['test', 'train'\]"):
        open_source({"path": str(tmp_path / "halves"), "split": "val"})


def test_open_source_of_an_imagefolder_with_splits(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    for split, count in (("train", 1), ("test", 2)):
        (tmp_path / split).mkdir()
        Image.fromarray(rgb).save(tmp_path / split / "x.png")
        np.save(tmp_path / split / "y.npy", depth)
        line = json.dumps({"file_name": "x.png", "disparity_file_name": "y.npy"}) + "\n"
        (tmp_path / split / "metadata.jsonl").write_text(line * count)
    opened = open_source({"path": str(tmp_path), "split": "test"})
    assert isinstance(opened, DepthFolder) and opened.label == "disparity" and len(opened) == 2


def test_metadata_without_labels_is_photographs(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "x.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "x.png", "text": "a kitchen"}\n')
    assert isinstance(open_source(tmp_path), PhotoFolder)
    with pytest.raises(ValueError, match=r"'depth_file_name'.*\['file_name', 'text'\]"):
        open_source({"path": str(tmp_path), "label": "depth"})


def test_open_source_keeps_splits_of_local_parquet_apart(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    pseudo_label_table(rgb, [depth]).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    pseudo_label_table(rgb, [depth] * 2).to_parquet(tmp_path / "validation-00000-of-00001.parquet")
    assert len(open_source(tmp_path)) == 1
    assert len(open_source(DataSource(str(tmp_path), split="validation"))) == 2
    with pytest.raises(ValueError, match=r"no files of split 'test'.*\['train', 'validation'\]"):
        open_source(DataSource(str(tmp_path), split="test"))


def test_open_source_of_json_lines_with_relative_paths(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path / "pairs", rgb, depth, ["a"])
    (tmp_path / "list.jsonl").write_text('{"image": "pairs/images/a.png", "depth": "pairs/depth/a.npy"}\n')
    sample = open_source(tmp_path / "list.jsonl")[0]
    assert np.array_equal(sample["depth"], depth) and sample["name"].endswith("a.png")


def test_label_column_of_another_name_needs_its_kind(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    rows = {"image": [{"bytes": png_bytes(rgb), "path": None}], "inverse": [depth.tolist()]}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="label_column='inverse' needs label="):
        open_source({"path": str(tmp_path), "label_column": "inverse"})
    opened = open_source({"path": str(tmp_path), "label_column": "inverse", "label": "disparity"})
    assert np.array_equal(opened[0]["disparity"], depth)
    assert open_source(str(tmp_path)).label is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no tables"):
        open_source({"path": str(tmp_path / "empty"), "kind": "table"})


def test_open_source_errors(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="unknown key 'lable'.*'label'"):
        open_source({"path": "x", "lable": "depth"})
    with pytest.raises(ValueError, match="needs the key 'path'"):
        open_source({"label": "depth"})
    for wrong in ({"kind": "folders"}, {"label": "dist"}, {"limit": 0}, {"weight": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            open_source({"path": "x", **wrong})
    with pytest.raises(FileNotFoundError, match="found none of them"):
        open_source(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        open_source(str(tmp_path / "absent"))
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(FileNotFoundError, match="neither a picture nor a table"):
        open_source(tmp_path / "notes.txt")


def test_a_hub_id_that_cannot_be_loaded_says_so(monkeypatch: pytest.MonkeyPatch, table_cache: None) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="nobody/nothing-here.*no local file or folder"):
        open_source("nobody/nothing-here")
