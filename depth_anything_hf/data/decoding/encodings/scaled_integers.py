# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth as whole numbers of 16 bits in PNG, PGM or TIFF, so many to the metre."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from ..stored_maps import read_stored_label
from ..tiff import nodata_of
from .common_options import GEOMETRY, RAYS
from .encoding import (
    MISSING,
    DecodedMap,
    EncodedFile,
    Encoding,
    EncodingOption,
    Geometry,
    Options,
    through_table,
    whole_numbers,
)


LARGEST = 65535
FILES = "16-bit PNG, PGM, TIFF or npy"
AS_STORED = "as the picture"
SENSOR = "as the sensor, landscape"


def decode_scaled(file: EncodedFile, options: Options, *, name: str, per_metre: float | None) -> DecodedMap:
    """Divide whole numbers by units per metre.

    Raises:
        UnreadableImageError: no whole numbers of 16 or 32 bits.
    """
    stored = whole_numbers(read_stored_label({"bytes": file.content, "path": file.name})[0], file, name)
    divisor = options["per_metre"] if per_metre is None else per_metre
    nodata = nodata_of(file.content)
    missing, sky = options["missing"] if nodata is None else (*options["missing"], nodata), options["sky"]

    return DecodedMap(metres_of(stored, divisor, missing, sky), "depth", geometry=options["geometry"])


def metres_of(
    stored: np.ndarray, per_metre: float, missing: tuple[float, ...] = (0, LARGEST), sky: float | None = None
) -> np.ndarray:
    """Return whole numbers as metres, float32: NaN where they are missing, 0 or negative, +inf from `sky` on.

    Args:
        stored: whole numbers (H, W), in any order of bytes.
        per_metre: stored units per metre.
        missing: numbers without a value.
        sky: None: no number means sky.
    """

    def depth_of(codes: np.ndarray) -> np.ndarray:
        values = codes / np.float64(per_metre)
        values[(codes <= 0) | np.isin(codes, missing)] = np.nan
        if sky is not None:
            values[codes >= sky] = np.inf
        return values

    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    return through_table(native, depth_of, ("scaled", per_metre, missing, sky))


def _scaled(
    name: str,
    per_metre: float,
    unit: str,
    writers: str,
    source: str,
    missing: tuple[int, ...] = (0, LARGEST),
    sky: int | None = None,
    orientation: str = AS_STORED,
    geometry: Geometry = "planar",
    verified: Literal["genuine", "made"] = "made",
    remark: str = "",
) -> Encoding:
    told = " and ".join(map(str, missing)) + (f" missing; {sky} sky" if sky is not None else " missing") + remark
    return Encoding(
        name=name,
        writers=writers,
        files=FILES,
        unit=unit,
        missing=told,
        kind="depth",
        geometry=geometry,
        orientation=orientation,
        source=source,
        verified=verified,
        decode=partial(decode_scaled, name=name, per_metre=per_metre),
        options=(
            EncodingOption("missing", tuple, MISSING, missing),
            EncodingOption("sky", float, "stored numbers from this on are sky", sky),
            replace(GEOMETRY, default=geometry),
            *RAYS,
        ),
        per_metre=per_metre,
    )


