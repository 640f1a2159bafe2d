# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Record3D, exported as EXR and pictures, or a .r3d that was unpacked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..decoding.encodings.record3d import camera_of_picture
from ..decoding.errors import UnreadableImageError
from ..samples import Sample
from .captures import check_confidence, in_order, read_capture, read_json, take_every
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


EXR_RULES = LabelRules("depth", encoding="exr")
METADATA = ("metadata.json", "metadata")


def open_record3d(
    root: Path, split: str | None, *, min_confidence: int | None = None, every: int = 1
) -> PublicSamples:
    """Find the frames of recordings of Record3D.

    Args:
        root: a recording, or a folder of recordings; see `PublicDataset.layout`.
        split: "train" or None; both take everything.
        min_confidence: least confidence of a pixel: 0 low, 1 medium, 2 high; None takes 1 where there are maps of it,
            which are in an unpacked .r3d only.
        every: 10 takes every tenth frame of a recording.

    Raises:
        ValueError: another level of confidence, or one for a recording without maps of it.
    """
    check_confidence(min_confidence)
    frames = []
    for metadata in matches(root, *(f"{above}{name}" for above in ("", "*/") for name in METADATA)):
        recording = Path(metadata).parent
        exported = in_order(matches(recording, "depth/*.exr"))
        if exported and min_confidence:
            raise ValueError(
                f"{recording}: EXR of Record3D has no confidence, and min_confidence is {min_confidence}; leave it "
                "out, or take the recording as .r3d"
            )
        stored = [] if exported else in_order(matches(recording, "rgbd/*.depth"))
        rules = EXR_RULES if exported else _rules_of(min_confidence)
        for depth in take_every(exported or stored, every):
            picture = _picture_of(recording / ("rgb" if exported else "rgbd"), Path(depth).stem)
            frames.append(Frame(path_below(root, picture), (picture, metadata, depth), rules))
    return PublicSamples("depth", frames, _read_record3d)


def _rules_of(level: int | None) -> LabelRules:
    least = 1 if level is None else level
    return LabelRules("depth", encoding=f"record3d:min_confidence={least}" if least else "record3d")


def _picture_of(folder: Path, stem: str) -> str:
    places = [folder / f"{stem}{suffix}" for suffix in (".jpg", ".png")]
    return str(next((place for place in places if place.is_file()), places[0]))


def _read_record3d(frame: Frame) -> Sample:
    picture, metadata, depth = frame.files
    told = read_json(metadata)
    intrinsics = camera_of_picture(told, int(Path(depth).stem)) if isinstance(told, Mapping) else None
    if intrinsics is None:
        raise UnreadableImageError(f"{metadata}: expected K with nine numbers, the columns of a camera's matrix")
    return read_capture(picture, depth, frame.details, intrinsics)


RECORD3D = PublicDataset(
    name="record3d",
    title="Recordings of Record3D",
    license="yours: recordings of an app",
    citation="Record3D, the app",
    homepage="https://record3d.app",
    layout=(
        "metadata.json, rgb/0.jpg, depth/0.exr (exported as EXR)\n"
        "or metadata, rgbd/0.jpg, rgbd/0.depth, rgbd/0.conf (a .r3d, unpacked as a zip)\n"
        "(or the same below folders of recordings)"
    ),
    label="depth",
    unit="metres, planar; NaN, 0 and pixels of low confidence invalid",
    splits=("train",),
    default_split=None,
    opener=open_record3d,
    verified="layout by public code that reads it (nerfstudio and others); files made by hand",
    traps=(
        "K of the metadata holds the columns of the matrix: read by rows the principal point is 0. Maps are smaller "
        "than their pictures and are enlarged by the nearest value. Maps of an unpacked .r3d need lzfse (extra "
        "record3d); one that is not unpacked is read as a recording (kind: recording). "
        "The program of its authors flips frames of the front camera, the reader does not."
    ),
)
