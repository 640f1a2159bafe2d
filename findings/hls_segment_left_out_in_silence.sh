#!/usr/bin/env bash
# PyAV leaves a second of video out and says nothing: where a server answers 503 (busy, come again) for one segment of an
# HLS playlist, FFmpeg's demuxer goes on with the next segment. Decoding raises no error and ends as usual; the only sign is
# the gap in the times of the frames. Whoever predicts depth frame by frame, or numbers frames by counting, is a
# second off from there on. FFmpeg's log has a line, but PyAV keeps that silent by default. The option
# `seg_max_retry=1` asks for the segment once more, and all frames are there.
#
# Versions: av 18.1.0 (libavformat 62.12.102), numpy 2.4.3, Python 3.11.
# Seen on 2026-11-29, 4 s of video at 10 frames a second, in segments of 1 s; the third is answered by 503 once:
#   by default: 30 frames, no error, the longest step between two of them 1.1 s
#   seg_max_retry=1: 40 frames, no error, the longest step between two of them 0.1 s
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.3
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import sys
import threading
from fractions import Fraction
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np


with av.open("clip.m3u8", "w", options={"hls_time": "1"}) as out:
    stream = out.add_stream("libx264", rate=10, options={"g": "10"})
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    for index in range(40):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 6 * index, np.uint8))
        frame.pts, frame.time_base = index, Fraction(1, 10)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))

refused = set()


class BusyOnce(SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/clip2.ts" and self.path not in refused:
            refused.add(self.path)
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), BusyOnce)
threading.Thread(target=server.serve_forever, daemon=True).start()


def watch(name, options):
    refused.clear()
    error = "no error"
    times = []
    try:
        with av.open(f"http://127.0.0.1:{server.server_port}/clip.m3u8", options=options) as clip:
            times = [frame.time for frame in clip.decode(video=0)]
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    return f"{name}: {len(times)} frames, {error}, the longest step between two of them {max(np.diff(times)):.1f} s"


seen = [watch("by default", {}), watch("seg_max_retry=1", {"seg_max_retry": "1"})]
print("\n".join(seen))
expected = [
    "by default: 30 frames, no error, the longest step between two of them 1.1 s",
    "seg_max_retry=1: 40 frames, no error, the longest step between two of them 0.1 s",
]
sys.exit(0 if seen == expected else 1)
PYTHON
