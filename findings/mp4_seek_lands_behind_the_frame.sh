#!/usr/bin/env bash
# Frames of an mp4 by number, the usual way (PyAV: `seek(pts)`, then decode on until that time), give another frame than
# the one asked for. PyAV and FFmpeg promise to land on the key frame before the time; but the reader of mp4 looks for
# it by decode time, so that a frame which is shown before a key frame and stored behind it (B-frames of an open group
# of pictures) is passed: the first decoded frame is already later. A loop `if frame.pts >= wanted: return frame`
# returns the key frame instead, without a word: picture and depth map of a recording then differ by up to the number
# of B-frames. Groups that are closed are right, and Matroska with the same packets is right. Check for equality, and
# on a later frame seek again to an earlier time.
#
# Versions: av 18.1.0 (FFmpeg of its wheel), numpy 2.4.6, Python 3.11, Linux.
# Seen on 2026-11-29, 24 frames, each asked for; "n for m": frame n came where m was asked for:
#   H.264, closed groups, mp4: all right
#   H.264, open groups, mp4: 12 for 9, 12 for 10, 12 for 11
#   H.264, open groups, mkv: all right
#   H.265, encoder's defaults (open groups), mp4: 13 for 12
#   MPEG-4 part 2, mp4: 2 for 1, 4 for 3, 6 for 5, 8 for 7, 10 for 9, and so on to 22 for 21
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import logging
import sys

import av
import numpy as np

av.logging.set_level(av.logging.ERROR)
logging.getLogger("libav").setLevel(logging.ERROR)


def make(path, codec, options):
    """Write 24 frames, each of one grey."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(24):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 8 + 10 * number, np.uint8), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def wrong_ones(path):
    """Ask for each frame by its time; return those that came behind the one asked for."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        times = [frame.pts for frame in container.decode(stream)]
        assert len(times) == 24 and times == sorted(times)
        found = []
        for number, time in enumerate(times):
            container.seek(time, stream=stream)
            first = next(frame for frame in container.decode(stream) if frame.pts >= time)
            if first.pts != time:
                found.append((times.index(first.pts), number))
        return found


H264 = {"bf": "3", "g": "12"}
H265 = {"x265-params": "keyint=12:log-level=none"}
OPEN = {**H264, "x264-params": "open-gop=1"}
rows = {
    "H.264, closed groups, mp4": ("closed.mp4", "libx264", H264),
    "H.264, open groups, mp4": ("open.mp4", "libx264", OPEN),
    "H.264, open groups, mkv": ("open.mkv", "libx264", OPEN),
    "H.265, encoder's defaults (open groups), mp4": ("hevc.mp4", "libx265", H265),
    "MPEG-4 part 2, mp4": ("part2.mp4", "mpeg4", {"bf": "1", "g": "3"}),
}
seen = {}
for name, (path, codec, options) in rows.items():
    make(path, codec, options)
    seen[name] = wrong_ones(path)
    print(f"{name}: {', '.join(f'{came} for {asked}' for came, asked in seen[name]) or 'all right'}")
expected = [[], [(12, 9), (12, 10), (12, 11)], [], [(13, 12)], [(number + 1, number) for number in range(1, 23, 2)]]
sys.exit(0 if list(seen.values()) == expected else 1)
PYTHON
