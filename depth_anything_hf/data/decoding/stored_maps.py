# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read maps as they are stored: PNG, PGM, TIFF, PFM, EXR, npy and npz, by their content, values untouched."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import BrokenSampleError, UnreadableImageError
from .exr import EXR_MAGIC, decode_exr
from .files import FileLike, read_bytes
from .limits import check_pixel_count, open_picture
from .map_meaning import KINDS
from .opencv import decode_with_opencv
from .signatures import refuse_what_is_no_map
from .tiff import TIFF_STARTS, decode_tiff


LABELS = KINDS
# Names of arrays, the usual one first.
KEYS = {
    "depth": ("depth", "depth_map", "depthmap", "depths"),
    "disparity": ("disparity", "disp", "inverse_depth", "inv_depth", "invdepth", "idepth"),
}
LARGEST_VALUE_BYTES = 8
PGM_HEADER = re.compile(rb"P5\s+(\d{1,7})\s+(\d{1,7})\s+\d{1,5}\s")
PNG_START, PNG_END, PNG_GREY = b"\x89PNG", b"IEND", 0
PGM_START = b"P5"
# Colour types of grey, without and with alpha.
PNG_GREYS = (PNG_GREY, 4)


def read_stored_label(source: FileLike, label: str | None = None) -> tuple[np.ndarray, str]:
    """Return the values as stored (H, W), integer or floating point, and a name for messages.

    Args:
        source: path, encoded bytes, or a `datasets` cell `{"bytes": ..., "path": ...}`.
        label: "depth" or "disparity", which is looked for first in a file of several maps; None looks for depth first.

    Raises:
        FileNotFoundError: no file at the path.
        BrokenSampleError: the map is not (H, W).
        UnreadableImageError: the file cannot be decoded, or holds too many values.
    """
    content, name = read_bytes(source)
    if content.startswith(b"\x93NUMPY") or content.startswith(b"PK\x03\x04"):
        stored = decode_numpy(content, name, label)
    elif content.startswith((b"Pf", b"PF")):
        stored = decode_pfm(content, name)
    elif content.startswith(EXR_MAGIC):
        stored = decode_exr(content, name, label)
    elif content.startswith(TIFF_STARTS):
        stored = decode_tiff(content, name)
    elif re.match(rb"P2\s", content):
        stored = _decode_text_pgm(content, name)
    else:
        refuse_what_is_no_map(content, name)
        stored = _with_significant_bits(decode_picture(content, name), content)
    return single_channel(stored, name), name


def _with_significant_bits(stored: np.ndarray, content: bytes) -> np.ndarray:
    """Return the numbers of a PNG before they were scaled to 16 bits, where its chunk sBIT tells that they were.

    PNG, 11.3.2.3 and 13.12: a shift to the right by the bits that are not significant restores them. These are 0, or
    repeat the highest ones; others were not scaled.
    """
    place = content.find(b"sBIT", 0, content.find(b"IDAT")) if content.startswith(PNG_START) else -1
    if place < 0 or stored.dtype != np.uint16 or content[25] not in PNG_GREYS:
        return stored
    bits = content[place + 4]
    grey, free = stored if stored.ndim == 2 else stored[..., 0], 16 - bits
    if not 8 <= bits < 16 or not grey.max() >> bits:
        return stored
    low = grey & ((1 << free) - 1)
    is_scaled = not low.any() or np.array_equal(low, grey >> bits)
    return stored >> free if is_scaled else stored


