# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Small videos for tests of single frames."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np


def write_grey_video(path: pathlib.Path, greys: Sequence[int], width: int = 64, height: int = 48) -> None:
    """Write a video of one grey a frame, with a key frame every three frames and frames that look ahead."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30, options={"g": "3", "bf": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for grey in greys:
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), grey, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
