# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Stray Scanner: a video, with the depth of a phone's LiDAR for each of its frames."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..decoding.images import read_stored_image
from ..decoding.video_frames import read_video_frame
from ..samples import Sample
from .captures import check_confidence, confidence_rules, in_order, join_capture, take_every
from .formats import read_matrix
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


# Share of the picture's size that the principal point may be off its middle, for a camera of another size.
MOST_OFF_MIDDLE = 0.1


def open_stray(root: Path, split: str | None, *, min_confidence: int | None = None, every: int = 1) -> PublicSamples:
    """Find the frames of recordings of Stray Scanner.

    Args:
        root: a recording, or a folder of recordings; see `PublicDataset.layout`.
        split: "train" or None; both take everything.
        min_confidence: least confidence of a pixel: 0 low, 1 medium, 2 high; None takes 1 where there are maps of it.
        every: 10 takes every tenth frame of a recording.

    Raises:
        ValueError: another level of confidence.
    """
    check_confidence(min_confidence)
    frames = []
    for camera in matches(root, "camera_matrix.csv", "*/camera_matrix.csv"):
        recording = Path(camera).parent
        rules = confidence_rules((recording / "confidence").is_dir(), min_confidence)
        for depth in take_every(in_order(matches(recording, "depth/*.png", "depth/*.npy")), every):
            stem = Path(depth).stem
            files = [_picture_of(recording, stem), camera]
            if "min_confidence" in str(rules.encoding):
                files.append(str(recording / "confidence" / f"{stem}.png"))
            is_video = files[0].endswith(".mp4")
            name = path_below(root, files[0]) + (f":{int(stem)}" if is_video else "")
            frames.append(Frame(name, (*files, depth), (rules, int(stem) if is_video else None)))
    return PublicSamples("depth", frames, _read_stray)


def _picture_of(recording: Path, stem: str) -> str:
    """Return the picture of a frame, if the video was taken apart, else the video."""
    if not (recording / "rgb").is_dir():
        return str(recording / "rgb.mp4")
    places = [recording / "rgb" / f"{stem}{suffix}" for suffix in (".jpg", ".png")]
    return str(next((place for place in places if place.is_file()), places[0]))


def _read_stray(frame: Frame) -> Sample:
    rules, number = frame.details
    picture, camera, depth = frame.files[0], frame.files[1], frame.files[-1]
    image = read_stored_image(picture)[0] if number is None else read_video_frame(picture, number)
    matrix = read_matrix(camera)
    off = np.abs(matrix[:2, 2] / [image.shape[1], image.shape[0]] - 0.5)
    # Frames that were taken out of the video may be smaller than what the camera is told for.
    intrinsics = matrix if (off <= MOST_OFF_MIDDLE).all() else None
    return join_capture(image, rules.read(os.fspath(depth)), intrinsics)


STRAY_SCANNER = PublicDataset(
    name="stray",
    title="Recordings of Stray Scanner",
    license="yours: recordings of an app",
    citation="Stray Scanner, the app; kekeblom/StrayVisualizer describes its data",
    homepage="https://github.com/kekeblom/StrayVisualizer",
    layout=(
        "rgb.mp4 (or its frames, rgb/000000.jpg)\n"
        "depth/000000.png (earlier .npy)\n"
        "confidence/000000.png\n"
        "camera_matrix.csv\n"
        "(or the same below folders of recordings)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres, 0 and pixels of low confidence invalid",
    splits=("train",),
    default_split=None,
    opener=open_stray,
    verified=(
        "layout, unit and confidence by kekeblom/StrayVisualizer; unit with a genuine map of ARKit, folders made by "
        "hand"
    ),
    traps=(
        "Frames of rgb.mp4 need PyAV (extra video), and take the time of decoding from the key frame before: for many "
        "epochs take the video apart (ffmpeg -i rgb.mp4 -start_number 0 -q:v 2 rgb/%06d.jpg). Maps are 256 x 192 and "
        "are enlarged to their pictures by the nearest value. Beyond 5 m they are guesses (max_depth=5). Pictures are "
        "in the order of the sensor, landscape."
    ),
)
