# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Damaged, odd and hostile files: each is read, or refused by name, and a mixture goes on without it."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import datasets
import numpy as np
import psutil
import pytest
from PIL import Image
from sample_files import colour_ramp, depth_ramp, png_bytes, pseudo_label_table

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.data.mixture import Mixture, check_first_samples
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


RGB = colour_ramp()
DEPTH = depth_ramp()
BOMB_SIDE = 20_000


class Kind(NamedTuple):
    """What stands in the file, whether an image or label comes out, and what the refusal says."""

    name: str
    content: Callable[[], bytes]
    refusal: str | None = None
    suffix: str = ".png"


def encoded(picture: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, format=kind, **options)
    return stream.getvalue()


def large(kind: str) -> bytes:
    return encoded(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8), kind)


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(RGB.repeat(8, axis=0).repeat(8, axis=1), "JPEG", exif=exif)


def palette_with_alpha() -> bytes:
    return encoded(Image.fromarray(RGB).quantize(8), "PNG", transparency=bytes([0, 128, 255]))


def animated() -> bytes:
    frames = [Image.new("L", (8, 6), brightness) for brightness in (50, 90)]
    return encoded(Image.fromarray(RGB), "GIF", save_all=True, append_images=frames)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_bomb() -> bytes:
    """A valid black-and-white PNG of 20000 x 20000: 50 KB on disk, 400 million pixels."""
    packer = zlib.compressobj(1)
    row = bytes(1 + BOMB_SIDE // 8)
    pixels = b"".join(packer.compress(row * 500) for _ in range(BOMB_SIDE // 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_bomb() -> bytes:
    """A JPEG whose header promises 60000 x 60000 pixels."""
    content = large("JPEG")
    place = content.index(b"\xff\xc0")
    return content[: place + 5] + struct.pack(">HH", 60_000, 60_000) + content[place + 9 :]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


PICTURES = [
    Kind("zero bytes", lambda: b"", "empty"),
    Kind("text renamed jpg", lambda: b"this is no image\n" * 20, "not an image", ".jpg"),
    Kind("web page renamed jpg", lambda: b"<!DOCTYPE html><html>404</html>", "not an image", ".jpg"),
    Kind("random bytes", lambda: np.random.default_rng(0).bytes(3000), "not an image"),
    Kind("truncated jpeg", lambda: large("JPEG")[:-900], "cannot be decoded", ".jpg"),
    Kind("jpeg header only", lambda: large("JPEG")[:200], "cannot be decoded|not an image", ".jpg"),
    Kind("truncated png", lambda: large("PNG")[:-5000], "cannot be decoded"),
    Kind("png with a flipped bit", lambda: flipped(large("PNG"), 6000), "cannot be decoded"),
    Kind("truncated webp", lambda: large("WEBP")[:-900], "cannot be decoded|not an image", ".webp"),
    Kind("truncated tiff", lambda: large("TIFF")[:6000], "cannot be decoded|not an image", ".tiff"),
    Kind("png bomb", png_bomb, "400000000 pixels.*MAX_IMAGE_PIXELS"),
    Kind("jpeg bomb", jpeg_bomb, "3600000000 pixels.*MAX_IMAGE_PIXELS", ".jpg"),
    Kind("float tiff", lambda: encoded(DEPTH, "TIFF"), "floating-point image", ".tiff"),
    Kind("32-bit tiff", lambda: encoded(np.full((6, 8), 70_000, np.int32), "TIFF"), "do not fit 16 bit", ".tiff"),
    Kind("cmyk jpeg", lambda: encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), suffix=".jpg"),
    Kind("16-bit grey", lambda: encoded((DEPTH * 2000).astype(np.uint16), "PNG")),
    Kind("palette with alpha", palette_with_alpha),
    Kind("grey with alpha", lambda: encoded(Image.fromarray(RGB).convert("LA"), "PNG")),
    Kind("one bit", lambda: encoded(Image.fromarray(RGB).convert("1"), "PNG")),
    Kind("animated gif", animated),
    Kind("jpeg named png", lambda: large("JPEG"), suffix=".png"),
    Kind("one pixel", lambda: encoded(RGB[:1, :1], "PNG")),
    Kind("5000 x 1", lambda: encoded(np.zeros((1, 5000, 3), np.uint8), "PNG")),
    *(Kind(f"orientation {value}", partial(with_orientation, value), suffix=".jpg") for value in (*range(1, 9), 42)),
]


def npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def npy_bomb() -> bytes:
    """A header that promises a petabyte."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (20000000, 20000000), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def npz_bomb() -> bytes:
    """An archive of some kilobytes whose directory promises 4 GB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("depth.npy", npy(np.zeros((1000, 1000), np.float32)))
    content = stream.getvalue()
    directory = content.index(b"PK\x01\x02")
    return content[: directory + 24] + struct.pack("<I", 4_000_000_000) + content[directory + 28 :]


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def exr_bomb() -> bytes:
    return b"\x76\x2f\x31\x01\x02\x00\x00\x00dataWindow\0box2i\0\x10\x00\x00\x00" + struct.pack(
        "<4i", 0, 0, 39999, 39999
    )


NOISE = np.random.default_rng(0).integers(0, 9999, (64, 64), np.uint16)
TWO_MAPS = {"left": DEPTH, "right": DEPTH}
LABEL_FILES = [
    Kind("zero bytes", lambda: b"", "empty", ".npy"),
    Kind("text", lambda: b"1.0 2.0 3.0\n", "not a readable label"),
    Kind("truncated npy", lambda: npy(DEPTH)[:-40], "not a readable npy", ".npy"),
    Kind("npy of objects", lambda: npy(np.array([{"depth": 1}], dtype=object)), "not a readable npy", ".npy"),
    Kind("npy of text", lambda: npy(np.array([["a", "b"]])), "expected a map of numbers", ".npy"),
    Kind("npy bomb", npy_bomb, "not a readable npy", ".npy"),
    Kind("truncated npz", lambda: npz(depth=DEPTH)[:-30], "not a readable npy", ".npz"),
    Kind("npz bomb", npz_bomb, "500000000 values are more", ".npz"),
    Kind("npz of two maps", lambda: npz(**TWO_MAPS), "expected an npz of one array", ".npz"),
    Kind("png bomb", png_bomb, "MAX_IMAGE_PIXELS"),
    Kind("exr bomb", exr_bomb, "1600000000 values are more", ".exr"),
    Kind("truncated exr", lambda: exr_bomb()[:30], "damaged", ".exr"),
    Kind("truncated 16-bit png", lambda: png_bytes(NOISE)[:-3000], "truncated PNG"),
    Kind("truncated pfm", lambda: b"Pf\n8 6\n-1.0\n" + bytes(100), "truncated PFM", ".pfm"),
    Kind("coloured preview", lambda: png_bytes(RGB), "coloured preview"),
    Kind("another size", lambda: npy(DEPTH[:3]), "must agree pixel by pixel", ".npy"),
    Kind("volume", lambda: npy(np.zeros((6, 8, 5), np.float32)), "expected a map", ".npy"),
    Kind("no values", lambda: npy(np.zeros((0, 8), np.float32)), "expected a map", ".npy"),
    Kind("half precision", lambda: npy(DEPTH.astype(np.float16)), suffix=".npy"),
    Kind("float tiff", lambda: encoded(DEPTH, "TIFF"), suffix=".tiff"),
    Kind("a NaN", lambda: npy(np.where(DEPTH > 20, np.nan, DEPTH)), suffix=".npy"),
    Kind("all NaN", lambda: npy(np.full_like(DEPTH, np.nan)), suffix=".npy"),
    Kind("all zero", lambda: npy(np.zeros_like(DEPTH)), suffix=".npy"),
    Kind("negative and infinite", lambda: npy(np.where(DEPTH > 9, np.inf, -DEPTH)), suffix=".npy"),
]


def ids(kinds: list[Kind]) -> list[str]:
    return [f"{kind.name} -> {'refused' if kind.refusal else 'works'}" for kind in kinds]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three whole pairs, a, b and c, each 6 x 8."""
    for name in ("images", "depth"):
        (tmp_path / name).mkdir()
    for name in "abc":
        (tmp_path / "images" / f"{name}.png").write_bytes(png_bytes(RGB))
        np.save(tmp_path / "depth" / f"{name}.npy", DEPTH)
    return tmp_path


def peak_mebibytes() -> float:
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 2**20
    import resource

    # Bytes on macOS, KiB elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def epoch_of(folder: Path) -> list[dict]:
    mixture = Mixture([DepthFolder(folder, exif="apply")], TrainingTransform(14))
    return [mixture[0, position] for position in range(len(mixture))]


def check_mixture(folder: Path, broken: Path, refusal: str | None, partner: Path | None = None) -> None:
    """An epoch has four whole samples, and names the broken file once."""
    items = epoch_of(folder)
    assert len(items) == 4 and all(item["pixel_values"].isfinite().all() for item in items)
    skipped = [entry for item in items for entry in item["broken"]]
    if refusal is None:
        assert not skipped
        return
    # The replacement is drawn from the whole source, so that it may be the broken one again.
    assert skipped and len({reason for _, reason in skipped}) == 1
    assert str(broken) in skipped[0][1] or str(partner) in skipped[0][1]
    assert [item["broken"] for item in epoch_of(folder)] == [item["broken"] for item in items]


@pytest.mark.filterwarnings("ignore:.* with several frames or pages")
@pytest.mark.parametrize("kind", PICTURES, ids=ids(PICTURES))
def test_a_picture_is_read_or_refused_by_name(folder: Path, kind: Kind) -> None:
    path = folder / "images" / f"d{kind.suffix}"
    path.write_bytes(kind.content())
    before = peak_mebibytes()
    height, width = 6, 8
    if kind.refusal is None:
        picture = read_image(path)
        height, width = picture.shape[:2]
        assert picture.dtype == np.uint8 and picture.shape == (height, width, 3)
    else:
        with pytest.raises(BrokenSampleError, match=kind.refusal) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
    assert peak_mebibytes() - before < 32
    np.save(folder / "depth" / "d.npy", np.ones((height, width), np.float32))
    is_too_thin = max(height, width) > 50 * min(height, width)
    check_mixture(folder, path, "too long and thin" if is_too_thin else kind.refusal)


@pytest.mark.parametrize("kind", LABEL_FILES, ids=ids(LABEL_FILES))
def test_a_label_is_read_or_refused_by_name(folder: Path, kind: Kind) -> None:
    picture, path = folder / "images" / "d.png", folder / "depth" / f"d{kind.suffix}"
    picture.write_bytes(png_bytes(RGB))
    path.write_bytes(kind.content())
    before = peak_mebibytes()
    source = DepthFolder(folder)
    if kind.refusal is None:
        label = source[3]["depth"]
        assert label.shape == (6, 8) and label.dtype == np.float32 and not (label <= 0).any()
    else:
        with pytest.raises(BrokenSampleError, match=kind.refusal) as caught:
            source[3]
        assert str(path) in str(caught.value)
    assert peak_mebibytes() - before < 32
    check_mixture(folder, path, kind.refusal, picture)


def test_a_missing_file_and_a_folder_are_skipped(folder: Path) -> None:
    source = DepthFolder(folder)
    (folder / "images" / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"a.png: no such file"):
        source[0]
    (folder / "depth" / "b.npy").unlink()
    (folder / "depth" / "b.npy").mkdir()
    with pytest.raises(BrokenSampleError, match=r"b\.npy is a folder, expected a file"):
        source[1]
    mixture = Mixture([source], TrainingTransform(14))
    items = [mixture[0, position] for position in range(3)]
    assert {item["name"] for item in items} == {str(folder / "images" / "c.png")}
    reasons = " ".join(reason for item in items for _, reason in item["broken"])
    assert "a.png: no such file" in reasons and "b.npy is a folder" in reasons


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="every file may be read here")
def test_a_forbidden_file_is_skipped(folder: Path) -> None:
    forbidden = folder / "images" / "c.png"
    forbidden.chmod(0)
    with pytest.raises(BrokenSampleError, match=r"c\.png: Permission denied"):
        read_image(forbidden)
    mixture = Mixture([DepthFolder(folder)], TrainingTransform(14))
    reasons = {reason for position in range(3) for _, reason in mixture[0, position]["broken"]}
    assert reasons == {f"{forbidden}: Permission denied"}


def test_a_mixture_of_broken_files_stops(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        path.write_bytes(b"")
    mixture = Mixture([DepthFolder(folder)], TrainingTransform(14), names=["rooms"])
    with pytest.raises(ValueError, match=r"10 samples in a row.*most of the data is broken.*\.png: the file is empty"):
        mixture[0, 0]
    with pytest.raises(ValueError, match=r"^rooms: none of its first samples can be used.*c\.png: the file is empty"):
        check_first_samples(mixture)


def test_faults_of_the_configuration_are_not_skipped(folder: Path) -> None:
    """An integer map without scale is wrong in every file, not in one."""
    for name in "abc":
        np.save(folder / "depth" / f"{name}.npy", DEPTH.astype(np.int32))
    mixture = Mixture([DepthFolder(folder)], TrainingTransform(14), names=["rooms"])
    with pytest.raises(ValueError, match="has no unit"):
        mixture[0, 0]
    with pytest.raises(ValueError, match=r"^rooms: its first sample cannot be used.*has no unit"):
        check_first_samples(mixture)
    with pytest.raises(ValueError, match="an integer map"):
        read_label(folder / "depth" / "a.npy")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parquet files of eight rows, some kilobytes each."""
    root = tmp_path_factory.mktemp("shards")
    noise = np.random.default_rng(0).integers(0, 255, (24, 24, 24, 3), dtype=np.uint8)
    for shard in range(3):
        rows = pseudo_label_table(RGB, [np.random.default_rng(shard).random((24, 24), np.float32)] * 8)
        pictures = [{"bytes": png_bytes(noise[8 * shard + row]), "path": None} for row in range(8)]
        rows = rows.remove_columns("image").add_column("image", pictures).cast_column("image", datasets.Image())
        rows.add_column("name", [f"{shard}-{row}" for row in range(8)]).to_parquet(root / f"{shard}.parquet")
    return root


def damaged(shards: Path, root: Path, damage: Callable[[bytes], bytes]) -> Path:
    for path in sorted(shards.iterdir()):
        content = path.read_bytes()
        (root / path.name).write_bytes(damage(content) if path.stem == "1" else content)
    return root


def page_header_damage(content: bytes) -> bytes:
    """Destroys the first column's first page, not the footer: the file opens, but its rows cannot be read."""
    return content[:4] + b"\xff" * 64 + content[68:]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-2000], r"magic bytes not found.*damaged: .*1\.parquet"),
        (lambda content: b"", r"0 bytes.*damaged: .*1\.parquet"),
    ],
    ids=["truncated -> refused at start", "empty -> refused at start"],
)
def test_a_damaged_table_stops_at_start(
    tmp_path: Path, table_cache: None, shards: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    root = tmp_path / "damaged"
    root.mkdir()
    with pytest.raises(ValueError, match=reason) as caught:
        open_source(damaged(shards, root, damage))
    assert str(root) in str(caught.value)


def test_rows_of_a_damaged_page_in_a_table_are_skipped_by_name(tmp_path: Path, shards: Path) -> None:
    """Tables are read in place: whoever does not copy all rows at the start finds damage where it is."""
    mixture = Mixture([open_source(damaged(shards, tmp_path, page_header_damage))], TrainingTransform(14))
    items = [mixture[0, position] for position in range(len(mixture))]
    assert {item["name"][0] for item in items} == {"0", "2"}
    reasons = [reason for item in items for _, reason in item["broken"]]
    assert len(reasons) >= 8
    for reason in reasons:
        assert re.search(r"1\.parquet: row \d cannot be read: .*; if the file is damaged, copy", reason), reason


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-2000], lambda content: b"", page_header_damage],
    ids=["truncated -> skipped", "empty -> skipped", "flipped bits -> skipped"],
)
def test_a_damaged_shard_of_a_stream_is_skipped_by_name(
    tmp_path: Path, shards: Path, damage: Callable[[bytes], bytes]
) -> None:
    source = open_source({"path": str(damaged(shards, tmp_path, damage)), "streaming": True})
    part = StreamingMixture([source], TrainingTransform(14)).part(0, 1)
    items = [next(part) for _ in range(16)]
    assert sorted(item["name"] for item in items) == sorted(f"{s}-{row}" for s in (0, 2) for row in range(8))
    skipped = [entry for item in items for entry in item["broken"]]
    assert (
        len(skipped) == 1 and f"{tmp_path}: the rest of shard 1 (1.parquet) cannot be read (from row " in skipped[0][1]
    )


def test_one_flipped_bit_of_a_map_in_a_shard_is_skipped(tmp_path: Path, shards: Path) -> None:
    def damage(content: bytes) -> bytes:
        return flipped(content, content.index(b"IDAT") + 300)

    source = open_source({"path": str(damaged(shards, tmp_path, damage)), "streaming": True})
    part = StreamingMixture([source], TrainingTransform(14)).part(0, 1)
    items = [next(part) for _ in range(23)]
    skipped = [entry for item in items for entry in item["broken"]]
    assert len(skipped) == 1 and "not a readable label" in skipped[0][1] and "row 0 of shard 1" in skipped[0][0]
