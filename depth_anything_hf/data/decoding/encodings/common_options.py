# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options that encodings of one kind share: the stereo rig of disparity, the camera of rays, confidence."""

from __future__ import annotations

from .encoding import Encoding, EncodingOption


GEOMETRY = EncodingOption(
    "geometry", str, "what depth is measured along", "planar", choices=("planar", "ray", "panorama")
)
RAYS = (
    EncodingOption("fx", float, "focal length in pixels of the map's width: ray distance becomes planar depth"),
    EncodingOption("fy", float, "focal length in pixels of its height; otherwise fx"),
    EncodingOption("cx", float, "principal point, pixels from the centre of the left column; otherwise the middle"),
    EncodingOption("cy", float, "principal point, pixels from the centre of the top row; otherwise the middle"),
    EncodingOption("fov", float, "degrees between the left and the right border, instead of fx"),
    EncodingOption("camera", str, "model of OpenCV that distortion is of", "opencv", choices=("opencv", "fisheye")),
    EncodingOption("distortion", tuple, "coefficients of OpenCV, with a slash between them"),
    EncodingOption("ray", str, "keep: take ray distance for depth as it is", "convert", choices=("convert", "keep")),
)
CONFIDENCE = (
    EncodingOption("min_confidence", float, "pixels of less confidence have no value"),
    EncodingOption(
        "confidence", str, "file of confidence beside the map, such as ../confidence/{stem}.png; {stem}: of its name"
    ),
)


def stereo_options(baseline: float | None = None) -> tuple[EncodingOption, ...]:
    """Return the options of the rig that disparity in pixels was seen by.

    Args:
        baseline: of the rig that the encoding is of, metres; None: not known.
    """
    return (
        EncodingOption("focal", float, "focal length in pixels of the map: with baseline, depth in metres"),
        EncodingOption("baseline", float, "metres between the cameras: with focal, depth in metres", baseline),
        EncodingOption("offset", float, "pixels between the principal points (doffs), added to disparity", 0.0),
    )


def options_of(encoding: Encoding) -> tuple[EncodingOption, ...]:
    """Return all options of an encoding: its own, and those of confidence."""
    return (*encoding.options, *CONFIDENCE)