ENCODINGS = (
    _scaled(
        "mm",
        1000,
        "millimetres",
        "RealSense (D400), Azure Kinect, Kinect v2, OAK-D depth, ROS 16UC1, ScanNet, NYU Depth v2 (aligned), "
        "7-Scenes, Redwood, ARKitScenes, Stray Scanner, Polycam, NAOqi",
        "Open3D src/Open3D/Geometry/RGBDImage.h (depth_scale 1000); apple/ARKitScenes DATA.md; "
        "PolyCam/polyform README; kekeblom/StrayVisualizer README; 7-Scenes: 65535 is invalid",
        verified="genuine",
        remark=": a stereo camera's largest number is saturated, and 7-Scenes marks invalid pixels by it",
    ),
    _scaled(
        "tenth_mm",
        10000,
        "tenths of a millimetre",
        "AVFoundation TrueDepth apps",
        "ZEISS/iPad_TrueDepth_Issue_Eval evaluate_depth.py: / 10000",
        orientation=SENSOR,
        verified="genuine",
    ),
    _scaled(
        "quarter_mm",
        4000,
        "quarters of a millimetre",
        "Matterport3D, RealSense L515",
        "niessner/Matterport data_organization.md (0.25 mm); L515: default depth unit of 0.00025 m, not verified",
    ),
    _scaled(
        "cm",
        100,
        "centimetres",
        "renderings of Unreal and Unity that were saved with 16 bits",
        "definition",
    ),
    _scaled(
        "vkitti",
        100,
        "centimetres",
        "Virtual KITTI 1 and 2",
        "kmatzen/plumbline dust3r/datasets/vkitti2.py: depth from 655 m on is sky",
        missing=(0,),
        sky=LARGEST,
    ),
    _scaled(
        "kitti",
        256,
        "1/256 m",
        "KITTI depth (completion, prediction), and what many programs write after its example",
        "KITTI depth devkit, readme.txt: uint16 / 256, 0 has no value",
        missing=(0,),
        verified="genuine",
    ),
    _scaled(
        "taskonomy",
        512,
        "1/512 m",
        "Taskonomy, Stanford 2D-3D-S",
        "UniK3D unik3d/datasets/taskonomy.py and _2d3ds.py: / 512, 65535 has no value",
    ),
    _scaled(
        "tum",
        5000,
        "1/5000 m",
        "TUM RGB-D, ICL-NUIM",
        "Open3D src/Open3D/Geometry/RGBDImageFactory.cpp: 5000",
        missing=(0,),
        verified="genuine",
    ),
    _scaled(
        "replica",
        6553.5,
        "10/65535 m",
        "Replica, as NICE-SLAM renders it",
        "png_depth_scale: 6553.5 in configurations of NICE-SLAM and its successors",
        missing=(0,),
        remark="; 65535 is 10 m, or farther",
    ),
    _scaled(
        "replica_pano",
        4000,
        "quarters of a millimetre",
        "Replica, as panoramas (Habitat renders of 360 degrees)",
        "a published panorama of Replica and the program beside it: depth / 4000 times unit rays",
        missing=(0,),
        geometry="panorama",
    ),
    _scaled(
        "drake",
        1000,
        "millimetres",
        "Drake (16U), drake-blender",
        "RobotLocomotion/drake-blender server.py: 0 is nearer, 65535 farther than the sensor's range",
        verified="genuine",
        remark=": nearer and farther than the sensor's range",
    ),
    _scaled(
        "point_odyssey",
        65.535,
        "1000/65535 m",
        "PointOdyssey",
        "y-zheng18/point_odyssey issue 14: png / 65535 * 1000 is metres",
        missing=(0,),
        remark="; 65535 is 1000 m, or farther",
    ),
    _scaled(
        "c3vd",
        655350,
        "100/65535 mm",
        "C3VD and C3VDv2 (colonoscopy)",
        "DurrLab/C3VD; programs that read it: raw * 100 / 65535 mm along the optical axis",
        missing=(0,),
        orientation="as the picture, whose camera is a fisheye",
        remark="; 65535 is 100 mm, or farther",
    ),
    Encoding(
        name="scaled",
        writers="any: the units per metre are given, such as 1/integer_depth_scale of NeRFCapture's transforms.json",
        files=FILES,
        unit="1/per_metre m",
        missing="0 missing, or as given",
        kind="depth",
        geometry="planar",
        orientation=AS_STORED,
        source="integer_depth_scale: nerfcapture2nerf (depth_scale / 65535 metres)",
        verified="made",
        decode=partial(decode_scaled, name="scaled", per_metre=None),
        options=(
            EncodingOption("per_metre", float, "stored units per metre"),
            EncodingOption("missing", tuple, MISSING, (0,)),
            EncodingOption("sky", float, "stored numbers from this on are sky"),
            GEOMETRY,
            *RAYS,
        ),
    ),
)
