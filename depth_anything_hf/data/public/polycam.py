# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Polycam, exported as raw data: keyframes with the depth of a phone's LiDAR."""

from __future__ import annotations

from pathlib import Path

from ..samples import Sample
from .captures import (
    check_confidence,
    confidence_rules,
    in_order,
    numbers_of,
    read_capture,
    read_json,
    take_every,
)
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


# Stored are 0, 127 and 255, and 0, 54 and 255 by earlier versions.
POLYCAM_LEVELS = (0, 1, 255)


def open_polycam(
    root: Path, split: str | None, *, corrected: bool = True, min_confidence: int | None = None, every: int = 1
) -> PublicSamples:
    """Find the keyframes of recordings of Polycam.

    Args:
        root: a recording, or a folder of recordings; see `PublicDataset.layout`.
        split: "train" or None; both take everything.
        corrected: take the pictures and cameras of the app's optimization where a recording has them.
        min_confidence: least confidence of a pixel: 0 low, 1 medium, 2 high; None takes 1 where there are maps of it.
        every: 10 takes every tenth keyframe of a recording.

    Raises:
        ValueError: another level of confidence.
    """
    check_confidence(min_confidence)
    frames = []
    for folder in map(Path, matches(root, "keyframes/depth", "*/keyframes/depth")):
        recording = folder.parent
        is_corrected = corrected and (recording / "corrected_images").is_dir()
        kind = "corrected_" if is_corrected else ""
        has_confidence = (recording / "confidence").is_dir()
        rules = confidence_rules(has_confidence, min_confidence, POLYCAM_LEVELS)
        for depth in take_every(in_order(matches(folder, "*.png")), every):
            stem = Path(depth).stem
            files = [recording / f"{kind}images" / f"{stem}.jpg", recording / f"{kind}cameras" / f"{stem}.json"]
            if "min_confidence" in str(rules.encoding):
                files.append(recording / "confidence" / f"{stem}.png")
            frames.append(Frame(path_below(root, str(files[0])), (*map(str, files), depth), rules))
    return PublicSamples("depth", frames, _read_polycam)


def _read_polycam(frame: Frame) -> Sample:
    camera = frame.files[1]
    fx, fy, cx, cy = numbers_of(read_json(camera), ("fx", "fy", "cx", "cy"), camera)
    return read_capture(frame.files[0], frame.files[-1], frame.details, pinhole_matrix(fx, fy, cx, cy))


POLYCAM = PublicDataset(
    name="polycam",
    title="Recordings of Polycam (raw data)",
    license="yours: recordings of an app",
    citation="Polycam, the app; PolyCam/polyform describes its raw data",
    homepage="https://github.com/PolyCam/polyform",
    layout=(
        "keyframes/images/81584803.jpg (or corrected_images/)\n"
        "keyframes/cameras/81584803.json (or corrected_cameras/)\n"
        "keyframes/depth/81584803.png\n"
        "keyframes/confidence/81584803.png\n"
        "(or the same below folders of recordings)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres, 0 and pixels of low confidence invalid",
    splits=("train",),
    default_split=None,
    opener=open_polycam,
    verified=(
        "layout, unit and confidence by the README of PolyCam/polyform; unit with a genuine map of ARKit, folders "
        "made by hand"
    ),
    traps=(
        "Maps are 256 x 192 and are enlarged to their pictures by the nearest value. They are made by ARKit of few "
        "laser points: beyond 5 m they are guesses (max_depth=5). Corrected pictures have black borders with depth. "
        "Pictures are in the order of the sensor, landscape."
    ),
)
