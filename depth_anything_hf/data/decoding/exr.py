# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode OpenEXR files of renderers, and find the map among their channels, layers and parts."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from .errors import BrokenSampleError, UnreadableImageError
from .limits import check_pixel_count
from .opencv import decode_with_opencv


EXR_MAGIC = b"\x76\x2f\x31\x01"
# Bits of the version field, see "OpenEXR File Layout" of openexr.com.
DEEP_BIT, MULTI_PART_BIT = 0x800, 0x1000
# Each part of several has to have this attribute.
CHUNK_COUNT = b"chunkCount\0int\0\4\0\0\0"
# What these codecs compress with loss: pictures by their names, and half floats.
DWA_CODECS, DWA_CHANNELS = ("DWAA", "DWAB"), ("r", "g", "b", "y", "ry", "by")
B44_CODECS = ("B44", "B44A")
LOSSY_IN_HEADER = re.compile(rb"compression\0compression\0\x01\0\0\0[\x06-\x09]")
OPENCV_CHANNELS = frozenset("RGBYA")
OPENCV_SETS = ({"Y"}, {"R", "G", "B"}, {"R", "G", "B", "A"})
HEADER_BYTES = 1 << 20
INSTALL = "install OpenEXR with: pip install 'depth_anything_hf[readers]', or convert the maps to npy or float TIFF"

# Names by which renderers call the map; the last word of a layer's name counts ("FinalImage_WorldDepth").
MAP_WORDS = {
    "depth": frozenset({"z", "depth", "zdepth", "worlddepth", "scenedepth"}),
    "disparity": frozenset({"disparity", "disp", "invdepth", "inversedepth", "idepth"}),
}
# What makes disparity of depth.
INVERSE_WORDS = frozenset({"inverse", "inverted", "inv"})
# Layers whose Z is a coordinate, a share or a duplicate: Blender names the channel of its mist pass Mist.Z.
OTHER_LAYERS = frozenset({"mist", "normal", "vector", "position", "denoising"})
ALPHAS = ("a", "alpha")


@dataclass(frozen=True)
class _Channel:
    """A channel: path in lower case, full name, pixels, codec, and windows (left, top, right, bottom)."""

    path: tuple[str, ...]
    name: str
    pixels: np.ndarray
    codec: str
    data_window: list[int]
    display_window: list[int]

    @property
    def layer(self) -> tuple[str, ...]:
        return self.path[:-1]

    @property
    def is_alpha(self) -> bool:
        return self.path[-1] in ALPHAS

    @property
    def is_other(self) -> bool:
        """Whether it is called something that is no map."""
        return any(OTHER_LAYERS & set(_words(each)) for each in self.path)


