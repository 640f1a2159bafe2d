# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of all encodings, by their names."""

from __future__ import annotations

from typing import Any

from ....utils.option_errors import check_choice
from . import (
    apple,
    elevation,
    float_files,
    hdf5_files,
    hololens,
    packed_bits,
    packed_colours,
    photographs,
    point_maps,
    raw_floats,
    reconstructions,
    record3d,
    ros,
    scaled_integers,
    side_files,
    sintel,
    stereo_integers,
)
from .common_options import options_of
from .encoding import Encoding


# A new family is one file more.
FAMILIES = (
    *(scaled_integers, side_files, packed_bits, packed_colours, stereo_integers),
    *(float_files, sintel, reconstructions, hdf5_files, elevation, photographs, apple),
    *(record3d, ros, hololens, point_maps, raw_floats),
)
ENCODINGS: dict[str, Encoding] = {each.name: each for family in FAMILIES for each in family.ENCODINGS}
# Other names of the same, by what writes it.
ALIASES = {
    **dict.fromkeys(("millimetres", "millimeters", "realsense", "azure_kinect", "kinect2", "oak_depth"), "mm"),
    **dict.fromkeys(("scannet", "nyu", "seven_scenes", "arkit", "stray", "polycam", "redwood"), "mm"),
    **dict.fromkeys(("truedepth",), "tenth_mm"),
    **dict.fromkeys(("ycb", "graspnet"), "factor_depth"),
    **dict.fromkeys(("matterport", "matterport3d", "l515"), "quarter_mm"),
    **dict.fromkeys(("stanford_2d3ds",), "taskonomy"),
    **dict.fromkeys(("icl_nuim",), "tum"),
    **dict.fromkeys(("sun3d",), "sunrgbd"),
    **dict.fromkeys(("co3d", "dynamic_replica"), "float16_png"),
    **dict.fromkeys(("tartanair_v2", "tartanair"), "tartanair_rgba"),
    **dict.fromkeys(("middlebury", "flyingthings"), "pfm_disparity"),
    **dict.fromkeys(("mvsnet", "blendedmvs"), "pfm"),
    **dict.fromkeys(("dpt", "sintel_dpt"), "sintel"),
    **dict.fromkeys(("dmap",), "openmvs"),
    **dict.fromkeys(("dsp5",), "spring"),
    **dict.fromkeys(("npy", "da3", "moge", "dust3r"), "npz"),
    **dict.fromkeys(("openexr", "blender"), "exr"),
    **dict.fromkeys(("geotiff", "dem"), "elevation"),
    **dict.fromkeys(("r3d",), "record3d"),
    **dict.fromkeys(("compressed_depth",), "ros_depth"),
    **dict.fromkeys(("eth3d",), "raw"),
    **dict.fromkeys(("flsea", "seathru"), "tiff"),
    **dict.fromkeys(("ahat", "long_throw", "hololens2"), "hololens"),
    **dict.fromkeys(("c3vdv2",), "c3vd"),
    **dict.fromkeys(("heic", "heif"), "apple_heic"),
}


def find_encoding(name: str) -> Encoding:
    """Return an encoding by its name, or by another one of `ALIASES`; capital letters and dashes do not matter.

    Raises:
        OptionError: no such encoding; the message names the nearest one.
    """
    plain = name.strip().lower().replace("-", "_")
    plain = ALIASES.get(plain, plain)
    check_choice("encoding", plain, list(ENCODINGS))
    return ENCODINGS[plain]


def describe_encodings() -> list[dict[str, Any]]:
    """Return a record of each encoding: name, writers, files, unit, missing, kind, geometry, ..., options as text."""
    return [describe_encoding(each) for each in ENCODINGS.values()]


def describe_encoding(encoding: Encoding) -> dict[str, Any]:
    """Return what is known of an encoding, as text, options by their names."""
    told = ("name", "writers", "files", "unit", "missing", "kind", "geometry", "orientation")
    return {
        **{name: getattr(encoding, name) for name in told},
        "detected": "by its content" if encoding.proves is not None else "no: name it",
        "aliases": sorted(name for name, other in ALIASES.items() if other == encoding.name),
        "source": encoding.source,
        "verified": {"genuine": "with genuine files", "made": "with files made by other programs or by hand"}[
            encoding.verified
        ],
        "options": {each.name: each.help + _default_of(each.default) for each in options_of(encoding)},
    }


def _default_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return f" [{'/'.join(map(str, value))}]"
    return f" [{value:g}]" if isinstance(value, float) else f" [{value}]"
