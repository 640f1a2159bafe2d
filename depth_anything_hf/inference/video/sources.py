# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What may be given as a video: files, URLs, cameras, folders and patterns of pictures, frames of a program."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...utils.option_errors import OptionError
from ...utils.paths import local_path
from .decoding import AvSource
from .frames import FrameSource, VideoError
from .sequences import (
    NUMBER,
    GivenFrames,
    ImageSequence,
    natural_order_of_places,
    pictures_in,
    pictures_of_pattern,
    warn_of_twins,
)


VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov"}
    | {".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
VIDEOS = (
    "A video is a file (mp4, mov, mkv, webm, avi, ...), a folder of pictures or a pattern such as frames/%04d.png, a "
    "URL (http, https, rtsp, ...), a camera (camera:0 or /dev/video0), or an iterable of frames"
)
CAMERA = re.compile(r"camera:(.*)", re.IGNORECASE)
# Moving pictures of FFmpeg, in place of a camera, at its pace.
TEST_CAMERA, TEST_PICTURES = "test", "testsrc2=size=640x480:rate=30,realtime"
_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LIVE_SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "srt"})
_DEVICE = re.compile(r"/dev/video\d+")
_DEVICE_FORMATS = {"Linux": "v4l2", "Darwin": "avfoundation", "Windows": "dshow"}
# How their files begin, for those without a suffix: place -> bytes.
_STARTS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"FLV"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"OggS"),
    (0, b"YUV4MPEG2"),
)
_MP4_START, _PICTURE_BRANDS = b"ftyp", (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"hevc", b"heim")


def open_video(source: Any, *, fps: float | Fraction | None = None, max_pixels: int | None = None) -> FrameSource:
    """Open a video.

    Args:
        source: see `VIDEOS`; a list of paths is one sequence.
        fps: of pictures and frames of a program: how many there are in a second; None: 30. Of videos and cameras: at
            most so many in a second are used; None: all.
        max_pixels: largest number of pixels of a picture of a sequence.

    Raises:
        ImportError: PyAV is missing, for all but pictures.
        FileNotFoundError: no such file.
        OptionError: a rate that is none.
        TypeError: no video.
        VideoError: cannot be opened; the message says why.
    """
    rate = read_rate(fps)
    if isinstance(source, str | os.PathLike):
        return _open_named(os.fspath(source), rate, max_pixels)
    if isinstance(source, list | tuple) and source and all(isinstance(each, str | os.PathLike) for each in source):
        paths = sorted((local_path(each) for each in source), key=natural_order_of_places)
        warn_of_twins(paths, f"{paths[0].parent}{os.sep}")
        return ImageSequence(paths, f"{paths[0].parent}{os.sep}", rate, max_pixels)
    # The rows of a picture are no frames.
    shape: tuple[int, ...] = tuple(getattr(source, "shape", ()))
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    if is_picture:
        raise TypeError(f"expected frames (N, H, W, 3), got one array of {shape}; for a picture call the predictor")
    if not isinstance(source, Iterable) or isinstance(source, bytes | Mapping):
        raise TypeError(f"expected a video, got {type(source).__name__}. {VIDEOS}")
    return GivenFrames(source, rate)


def is_video(source: str) -> bool:
    """Return whether a text names a video: a camera, a URL, a pattern, or a file by its name or its first bytes."""
    if CAMERA.fullmatch(source) or _DEVICE.fullmatch(source) or _URL.match(source):
        return True
    path = local_path(source)
    if path.is_dir():
        return False
    if path.suffix.lower() in VIDEO_SUFFIXES or (NUMBER.search(path.name) and not path.exists()):
        return True
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return False
    if start[4:8] == _MP4_START:
        return start[8:12] not in _PICTURE_BRANDS
    return any(start[place : place + len(bytes_)] == bytes_ for place, bytes_ in _STARTS)


def is_local(source: str) -> bool:
    """Return whether a text names a file or folder, and not a camera or a URL."""
    return not (CAMERA.fullmatch(source) or _DEVICE.fullmatch(source) or _URL.match(source))


