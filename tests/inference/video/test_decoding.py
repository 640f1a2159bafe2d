# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of files: exact times, upright, skipped, thinned; damaged, shortened and empty files."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from clips import cut_off, noise, packets, quarters, uneven_times, write_clip
from file_server import FileServer

from depth_anything_hf.inference.video.decoding import AvSource
from depth_anything_hf.inference.video.frames import Frame, VideoError


FASTSTART = {"movflags": "faststart"}


def read(path: Path, start: int = 0, **options) -> tuple[list[Frame], str]:
    """Frames, and the message of the error behind them."""
    frames: list[Frame] = []
    try:
        source = AvSource(str(path), path.name, **options)
        for frame in source.frames(start):
            frames.append(frame)  # noqa: PERF402
    except VideoError as error:
        return frames, str(error)
    return frames, ""


def test_times_are_exactly_those_of_the_file(tmp_path: Path):
    times = write_clip(tmp_path / "a.mp4", [quarters(i) for i in range(12)], uneven_times(12))
    frames, error = read(tmp_path / "a.mp4")
    assert not error and [frame.time for frame in frames] == times
    assert [frame.index for frame in frames] == list(range(12))
    # With frames that refer to later ones, packets come in another order.
    assert [int(frame.image[40, 60, 0]) for frame in frames] == pytest.approx([40 + 5 * i for i in range(12)], abs=3)


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_a_phone_s_clip_is_upright(tmp_path: Path, rotation, turns):
    write_clip(tmp_path / "a.mp4", [quarters()], rotation=rotation)
    frames, _ = read(tmp_path / "a.mp4")
    expected = np.rot90(quarters(), turns)
    assert frames[0].image.shape == expected.shape
    height, width = expected.shape[:2]
    for row in (height // 4, 3 * height // 4):
        for column in (width // 4, 3 * width // 4):
            assert np.abs(frames[0].image[row, column].astype(int) - expected[row, column]).max() <= 5


def test_a_stream_without_times_begins_at_zero(tmp_path: Path):
    write_clip(tmp_path / "a.h264", [quarters(i) for i in range(5)])
    frames, _ = read(tmp_path / "a.h264")
    assert [frame.time * 25 for frame in frames] == [0, 1, 2, 3, 4]


def test_frames_before_the_start_have_no_pixels_and_the_file_is_read_again(tmp_path: Path):
    times = write_clip(tmp_path / "a.mp4", [quarters(i) for i in range(6)], uneven_times(6))
    source = AvSource(str(tmp_path / "a.mp4"), "a")
    whole, later = list(source.frames()), list(source.frames(4))
    assert [frame.image is None for frame in later] == [True] * 4 + [False] * 2
    assert [frame.time for frame in later] == times
    np.testing.assert_array_equal(later[5].image, whole[5].image)


def test_a_gap_is_told_where_only_the_first_frames_are_wanted(tmp_path: Path):
    path = tmp_path / "a.mp4"
    write_clip(path, [noise(i) for i in range(30)])
    content = bytearray(path.read_bytes())
    _, _, twelfth = packets(path, "video")[12]
    place = content.index(twelfth)
    content[place + 4 : place + len(twelfth)] = bytes(len(twelfth) - 4)
    path.write_bytes(content)
    assert [frame.index for frame in AvSource(str(path), "a").frames(0, 12)] == list(range(12))
    with pytest.raises(VideoError, match=r"the last good frame is 11 .* before the first gap.* 20 frames read"):
        list(AvSource(str(path), "a").frames(0, 20))


def test_fewer_frames_a_second_are_the_first_of_each_interval(tmp_path: Path):
    write_clip(tmp_path / "a.mp4", [quarters(i) for i in range(30)])
    frames, error = read(tmp_path / "a.mp4", fps=Fraction(10))
    assert not error and [frame.time for frame in frames] == [Fraction(i, 10) for i in range(10)]
    assert [frame.index for frame in frames] == list(range(10))
    # The last one is shown up to the end of the video.
    seconds = [float(frame.duration * frame.time_base) for frame in read(tmp_path / "a.mp4", fps=Fraction(3, 2))[0]]
    assert seconds == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_of_a_shortened_file_the_last_good_frame_is_named(tmp_path: Path, suffix):
    path = tmp_path / f"a{suffix}"
    write_clip(path, [noise(i) for i in range(40)], container_options=FASTSTART if suffix == ".mp4" else None)
    frames, error = read(cut_off(path, 0.6))
    assert 5 < len(frames) < 35
    # Versions of FFmpeg differ in whether the packet that is cut counts.
    assert (
        "ends too early" in error or "damaged" in error
    ) and f"the last good frame is {len(frames) - 1} (" in error, error
    # Those that are there are as in the whole file.
    whole, _ = read(path)
    np.testing.assert_array_equal(frames[3].image, whole[3].image)


def test_behind_damage_the_good_frames_are_read_and_the_one_before_is_named(tmp_path: Path):
    path = tmp_path / "a.mp4"
    write_clip(path, [noise(i) for i in range(40)], container_options=FASTSTART)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    frames, error = read(path)
    assert "damaged: the last good frame is" in error
    last = int(error.split("last good frame is ")[1].split()[0])
    assert 5 < last < 35 and len(frames) > last + 1 and f"{len(frames)} frames read" in error


class Breaking(BaseHTTPRequestHandler):
    """A server of one content that gives parts; the first answer ends after three fifths of it."""

    content: bytes
    begins: list[int]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        begin = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
        size = len(self.content)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - begin))
        self.end_headers()
        self.begins.append(begin)
        with suppress(OSError):
            self.wfile.write(self.content[begin : size if begin else size * 3 // 5])


def test_a_connection_that_breaks_off_is_taken_up_again(tmp_path: Path):
    write_clip(tmp_path / "a.mp4", [noise(i) for i in range(40)], container_options=FASTSTART)
    Breaking.content, Breaking.begins = (tmp_path / "a.mp4").read_bytes(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        source = AvSource(f"http://127.0.0.1:{server.server_port}/a.mp4", "a")
        images = [frame.image for frame in source.frames()]
        source.close()
        server.shutdown()
    assert Breaking.begins == [0, len(Breaking.content) * 3 // 5]
    np.testing.assert_array_equal(images, [frame.image for frame in AvSource(str(tmp_path / "a.mp4"), "a").frames()])


def test_a_segment_that_is_not_there_is_a_gap(tmp_path: Path):
    times = [3_000 * i for i in range(120)]
    write_clip(tmp_path / "a.m3u8", [quarters(i) for i in range(120)], times, container_options={"hls_time": "1"})
    assert read(tmp_path / "a.m3u8")[1] == ""
    (tmp_path / "a1.ts").unlink()
    frames, error = read(tmp_path / "a.m3u8")
    assert 80 < len(frames) < 100 and "damaged: the last good frame is 2" in error and "before the first gap" in error


def test_a_segment_that_a_busy_server_refuses_is_asked_for_again(tmp_path: Path):
    times = [3_000 * i for i in range(120)]
    write_clip(tmp_path / "a.m3u8", [quarters(i) for i in range(120)], times, container_options={"hls_time": "1"})
    with FileServer({path.name: path.read_bytes() for path in tmp_path.iterdir()}) as server:
        server.faults["a1.ts"] = [503, 503]
        source = AvSource(f"{server.url}/a.m3u8", "a")
        assert len(list(source.frames())) == 120
        source.close()
        assert server.count("a1.ts") == 3
        server.always["a1.ts"] = 503
        source = AvSource(f"{server.url}/a.m3u8", "a")
        with pytest.raises(VideoError, match="the last good frame is 2"):
            list(source.frames())
        source.close()


def test_a_file_without_pictures_or_frames_is_refused(tmp_path: Path):
    write_clip(tmp_path / "none.nut", [], codec="ffv1", pixels="gray", options={})
    assert read(tmp_path / "none.nut")[1].startswith("none.nut: ")
    (tmp_path / "text.mp4").write_text("no video " * 100)
    assert "text.mp4: cannot be opened as a video" in read(tmp_path / "text.mp4")[1]
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "sound.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "has no moving pictures, only audio" in read(tmp_path / "sound.m4a")[1]


def test_another_size_in_a_stream_is_refused_and_not_stretched(tmp_path: Path):
    write_clip(tmp_path / "a.h264", [quarters(i) for i in range(5)])
    write_clip(tmp_path / "b.h264", [quarters(i, (96, 128)) for i in range(5)])
    path = tmp_path / "both.h264"
    path.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    frames, error = read(path)
    assert len(frames) == 5
    assert "change their size from 64x48 to 128x96; the last good frame is 4" in error