def decode_numpy(content: bytes, name: str, label: str | None, key: str | None = None) -> np.ndarray:
    """Decode an npy file, or an array of an npz file: that of the key, or as `key_of_map` has it.

    Raises:
        BrokenSampleError: no such key, or none that is the map.
        UnreadableImageError: damaged, too large, or Python objects.
    """
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        if key is not None and key not in loaded.files:
            raise BrokenSampleError(f"{name}: expected an npz with the key {key!r}, got {sorted(loaded.files)}")
        key = key or key_of_map(loaded.files, name, label)
        sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in loaded.zip.infolist()}
        check_pixel_count(sizes[key] // LARGEST_VALUE_BYTES, name)
        stored = loaded[key]
        if not isinstance(stored, np.ndarray):
            raise UnreadableImageError(
                f"{name}: expected an npz, got a zip archive whose only file {key!r} is no array"
            )
        return stored
    except BrokenSampleError:
        raise
    except Exception as error:
        # A damaged archive shows as one of many exceptions of zipfile, zlib or NumPy.
        raise UnreadableImageError(
            f"{name}: not a readable npy or npz file, it is damaged or holds Python objects: {error}"
        ) from error


def key_of_map(keys: Sequence[str], name: str, label: str | None = None) -> str:
    """Return which of several named arrays is the map: one called as `label`, depth or disparity, or the only one.

    Raises:
        BrokenSampleError: several arrays, and none is called so, or disparity where depth is wanted; the message
            starts with `name`.
    """
    kinds = sorted(LABELS, key=lambda kind: kind != label) if label else list(LABELS)
    found = [(kind, key) for kind in kinds for key in KEYS[kind] if key in keys]
    if found:
        kind, key = found[0]
        if label == "depth" and kind == "disparity":
            raise BrokenSampleError(
                f"{name}: holds disparity and no depth ({key!r}); set label: disparity, without an encoding of depth"
            )
        return key
    if len(keys) != 1:
        raise BrokenSampleError(
            f"{name}: expected an npz of one array, or with the key depth or disparity, got the keys {sorted(keys)}; "
            "name it with 'npz:key=...'"
        )
    return keys[0]


def decode_pfm(content: bytes, name: str) -> np.ndarray:
    """Decode a PFM to float32 (H, W, 1 or 3), the top row first; its scale tells the byte order alone.

    The result cannot be written, where it is the bytes of the file themselves.

    Raises:
        UnreadableImageError: truncated, or a damaged header.
    """
    # Not with OpenCV: it divides the values by the scale in the header, which Middlebury and others fill arbitrarily.
    header = re.match(rb"P([fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)[^\S\n]*\n", content)
    if header is None:
        raise UnreadableImageError(
            f"{name}: expected a PFM header such as b'Pf\\n640 480\\n-1.0\\n', got {content[:32]!r}"
        )
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"F" else 1
    count = width * height * channels
    if len(content) - header.end() < 4 * count:
        raise UnreadableImageError(
            f"{name}: truncated PFM: {height} x {width} x {channels} values need {4 * count} bytes, "
            f"there are {len(content) - header.end()}; copy or download it again"
        )
    try:
        scale = float(header[4])
    except ValueError:
        scale = 0.0
    if scale == 0:
        raise UnreadableImageError(
            f"{name}: the third line of a PFM header tells the byte order by its sign, such as -1.0 or 1.0, got "
            f"{header[4]!r}"
        )
    byte_order = "<" if scale < 0 else ">"
    values = np.frombuffer(content, dtype=f"{byte_order}f4", count=count, offset=header.end())
    # PFM stores the bottom row first.
    return values.reshape(height, width, channels)[::-1].astype(np.float32, copy=False)


def _decode_text_pgm(content: bytes, name: str) -> np.ndarray:
    # Not with OpenCV: it spreads values of less than 8 bits over 8.
    words = re.sub(rb"#[^\n]*", b"", content).split()
    try:
        width, height, largest = (int(word) for word in words[1:4])
        values = np.array([int(word) for word in words[4:]], dtype=np.uint16)
        return values.reshape(height, width).astype(np.uint8 if largest < 256 else np.uint16)
    except (ValueError, OverflowError) as error:
        raise UnreadableImageError(f"{name}: a damaged text PGM: {error}") from error


def decode_picture(content: bytes, name: str) -> np.ndarray:
    """Decode a PNG, PGM or another lossless picture: (H, W), or (H, W, channels) in the order B, G, R, alpha.

    Raises:
        BrokenSampleError: a palette of colours.
        UnreadableImageError: damaged, truncated, animated, or of a format that is not known.
    """
    _check_header(content, name)
    stored = decode_with_opencv(content)
    if stored is not None:
        return stored
    known = "; a PNG or PGM whose pixels are damaged: copy or download it again"
    raise UnreadableImageError(
        f"{name}: not a readable label; expected PNG, PGM, TIFF, PFM, EXR, npy or npz, got bytes {content[:12]!r}"
        f"{known if content.startswith((PNG_START, PGM_START)) else ''}"
    )


def _check_header(content: bytes, name: str) -> None:
    """Refuse what OpenCV would decode at any size, in part, or to other numbers than those that are stored."""
    header = PGM_HEADER.match(content)
    if header is not None:
        # All that Pillow would look at, which takes it a third of the time of reading the map.
        check_pixel_count(int(header[1]) * int(header[2]), name, "pixels")
        return
    if content.startswith(PNG_START):
        if PNG_END not in content[-64:]:
            raise UnreadableImageError(f"{name}: a truncated PNG, its end is missing; copy or download it again")
        if b"acTL" in content[: content.find(b"IDAT")]:
            raise UnreadableImageError(f"{name}: an animated PNG; save the map alone")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_picture(io.BytesIO(content), name) as picture:
                if picture.mode == "P" and not _is_grey_ramp(picture):
                    raise BrokenSampleError(
                        f"{name}: expected a map (H, W), got a palette of colours, or of grey in another order; "
                        "is it a coloured preview of the map?"
                    )
    except UnidentifiedImageError:
        # OpenCV tells whether it knows the format.
        return
    except BrokenSampleError:
        raise
    except Exception as error:
        # Pillow raises many kinds of exceptions on files that are damaged.
        raise UnreadableImageError(f"{name}: damaged, its header cannot be read; copy it again: {error}") from error
    if content.startswith(PNG_START):
        bits, colour_type = content[24:26]
        if bits < 8 and colour_type == PNG_GREY:
            # PNG scales them to 8 bits, as OpenCV does, and whoever wrote them hardly meant it.
            raise UnreadableImageError(f"{name}: a PNG of {bits} bits is no map; save it with 8 or 16 bits")


def _is_grey_ramp(picture: Image.Image) -> bool:
    """Tell whether each entry of the palette is the grey of its own number, so that colours are the stored numbers."""
    palette = np.array(picture.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    return bool((palette == np.arange(len(palette))[:, None]).all())


def single_channel(stored: np.ndarray, name: str) -> np.ndarray:
    """Return stored values as a map (H, W), also where a grey map was saved with equal channels.

    Raises:
        BrokenSampleError: not numbers, not a map, or a coloured image; the message starts with `name`.
    """
    if stored.dtype.kind not in "iuf":
        raise BrokenSampleError(f"{name}: expected a map of numbers, got values of type {stored.dtype}")
    if stored.ndim == 3 and stored.shape[0] == 1 and stored.shape[2] > 4:
        # Channels first, as tensors are saved.
        stored = stored[0]
    if stored.ndim == 3 and stored.shape[2] == 1:
        stored = stored[..., 0]
    if stored.ndim == 3 and 0 < stored.shape[2] <= 4:
        colours = stored[..., :3]
        if np.array_equal(colours, np.broadcast_to(colours[..., :1], colours.shape), equal_nan=True):
            stored = stored[..., 0]
    if stored.ndim != 2 or stored.size == 0:
        raise BrokenSampleError(
            f"{name}: expected a map (H, W), got shape {stored.shape}; is it a coloured preview of the map?"
        )
    return stored
