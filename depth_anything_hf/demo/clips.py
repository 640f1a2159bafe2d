# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A clip predicted into the files of `predict clip.mp4`, in the demo's own folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..inference.video.frames import VideoError
from ..inference.video.outputs import VideoOutputs
from ..inference.video.recording import record_video
from ..inference.video.sources import open_video
from ..inference.video.unfinished import UnfinishedVideo
from ..utils.messages import counted
from .downloads import new_folder
from .models import DemoModels
from .settings import model_label


# Shown in the page, then those to download.
CLIP_FORMATS = ("side_by_side", "color", "ffv1")
TREATMENTS = ("align", "range", "none")


@dataclass(frozen=True)
class Clip:
    """The files of a clip.

    Attributes:
        shown: picture and depth beside each other, MP4.
        files: all of them.
        text: how many frames, and what their values are.
    """

    shown: Path
    files: list[Path]
    text: str


def predict_clip(
    models: DemoModels,
    path: str | os.PathLike[str],
    model: str,
    input_size: int | None,
    root: Path,
    *,
    colormap: str,
    temporal: str,
    smooth: bool,
    max_frames: int,
    max_pixels: int,
    tell: Callable[[int, int | None], None] = lambda done, total: None,
) -> Clip:
    """Predict a clip, frame by frame in bounded memory.

    Args:
        models: that are open.
        path: of the clip.
        model: name of the model.
        input_size: as `DemoModels.open` takes it.
        root: the demo's own folder.
        colormap: as in `colour_table`.
        temporal: how frames are made to fit together, see `DepthPredictor.predict_video`.
        smooth: whether values are averaged along motion.
        max_frames: later frames are left out, and the text says so.
        max_pixels: of a frame.
        tell: called with the number of frames that are done, and of all where that is known.

    Raises:
        VideoError: no clip that can be decoded, or frames of too many pixels; the message names the file alone.
        ImportError: PyAV is missing.
    """
    path = Path(path)
    outputs = VideoOutputs.make(CLIP_FORMATS, colormap, True, None, None)
    predictor = models.open(model, input_size)
    folder = new_folder(root)
    unfinished = UnfinishedVideo(folder / path.stem, "")
    try:
        source = open_video(str(path), max_pixels=max_pixels)
        try:
            pixels = _pixels_of_frames(path)
            if pixels > max_pixels:
                raise VideoError(f"{path.name}: frames of {pixels} pixels, at most {max_pixels} are taken here")
            count = source.format.frame_count
            total = max_frames if count is None else min(count, max_frames)
            unfinished.open()
            with models.lock:
                recording = record_video(
                    predictor,
                    source,
                    outputs,
                    unfinished,
                    name=path.name,
                    temporal=temporal,
                    smooth=smooth,
                    max_frames=max_frames,
                    tell=lambda what, done: tell(done, total),
                )
        finally:
            source.close()
    except (VideoError, OSError) as error:
        unfinished.remove()
        raise VideoError(str(error).replace(f"{path.parent}{os.sep}", "")) from error
    files = []
    for suffix, written in recording.files.items():
        place = folder / f"{path.stem}{suffix}"
        os.replace(written, place)
        files.append(place)
    unfinished.remove()
    shown = next(each for each in files if "side_by_side" in each.name)
    words = [f"{counted(recording.frames, 'frame')} by {model_label(model)}"]
    if recording.frames >= max_frames and (count is None or count > max_frames):
        words.append(f"**later ones are left out here** (at most {max_frames})")
    if recording.cuts:
        words.append(counted(recording.cuts, "cut"))
    if recording.error:
        words.append(f"then the clip is damaged: {recording.error.replace(f'{path.parent}{os.sep}', '')}")
    meaning = (
        "Metres along the optical axis; the colours show 1 / metres."
        if predictor.prediction_kind == "depth"
        else "Disparity: larger is nearer; scale and shift are unknown, and no metres."
    )
    return Clip(shown, files, f"{', '.join(words)}. {meaning}")


def _pixels_of_frames(path: Path) -> int:
    """Return height times width of a clip that could be opened."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return int(stream.height * stream.width)
