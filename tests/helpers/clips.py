# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Small videos, made by PyAV: any codec, times, rotation, range and matrix of colours, sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest


TIME_BASE = Fraction(1, 90_000)
# Of H.273.
BT709, BT601, LIMITED, FULL = 1, 5, 1, 2

needs_pyav = pytest.mark.skipif(find_spec("av") is None, reason="videos are read with the extra 'video'")


def quarters(number: int = 0, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """A picture of four colours: red and blue above, green and a grey that tells the number below."""
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 0, 255)
    picture[height // 2 :, : width // 2] = (0, 255, 0)
    picture[height // 2 :, width // 2 :] = 40 + 5 * (number % 40)
    return picture


def noise(number: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Moving noise, which takes many bytes."""
    return np.roll(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8), 3 * number, axis=1)


def uneven_times(count: int) -> list[int]:
    """Times of a phone: about 30 frames a second, never in equal distances."""
    steps = np.random.default_rng(1).integers(2_600, 4_500, count - 1)
    return [0, *np.cumsum(steps).tolist()]


def write_clip(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[int] | None = None,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rotation: int | None = None,
    matrix: int = BT601,
    colour_range: int = LIMITED,
    is_tagged: bool = True,
    has_sound: bool = False,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> list[Fraction]:
    """Write a video and return the times of its frames, in seconds."""
    av: Any = pytest.importorskip("av", reason="videos are read with the extra 'video'")
    times = [3_000 * number for number in range(len(pictures))] if times is None else times
    quality = {"crf": "1", "preset": "ultrafast", "g": "10"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=30, options=quality if options is None else options)
        stream.pix_fmt = pixels
        stream.height, stream.width = pictures[0].shape[:2] if pictures else (48, 64)
        stream.codec_context.time_base = TIME_BASE
        if is_tagged:
            stream.codec_context.colorspace, stream.codec_context.color_range = matrix, colour_range
        if rotation is not None:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("this PyAV cannot write display matrices")
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=44_100, layout="mono") if has_sound else None
        container.start_encoding()
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=colour_range)
            frame.pts, frame.time_base = int(time), TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            for start in range(0, round(float(times[-1] * TIME_BASE) * 44_100), 1024):
                tone = 0.2 * np.sin(np.arange(start, start + 1024) / 16)
                frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 44_100, start, Fraction(1, 44_100)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return [time * TIME_BASE for time in times]


def packets(path: Path, kind: str) -> list[tuple[int, int, bytes]]:
    """Time, decoding time and bytes of the packets of a file's first stream of a kind."""
    import av

    with av.open(str(path)) as container:
        stream = next(each for each in container.streams if each.type == kind)
        return [(each.pts, each.dts, bytes(each)) for each in container.demux(stream) if each.size]


def times_of(path: Path) -> list[Fraction]:
    """Times of the frames of a file, decoded."""
    import av

    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def cut_off(path: Path, share: float) -> Path:
    """Shorten a file to a share of its bytes, under another name."""
    content = path.read_bytes()
    shorter = path.with_name(f"short_{path.name}")
    shorter.write_bytes(content[: round(len(content) * share)])
    return shorter
