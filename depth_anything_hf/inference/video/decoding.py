# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of video files, URLs and cameras by PyAV: exact times, upright, and what is said of damaged ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ...utils.messages import counted
from .frames import Frame, VideoError, VideoFormat, check_size, last_good, load_av, show_time
from .pixels import UprightPixels


SECONDS_FOR_URL = 30.0
# What the end of the frames may lie before the one that is declared: in frames, and in seconds.
MISSING_FRAMES, MISSING_SECONDS = 2, Fraction(1, 10)
# Packets one after the other that cannot be read, after which nothing more is tried.
MOST_FAILURES = 3
# Of streams in segments, which FFmpeg leaves out without an error where a server has none; they take 2 to 10 seconds.
GAP_SECONDS = 1
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")


def options_of_url(place: str) -> dict[str, str]:
    """Return FFmpeg's options for a path or URL: what a busy server or a broken connection did not give comes again.

    Connections that break off go on where the server gives parts; a segment of a playlist is asked for four times.
    """
    if not place.lower().startswith(("http://", "https://")):
        return {}
    # Attempts behind 0, 1 and 3 seconds; of segments at once.
    again = {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "5"}
    return {**again, "seg_max_retry": "3"}


class AvSource:
    """Frames that FFmpeg's libraries decode.

    Packets that cannot be decoded are left out, as are frames that the decoder marks as damaged. When all others have
    been given, a VideoError names the last good frame before the first gap; so it is with a file that ends early.

    Args:
        place: path, URL, or a device by its name.
        name: for messages.
        device_format: of cameras, FFmpeg's name of the kind of device.
        is_live: see `FrameSource`.
        options: of FFmpeg's demuxer.
        fps: take only the first frame of each interval of 1 / fps seconds; None: all.

    Raises:
        ImportError: PyAV is missing.
        VideoError: no video.
    """

    def __init__(
        self,
        place: str,
        name: str,
        *,
        device_format: str | None = None,
        is_live: bool = False,
        options: Mapping[str, str] | None = None,
        fps: Fraction | None = None,
    ) -> None:
        self._av = load_av()
        self.name, self.is_live, self.place = name, is_live, place
        self._device_format, self._options, self._fps = device_format, dict(options or {}), fps
        self._container = self._open()
        self._stream = self._find_stream()
        # Also threads that decode whole frames.
        self._stream.thread_type = "AUTO"
        self._aspect = Fraction(self._stream.sample_aspect_ratio or 1) or Fraction(1)
        count = None if fps is not None or is_live else self._expected_count()
        self.format = VideoFormat(self._stream.time_base, count)
        self._is_read = False

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Iterate over the frames, see `FrameSource`; once, or from a file as often as wished."""
        if self._is_read:
            self.close()
            self._container = self._open()
            self._stream = self._find_stream()
            self._stream.thread_type = "AUTO"
        self._is_read = True
        origin: int | None = None if self.is_live else self._origin()
        pixels, reader = UprightPixels(self._av), _Packets(self._av, self._container, self._stream)
        previous: Frame | None = None
        before_gap: Frame | None = None
        first: tuple[int, ...] | None = None
        due, whole_end = Fraction(0), None if self.is_live else self._expected_end()
        step = max(1, round(1 / Fraction(self._stream.average_rate or 25) / self._stream.time_base))
        index = 0
        last_pts = None
        end = Fraction(0)
        for decoded in reader:
            if decoded is None:
                before_gap = before_gap or previous
                continue
            # Times that go back or stand still are those of broken files; no file can be written with them.
            counted_on = 0 if last_pts is None else last_pts + step
            pts = counted_on if decoded.pts is None else int(decoded.pts)
            if last_pts is not None:
                pts = max(pts, last_pts + 1)
            if origin is None:
                origin = pts
            last_pts = pts
            duration = int(getattr(decoded, "duration", 0) or 0)
            end = (pts + (duration or step)) * self._stream.time_base
            time = (pts - origin) * self._stream.time_base
            if self._fps is not None:
                if time < due:
                    continue
                due = Fraction(math.floor(time * self._fps) + 1) / self._fps
                if whole_end is not None:
                    # It is shown for those that are left out, too.
                    left = min(due, whole_end - origin * self._stream.time_base) - time
                    duration = max(duration, math.floor(left / self._stream.time_base))
            is_turned = pixels.swaps_sides(decoded)
            size = (decoded.width, decoded.height) if is_turned else (decoded.height, decoded.width)
            first = size if first is None else first
            check_size(self.name, first, size, previous)
            image = None
            if index >= start:
                try:
                    image = pixels(decoded)
                except self._av.FFmpegError as error:
                    raise VideoError(f"{self.name}: {error}; {last_good(previous)}") from error
            aspect = 1 / self._aspect if is_turned else self._aspect
            previous = Frame(
                index,
                pts - origin,
                duration,
                self._stream.time_base,
                None,
                aspect,
            )
            # The pixels are not kept here.
            yield replace(previous, image=image)
            index += 1
            if index == stop:
                self._check_damage(reader, previous, before_gap)
                return
        self._check_end(reader, previous, before_gap, end)

    def close(self) -> None:
        """Close the file or the device."""
        self._container.close()

    @property
    def byte_count(self) -> int:
        """Size of the file; 0: not known."""
        return max(0, int(self._container.size))

    @property
    def has_audio(self) -> bool:
        """Whether there is sound beside the pictures."""
        return bool(self._container.streams.audio)

    @property
    def start(self) -> Fraction:
        """Seconds of the file's own clock where the frames' times are zero."""
        return self._origin() * Fraction(self._stream.time_base)

    def _open(self) -> Any:
        is_url = "://" in self.place
        try:
            return self._av.open(
                self.place,
                format=self._device_format,
                options={**options_of_url(self.place), **self._options},
                timeout=SECONDS_FOR_URL if is_url else None,
            )
        except (self._av.FFmpegError, OSError, ValueError) as error:
            what = "camera" if self._device_format else "video"
            is_other = isinstance(error, self._av.InvalidDataError) or self._device_format
            advice = f"expected {_EXPECTED[what]}" if is_other else "check that it is there and may be read"
            raise VideoError(f"{self.name}: cannot be opened as a {what}: {_reason(error)}; {advice}") from error

    def _find_stream(self) -> Any:
        # Pictures of an album's cover are streams of one frame.
        streams = [each for each in self._container.streams.video if not _is_cover(each)]
        if not streams:
            kinds = ", ".join(sorted({each.type for each in self._container.streams}))
            self._container.close()
            has = f"has no moving pictures, only {kinds}" if kinds else "has no pictures and no sound"
            raise VideoError(f"{self.name}: {has}; give a video")
        return streams[0]

    def _origin(self) -> int:
        """Return the time of the file's beginning, in units of the pictures' stream: of whatever comes first."""
        streams = [self._stream, *self._container.streams.audio]
        starts = [each.start_time * each.time_base for each in streams if each.start_time is not None]
        earliest = min(starts, default=Fraction(0))
        return math.floor(earliest / self._stream.time_base) if earliest > 0 else 0

    def _expected_count(self) -> int | None:
        if self._stream.frames:
            return int(self._stream.frames)
        seconds, rate = self._container.duration, self._stream.average_rate
        return None if not seconds or not rate else round(seconds / self._av.time_base * rate)

    def _check_end(self, reader: _Packets, previous: Frame | None, before_gap: Frame | None, end: Fraction) -> None:
        """Raise a VideoError where frames are missing.

        Args:
            reader: at its end.
            previous: the last frame.
            before_gap: the last one before the first damage.
            end: where the last frame ends, in seconds of the file's clock.
        """
        if previous is None:
            reason = f": {reader.reason}" if reader.reason else ""
            # Python's own server gives whole files only.
            advice = " (of a server that gives no parts of files, one with its index at the front)"
            advice = advice if "://" in self.place else ""
            raise VideoError(f"{self.name}: no frame could be decoded{reason}; give another copy of the video{advice}")
        self._check_damage(reader, previous, before_gap)
        expected = None if self.is_live else self._expected_end()
        allowed = MISSING_FRAMES / Fraction(self._stream.average_rate or 25) + MISSING_SECONDS
        # The file's own length is that of its longest stream.
        reached = end if self._stream.duration else max(end, reader.end)
        if expected is not None and reached + allowed < expected:
            raise VideoError(
                f"{self.name}: ends too early: {show_time(expected)} are declared, {last_good(previous)}; "
                f"{counted(previous.index + 1, 'frame')} read"
            )

    def _check_damage(self, reader: _Packets, previous: Frame, before_gap: Frame | None) -> None:
        if reader.is_broken_off and (self.is_live or "://" in self.place):
            # The end itself counts as one.
            good = last_good(previous) if reader.damaged == 1 else f"{last_good(before_gap)} before the first gap"
            raise VideoError(
                f"{self.name}: the connection broke off ({reader.reason}): {good}; "
                f"{counted(previous.index + 1, 'frame')} read"
            )
        if reader.damaged:
            raise VideoError(
                f"{self.name}: damaged: {last_good(before_gap)} before the first gap; "
                f"{counted(reader.damaged, 'packet or frame', 'packets or frames')} left out, "
                f"{counted(previous.index + 1, 'frame')} read"
            )

    def _expected_end(self) -> Fraction | None:
        """Return the end that the file declares, in its own clock; None where it says nothing that can be trusted."""
        start = self._stream.start_time or 0
        if self._stream.duration:
            return Fraction((start + self._stream.duration) * self._stream.time_base)
        clock = _CLOCK.fullmatch(self._stream.metadata.get("DURATION", ""))
        if clock:
            return Fraction(clock[1]) * 3600 + Fraction(clock[2]) * 60 + Fraction(clock[3])
        # The longest stream's.
        if self._container.duration:
            return Fraction(self._container.duration, self._av.time_base)
        return None


class _Packets:
    """Iterate over decoded frames; None where one or more cannot be decoded.

    Attributes:
        damaged: packets and frames without a picture.
        reason: what FFmpeg said of the first of them.
        is_broken_off: whether nothing more could be read.
        end: where the packets of all streams end, in seconds of the file's clock.
    """

    def __init__(self, av: Any, container: Any, stream: Any) -> None:
        self._av, self._container, self._stream = av, container, stream
        self.damaged = 0
        self.reason = ""
        self.is_broken_off = False
        self.end = Fraction(0)
        self._gaps = _Gaps([stream, *container.streams.audio]) if container.format.name.startswith("hls") else None

    def __iter__(self) -> Iterator[Any]:
        for packet in self._packets():
            if packet is None:
                self.damaged += 1
                yield None
                continue
            if packet.pts is not None and packet.time_base:
                self.end = max(self.end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if self._gaps is not None and self._gaps.is_next_behind(packet):
                self.damaged += 1
                yield None
            if packet.stream.index != self._stream.index:
                continue
            yield from self._decoded(packet)
        # A file that ends in the middle of a packet leaves frames in the decoder.
        yield from self._decoded(None)

    def _packets(self) -> Iterator[Any]:
        """Yield packets; None where some cannot be read."""
        failures = 0
        while failures < MOST_FAILURES:
            try:
                for packet in self._container.demux([self._stream, *self._container.streams.audio]):
                    # The empty ones at the end would close the decoder.
                    if packet.size:
                        failures = 0
                        yield packet
                break
            except (self._av.FFmpegError, OSError) as error:
                self.reason = self.reason or _reason(error)
                failures += 1
                if failures == 1:
                    yield None
        self.is_broken_off = failures > 0

    def _decoded(self, packet: Any) -> Iterator[Any]:
        try:
            decoded = self._stream.decode(packet)
        except self._av.EOFError:
            return
        except (self._av.FFmpegError, OSError) as error:
            self.reason = self.reason or _reason(error)
            self.damaged += 1
            yield None
            return
        for frame in decoded:
            if frame.is_corrupt:
                self.damaged += 1
                yield None
            else:
                yield frame


class _Gaps:
    """Find times that are missing in all streams: pictures alone may pause.

    Args:
        streams: that packets come of.
    """

    def __init__(self, streams: Iterable[Any]) -> None:
        self._counts = {each.index: 0 for each in streams}
        self._ends: dict[int, Fraction] = {}
        self._found = 0

    def is_next_behind(self, packet: Any) -> bool:
        """Return whether the next packet of a stream is the last one that was to come behind a gap."""
        if packet.dts is None or not packet.time_base:
            return False
        place, begin = packet.stream.index, packet.dts * packet.time_base
        if begin - self._ends.get(place, begin) >= GAP_SECONDS:
            self._counts[place] += 1
        self._ends[place] = begin + (packet.duration or 0) * packet.time_base
        is_behind = min(self._counts.values()) > self._found
        self._found += is_behind
        return is_behind


_EXPECTED = {
    "video": "a file or stream that FFmpeg reads, such as mp4, mov, mkv, webm or avi, with its end (an mp4 that is "
    "cut off often has lost its index)",
    "camera": "one that is there and not in use, by its number or name: camera:0",
}


def _reason(error: Exception) -> str:
    if type(error).__name__ == "ExitError":
        return f"no data for {SECONDS_FOR_URL:g} s"
    return str(getattr(error, "strerror", None) or error).strip() or type(error).__name__


def _is_cover(stream: Any) -> bool:
    disposition = getattr(stream, "disposition", None)
    return disposition is not None and "attached_pic" in str(disposition)
