# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of points in space and of the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


POINTS = "Points in space"

PointsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--points",
        help="Write points too: ply (a cloud in colours; x right, y down, z forward), glb (a mesh with the picture on "
        "it; y up, -z forward), or both. Needs metres and a camera.",
        rich_help_panel=POINTS,
    ),
]
NormalsOption = Annotated[
    bool,
    typer.Option(
        "--normals",
        help="Write NAME_normals.png too: red to the right, green up, blue towards the camera.",
        rich_help_panel=POINTS,
    ),
]
CameraOption = Annotated[
    Path | None,
    typer.Option(
        "--camera",
        help="Camera file: COLMAP's cameras.txt, or JSON, YAML or text of Open3D, RealSense, ARKit, ScanNet, ROS; "
        "scaled to the picture. Pictures of a lens with distortion are straightened first. [EXIF]",
        rich_help_panel=POINTS,
    ),
]
FocalOption = Annotated[
    str | None,
    typer.Option(
        "--focal",
        help="Focal length in pixels of the picture (1200), or in mm (26mm): the 35 mm equivalent. [EXIF]",
        rich_help_panel=POINTS,
    ),
]
SensorWidthOption = Annotated[
    float | None,
    typer.Option(
        "--sensor_width",
        help="Millimetres of the sensor across the picture: --focal 4.25mm is then the lens's own focal length.",
        rich_help_panel=POINTS,
    ),
]
FovOption = Annotated[
    float | None,
    typer.Option("--fov", help="Degrees between the left and the right border. [EXIF]", rich_help_panel=POINTS),
]
AssumeScaleOption = Annotated[
    float | None,
    typer.Option(
        "--assume_scale",
        help="For a relative model without a calibration: metres of the median depth, a guess that takes the shift of "
        "the disparity for zero.",
        rich_help_panel=POINTS,
    ),
]
EdgeThresholdOption = Annotated[
    float,
    typer.Option(
        "--edge_threshold",
        help="Relative jump of depth between neighbouring pixels across which a mesh is cut; inf cuts nothing.",
        rich_help_panel=POINTS,
    ),
]
MaxPointsOption = Annotated[
    int,
    typer.Option(
        "--max_points",
        help="Of larger pictures every n-th pixel of rows and columns becomes a point.",
        rich_help_panel=POINTS,
    ),
]
