# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a part of a video, encoded: H.264 to look at, and FFV1, which is lossless, with 16 bits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...data.decoding.video_frames import BT709
from .frames import VideoError, load_av


# Parts lie in NUT files, which hold every time exactly, and are joined without encoding anew.
PART_FORMAT, PART_SUFFIX = "nut", ".nut"
H264, FFV1 = "libx264", "ffv1"
# Without frames that refer to later ones, packets come in the order of their times, and parts can be joined.
_OPTIONS = {
    # mbtree: of pictures of few blocks in a row, x264 makes other bytes now and then, as it reads beyond its tables.
    H264: {"crf": "18", "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"},
    # Every frame stands by itself; its slices are encoded in threads and have checksums.
    FFV1: {"level": "3", "g": "1", "slices": "12", "slicecrc": "1", "context": "0"},
}
_PIXELS = {H264: "yuv420p", FFV1: "gray16le"}
_LIMITED_RANGE = 1


class PartEncoder:
    """Encode frames of one size into a file.

    Args:
        path: of the file.
        codec: `H264` or `FFV1`.
        time_base: seconds of a unit of time.
        pixel_aspect: width of a pixel by its height.

    Raises:
        VideoError: this build of FFmpeg lacks the codec.
    """

    def __init__(self, path: Path, codec: str, time_base: Fraction, pixel_aspect: Fraction = Fraction(1)) -> None:
        self._av = load_av()
        self._codec, self._time_base, self._aspect = codec, time_base, pixel_aspect
        self._container = self._av.open(str(path), "w", format=PART_FORMAT)
        self._stream: Any = None
        self._size: tuple[int, int] | None = None
        self._reformatter = self._av.video.reformatter.VideoReformatter()

    def add(self, picture: np.ndarray, pts: int) -> None:
        """Encode a picture: uint8 (H, W, 3) RGB for H.264, uint16 (H, W) for FFV1.

        Raises:
            ValueError: another size than the first.
        """
        size = (picture.shape[0], picture.shape[1])
        if self._stream is None:
            self._begin(size)
        if size != self._size:
            raise ValueError(f"expected pictures of {self._size}, got {size}")
        if self._codec == H264:
            frame = self._to_yuv(picture)
        else:
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="gray16le")
        frame.pts, frame.time_base = pts, self._time_base
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> None:
        """Write what is still in the encoder, and the end of the file."""
        if self._stream is not None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()

    def _begin(self, size: tuple[int, int]) -> None:
        self._size = size
        height, width = size
        try:
            self._stream = self._container.add_stream(self._codec, rate=30, options=dict(_OPTIONS[self._codec]))
        except (self._av.FFmpegError, ValueError) as error:
            raise VideoError(f"this build of PyAV has no encoder {self._codec}; install that of PyPI") from error
        context = self._stream.codec_context
        context.thread_type, context.thread_count = "AUTO" if self._codec == H264 else "SLICE", 0
        context.time_base = self._stream.time_base = self._time_base
        if self._codec == H264:
            # Half as many colours in both directions need even sides.
            height, width = height + height % 2, width + width % 2
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = _LIMITED_RANGE
        context.width, context.height, context.pix_fmt = width, height, _PIXELS[self._codec]
        if self._aspect != 1:
            context.sample_aspect_ratio = self._aspect

    def _to_yuv(self, picture: np.ndarray) -> Any:
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        return self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=BT709, dst_color_range=_LIMITED_RANGE
        )