def decode_exr(content: bytes, name: str, label: str | None = None, channel: str | None = None) -> np.ndarray:
    """Decode the map of an OpenEXR file.

    The map is the channel, layer or part that is called depth or Z (or disparity); without one, the only channel
    beside alpha, or any of several that are equal. It is placed in the display window, which is what pictures show.

    Args:
        content: the file.
        name: of the file, for messages.
        label: "depth" or "disparity", which is looked for first; None looks for depth first.
        channel: full name of the channel that is the map, such as "ViewLayer.Depth.Z"; None: as above.

    Returns:
        float32, float16 or uint32 (H, W), NaN where the display window has no data.

    Raises:
        BrokenSampleError: no channel is the map, or several might be; the message lists them.
        UnreadableImageError: damaged, deep, too large, or nothing is installed that can decode it.
    """
    flags = struct.unpack("<I", content[4:8].ljust(4, b"\0"))[0]
    if flags & DEEP_BIT:
        raise UnreadableImageError(
            f"{name}: a deep OpenEXR file, with any number of samples per pixel; flatten it to one Z per pixel"
        )
    header = content[: header_length(content)]
    windows = _windows(header)
    for left, top, right, bottom in windows:
        check_pixel_count((right - left + 1) * (bottom - top + 1), name)
    try:
        import OpenEXR
    except ImportError:
        if channel is not None:
            raise UnreadableImageError(f"{name}: OpenCV reads no channel by its name; {INSTALL}") from None
        return _decode_by_opencv(content, name, flags, windows)
    try:
        with OpenEXR.File(io.BytesIO(content), separate_channels=True) as file:
            parts = [_channels(part) for part in file.parts]
    except (RuntimeError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{name}: damaged OpenEXR file: {error}") from error
    # OpenEXR leaves out the parts that it cannot read; of the others a picture could be taken for the map.
    if len(parts) != max(1, header.count(CHUNK_COUNT)):
        raise UnreadableImageError(
            f"{name}: damaged OpenEXR file, its pixels cannot be read; copy or download it again"
        )
    return _find_map([each for part in parts for each in part], name, label, channel)


def exr_is_readable() -> bool:
    """Tell whether EXR maps can be decoded: by the package OpenEXR, or by an OpenCV that was built with it."""
    return importlib.util.find_spec("OpenEXR") is not None or not re.search(
        r"OpenEXR:\s+NO", cv2.getBuildInformation()
    )


def header_length(content: bytes) -> int:
    """Return how many bytes the headers of an OpenEXR file take, `HEADER_BYTES` where they are damaged.

    Attributes follow each other: name and type, which end with a zero byte, and a size. A zero byte ends the header of
    a part, and another one that of the last part of several ("OpenEXR File Layout" of openexr.com).
    """
    flags, place = struct.unpack("<I", content[4:8].ljust(4, b"\0"))[0], 8
    while place < min(len(content), HEADER_BYTES):
        if content[place] == 0:
            place += 1
            if not flags & MULTI_PART_BIT or content[place : place + 1] in (b"", b"\0"):
                return place
            continue
        name_end = content.find(b"\0", place, place + 256)
        type_end = content.find(b"\0", name_end + 1, name_end + 257)
        if name_end < 0 or type_end < 0 or type_end + 5 > len(content):
            return HEADER_BYTES
        place = type_end + 5 + int.from_bytes(content[type_end + 1 : type_end + 5], "little")
    return HEADER_BYTES


def _windows(header: bytes) -> list[tuple[int, int, int, int]]:
    """Return data and display windows (left, top, right, bottom; inclusive) of all parts."""
    found = re.finditer(rb"d(?:ata|isplay)Window\0box2i\0\x10\0\0\0(.{16})", header, re.DOTALL)
    return [struct.unpack("<4i", window[1]) for window in found]


def _channels(part: Any) -> list[_Channel]:
    """Return the channels of a part, without those of other views than the default one."""
    part_path = _path_of(part.name()) if part.name() else []
    other_views = {str(view).lower() for view in list(part.header.get("multiView", []))[1:]}
    windows = [[int(value) for value in np.ravel(part.header[key])] for key in ("dataWindow", "displayWindow")]
    codec = str(part.compression().name).removesuffix("_COMPRESSION")
    found = []
    for full_name, channel in part.channels.items():
        path = _path_of(full_name)
        if other_views & set(path[:-1]):
            continue
        # Blender writes parts "ViewLayer.Depth" with channels "ViewLayer.Depth.Z".
        path = path if path[: len(part_path)] == part_path else [*part_path, *path]
        shown = f"{full_name} of the part {part.name()}" if part.name() else full_name
        found.append(_Channel(tuple(path), shown, np.asarray(channel.pixels), codec, *windows))
    return found


def _path_of(name: str) -> list[str]:
    return name.lower().split(".")


def _find_map(channels: Sequence[_Channel], name: str, label: str | None, wanted: str | None) -> np.ndarray:
    kinds = sorted(MAP_WORDS, key=lambda kind: kind != label) if label else list(MAP_WORDS)
    named = {kind: _named(channels, kind) for kind in kinds}
    found = next((kind for kind in kinds if named[kind]), None)
    shown = ", ".join(sorted(channel.name for channel in channels))
    advice = "Name it with 'exr:channel=...', or save the map alone as Z"
    if wanted is not None:
        candidates = _wanted(channels, name, wanted)
        reason = "several have this name"
    elif found is not None:
        candidates = named[found]
        reason = f"the values of {', '.join(each.name for each in candidates)} differ"
    else:
        candidates = [channel for channel in channels if not channel.is_alpha]
        reason = "none is called Z, depth or disparity; is it a picture, or a coloured preview of the map?"
    if wanted is None and label == "depth" and found == "disparity":
        raise BrokenSampleError(
            f"{name}: holds disparity and no depth, got the OpenEXR channels {shown}; set label: disparity, without "
            "an encoding of depth"
        )
    if not channels:
        raise BrokenSampleError(f"{name}: expected an OpenEXR file with a channel, got none")
    is_none = not candidates or (wanted is None and found is None and any(each.is_other for each in candidates))
    if is_none or not all(
        np.array_equal(candidates[0].pixels, each.pixels, equal_nan=True) for each in candidates[1:]
    ):
        raise BrokenSampleError(f"{name}: expected one map, got the OpenEXR channels {shown}; {reason}. {advice}")
    first = candidates[0]
    is_dwa = first.codec in DWA_CODECS and first.path[-1] in DWA_CHANNELS
    if is_dwa or (first.codec in B44_CODECS and first.pixels.dtype == np.float16):
        raise UnreadableImageError(
            f"{name}: the codec {first.codec} of OpenEXR is lossy in the channel {first.name} and changes depth; save "
            "it with ZIP, or the map as a channel Z of float32"
        )
    return _place(first, name)


def _wanted(channels: Sequence[_Channel], name: str, wanted: str) -> list[_Channel]:
    """Return the channel of that name: in full, or as its part and layers have it in small letters."""
    found = [each for each in channels if wanted == each.name]
    found = found or [each for each in channels if wanted.lower() == ".".join(each.path)]
    if not found:
        names = ", ".join(sorted(channel.name for channel in channels))
        raise BrokenSampleError(f"{name}: expected a channel {wanted!r}, got the OpenEXR channels {names}; name one")
    return found


def _place(channel: _Channel, name: str) -> np.ndarray:
    """Return the pixels of the display window, of which the data window is often a part, or reaches beyond it."""
    pixels, data, display = channel.pixels, channel.data_window, channel.display_window
    data_shape, shape = ((box[3] - box[1] + 1, box[2] - box[0] + 1) for box in (data, display))
    if pixels.shape != data_shape:
        raise BrokenSampleError(
            f"{name}: expected one value per pixel, {data_shape}, got {pixels.shape} in the OpenEXR channel "
            f"{channel.name}; save the map without subsampling"
        )
    if data == display:
        return pixels
    if pixels.dtype.kind != "f":
        raise BrokenSampleError(
            f"{name}: the data window {data} is not the display window {display}, and whole numbers have no NaN for "
            "the pixels between them; save the map as float"
        )
    placed = np.full(shape, np.nan, dtype=pixels.dtype)
    left, top = max(data[0], display[0]), max(data[1], display[1])
    right, bottom = min(data[2], display[2]) + 1, min(data[3], display[3]) + 1
    if left < right and top < bottom:
        inside = pixels[top - data[1] : bottom - data[1], left - data[0] : right - data[0]]
        placed[top - display[1] : bottom - display[1], left - display[0] : right - display[0]] = inside
    return placed


def _named(channels: Sequence[_Channel], kind: str) -> list[_Channel]:
    """Return the channels called so outside layers, and all of such layers; without one, any called so."""
    there = {channel.path for channel in channels}
    clear, likely = [], []
    for channel in channels:
        *_, own = channel.path
        is_vector = own == "z" and (*channel.layer, "x") in there and (*channel.layer, "y") in there
        if channel.is_alpha or is_vector or channel.is_other:
            continue
        is_called_so = _is_called(own, channel.path, kind)
        if _is_called(channel.layer[-1], channel.path, kind) if channel.layer else is_called_so:
            clear.append(channel)
        elif is_called_so:
            likely.append(channel)
    return clear or likely


def _is_called(name: str, path: tuple[str, ...], kind: str) -> bool:
    """Tell whether the last word of a name means this kind; inverse depth, or what lies in it, is disparity."""
    last = _words(name)[-1]
    is_inverse = any(INVERSE_WORDS & set(_words(each)) for each in path)
    if last in MAP_WORDS["depth"]:
        return (kind == "disparity") == is_inverse
    return last in MAP_WORDS[kind]


def _words(name: str) -> list[str]:
    return re.split(r"[\s_-]+", name)


def _decode_by_opencv(
    content: bytes, name: str, flags: int, windows: Sequence[tuple[int, int, int, int]]
) -> np.ndarray:
    """Decode a file of the channels that OpenCV knows, and no other: of those it makes zeros, or reads the picture."""
    channels = _channel_names(content)
    if flags & MULTI_PART_BIT or not channels or len(set(windows)) != 1:
        raise UnreadableImageError(
            f"{name}: OpenEXR of several parts, or with a data window of its own, is not for OpenCV; {INSTALL}"
        )
    unknown = [channel for channel in channels if channel not in OPENCV_CHANNELS]
    if unknown:
        known = ", ".join(sorted(OPENCV_CHANNELS - {"A"}))
        raise UnreadableImageError(
            f"{name}: the values are in the channel {', '.join(unknown)}, and OpenCV reads {known} only; {INSTALL}"
        )
    if set(channels) not in OPENCV_SETS:
        raise UnreadableImageError(
            f"{name}: OpenCV fills the channels {', '.join(channels)} up with zeros to a colour picture; {INSTALL}"
        )
    if LOSSY_IN_HEADER.search(content[:HEADER_BYTES]):
        raise UnreadableImageError(f"{name}: a lossy codec of OpenEXR (B44 or DWA) changes depth; save it with ZIP")
    # OpenCV reads this variable when it meets its first EXR file.
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    stored = decode_with_opencv(content)
    if stored is None:
        raise UnreadableImageError(
            f"{name}: damaged, or OpenCV {cv2.__version__} cannot read EXR files (the wheels of version 5 cannot); "
            f"{INSTALL}"
        )
    return stored


def _channel_names(content: bytes) -> list[str]:
    """Return the channels in the header of a single-part EXR file; none where the header does not tell."""
    entries = re.search(rb"channels\0chlist\0.{4}((?:[^\0]{1,255}\0.{16})+)\0", content[: 1 << 16], re.DOTALL)
    # A name that ends with a zero byte, then pixel type, linearity and two sampling rates in 16 bytes.
    names = [] if entries is None else re.findall(rb"([^\0]+)\0.{16}", entries[1], re.DOTALL)
    return [each.decode(errors="replace") for each in names]