def is_live_name(source: str) -> bool:
    """Return whether a text names a camera, or a URL whose frames come at their own pace."""
    url = _URL.match(source)
    return not is_local(source) and (url is None or url[1].lower() in _LIVE_SCHEMES)


def files_of(source: str) -> list[Path]:
    """Return the files that a local video consists of."""
    path = local_path(source)
    if path.is_dir():
        return pictures_in(path)
    return pictures_of_pattern(path) if NUMBER.search(path.name) and not path.exists() else [path]


def name_of_video(source: str) -> str:
    """Return a name for files: of a file or folder its own, of a pattern the folder's, of URLs the last part."""
    if is_local(source):
        path = local_path(source)
        is_pattern = bool(NUMBER.search(path.name)) and not path.exists()
        return os.path.basename(os.path.abspath(path.parent if is_pattern else path)) or "video"
    camera = CAMERA.fullmatch(source)
    words = f"camera_{camera[1]}" if camera else source.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]+", "_", words).strip("._") or "video"


def read_rate(fps: Any) -> Fraction | None:
    """Return frames per second as a fraction: of 29.97 and 23.976 the exact ones of television.

    Raises:
        OptionError: not positive and finite.
    """
    if fps is None:
        return None
    if isinstance(fps, Fraction | int) and not isinstance(fps, bool):
        rate = Fraction(fps)
    else:
        if not isinstance(fps, float) or not math.isfinite(fps):
            raise OptionError(f"fps must be a number of frames per second above 0, got {fps!r}")
        of_television = Fraction(round(fps * 1.001), 1) * 1000 / 1001
        rate = of_television if abs(of_television - fps) < 0.005 and fps != round(fps) else Fraction(fps)
        rate = rate.limit_denominator(1001)
    if not 0 < rate <= 1_000_000:
        raise OptionError(f"fps must be a number of frames per second above 0, got {fps!r}")
    return rate


def _open_named(source: str, rate: Fraction | None, max_pixels: int | None) -> FrameSource:
    camera = CAMERA.fullmatch(source)
    if camera or _DEVICE.fullmatch(source):
        return _open_camera(camera[1] if camera else source, source, rate)
    url = _URL.match(source)
    if url:
        scheme = url[1].lower()
        options = {"rtsp_transport": "tcp"} if scheme.startswith("rtsp") else {}
        return AvSource(source, without_secrets(source), is_live=scheme in _LIVE_SCHEMES, options=options, fps=rate)
    path = local_path(source)
    if path.is_dir():
        return ImageSequence(pictures_in(path), str(path), rate, max_pixels)
    if not path.exists():
        if NUMBER.search(path.name):
            return ImageSequence(pictures_of_pattern(path), str(path), rate, max_pixels)
        raise FileNotFoundError(f"{path}: no such video; correct the name")
    if path.is_file() and path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty; give another copy of the video")
    # A name that begins like a URL, or with a dash, is a file all the same.
    return AvSource(os.path.abspath(path), str(path), fps=rate)


def _open_camera(device: str, name: str, rate: Fraction | None) -> FrameSource:
    system = platform.system()
    if device == TEST_CAMERA:
        return AvSource(TEST_PICTURES, name, device_format="lavfi", is_live=True, fps=rate)
    kind = _DEVICE_FORMATS.get(system)
    if kind is None:
        raise VideoError(f"{name}: cameras are known on Linux, macOS and Windows, not on {system}; give a URL")
    if system == "Linux":
        place = f"/dev/video{device}" if device.isdigit() else device
    elif system == "Darwin":
        place = f"{device}:none"
    else:
        if device.isdigit():
            raise VideoError(f"{name}: Windows knows cameras by their names: camera:Integrated Camera")
        place = f"video={device}"
    return AvSource(place, name, device_format=kind, is_live=True, fps=rate)


def without_secrets(url: str) -> str:
    """Return a URL without the name and the password of a user, and without its query."""
    return re.sub(r"://[^/@]*@", "://", url.split("?")[0])
