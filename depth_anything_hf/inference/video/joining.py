# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Parts of a video joined into one file without encoding anew, with the sound of the source as it is."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from .decoding import SECONDS_FOR_URL, options_of_url
from .frames import VideoError, load_av


class Sound(NamedTuple):
    """Where the sound comes from.

    Attributes:
        place: path or URL of the source.
        start: seconds of its clock where the frames' times are zero.
        end: seconds of the frames' times after which no sound is copied; None: all.
    """

    place: str
    start: Fraction
    end: Fraction | None = None


class Joined(NamedTuple):
    """What became of the sound.

    Attributes:
        silent: why it is left out where it cannot be copied; None where it is there, or none was asked for.
        broken_off: why the connection ended before it; None: it did not.
    """

    silent: str | None
    broken_off: str | None


def join_parts(
    parts: Sequence[Path],
    path: Path,
    times: Sequence[tuple[int, int]],
    time_base: Fraction,
    *,
    container: str,
    metadata: Mapping[str, str],
    sound: Sound | None = None,
) -> Joined:
    """Join the parts of a video.

    Args:
        parts: files of `PartEncoder` in order.
        path: of the file to write.
        times: (time, duration) of each frame in units of `time_base`.
        time_base: seconds of a unit.
        container: "mp4", which begins with its index, or "matroska".
        metadata: tags of the file.
        sound: copied beside the pictures; None: none.

    Raises:
        VideoError: a part holds other frames than expected.
        OSError: the file cannot be written.
    """
    av = load_av()
    reason = None
    for attempt in (sound, None):
        try:
            broken = _join(av, parts, path, times, time_base, container, metadata, attempt)
            return Joined(reason, broken)
        except _NoSoundError as error:
            reason = str(error)
    raise AssertionError


class _NoSoundError(Exception):
    """The sound cannot be copied into this kind of file."""


def _join(
    av: Any,
    parts: Sequence[Path],
    path: Path,
    times: Sequence[tuple[int, int]],
    time_base: Fraction,
    container: str,
    metadata: Mapping[str, str],
    sound: Sound | None,
) -> str | None:
    # Else the files of two runs that predict the same differ by a random number.
    options = {"fflags": "+bitexact"}
    if container == "mp4":
        options["movflags"] = "+faststart"
    source, errors = None, list[str]()
    try:
        with av.open(str(path), "w", format=container, options=options) as output:
            with av.open(str(parts[0])) as first:
                stream = output.add_stream_from_template(first.streams.video[0])
            stream.time_base = Fraction(1, time_base.denominator)
            for name, value in metadata.items():
                output.metadata[name] = value
            lines: list[Iterator[tuple[Fraction, int, Any]]] = [_pictures(av, parts, times, time_base, stream)]
            if sound is not None:
                source = _open_sound(av, sound.place)
                copied = {each.index: _add_sound(av, output, each) for each in source.streams.audio}
                if copied:
                    end = sound.end
                    lines.append(_sounds(av, source, copied, sound.start, end, errors))
                    _write_header(av, output, source)
            for _, _, packet in heapq.merge(*lines, key=lambda item: item[:2]):
                output.mux_one(packet)
    finally:
        if source is not None:
            source.close()
    # The pictures have told of damaged files.
    return errors[0] if errors and sound is not None and "://" in sound.place else None


def _pictures(
    av: Any, parts: Sequence[Path], times: Sequence[tuple[int, int]], time_base: Fraction, stream: Any
) -> Iterator[tuple[Fraction, int, Any]]:
    unit = Fraction(1, time_base.denominator)
    frames = iter(times)
    written = 0
    for part in parts:
        with av.open(str(part)) as container:
            for packet in container.demux(video=0):
                if packet.size == 0:
                    continue
                try:
                    pts, duration = next(frames)
                except StopIteration:
                    raise VideoError(
                        f"{part}: holds more frames than were predicted; remove it, and predict again"
                    ) from None
                packet.stream, packet.time_base = stream, unit
                packet.pts = packet.dts = pts * time_base.numerator
                packet.duration = duration * time_base.numerator
                written += 1
                yield packet.pts * unit, 0, packet
    if written != len(times):
        raise VideoError(f"{parts[0].parent}: {written} of {len(times)} frames; remove the folder, and predict again")


def _open_sound(av: Any, place: str) -> Any:
    try:
        is_url = "://" in place
        return av.open(place, options=options_of_url(place), timeout=SECONDS_FOR_URL if is_url else None)
    except (av.FFmpegError, OSError) as error:
        raise _NoSoundError(f"cannot be opened again: {error}") from error


def _add_sound(av: Any, output: Any, stream: Any) -> Any:
    try:
        return output.add_stream_from_template(stream)
    except (av.FFmpegError, ValueError) as error:
        raise _NoSoundError(f"{stream.codec_context.name} does not fit into this kind of file: {error}") from error


def _write_header(av: Any, output: Any, source: Any) -> None:
    try:
        output.start_encoding()
    except (av.FFmpegError, ValueError) as error:
        names = ", ".join(each.codec_context.name for each in source.streams.audio)
        raise _NoSoundError(f"{names} does not fit into this kind of file") from error


def _sounds(
    av: Any, source: Any, copied: Mapping[int, Any], start: Fraction, end: Fraction | None, errors: list[str]
) -> Iterator[tuple[Fraction, int, Any]]:
    # The others need not be fetched.
    going_on = set(copied)
    for packet in _until_error(av, source.demux(*source.streams.audio), errors):
        if packet.dts is None or packet.size == 0 or packet.is_corrupt:
            continue
        unit = packet.time_base
        shift = math.floor(start / unit)
        if end is not None and (packet.dts - shift) * unit >= end:
            going_on.discard(packet.stream.index)
            if not going_on:
                return
            continue
        order = (packet.dts - shift) * unit
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        place = packet.stream.index
        packet.stream = copied[place]
        yield order, 1 + place, packet


def _until_error(av: Any, packets: Iterable[Any], errors: list[str]) -> Iterator[Any]:
    """End where a damaged file or a connection does."""
    try:
        yield from packets
    except (av.FFmpegError, OSError) as error:
        errors.append(str(getattr(error, "strerror", None) or error))
