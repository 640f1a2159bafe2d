# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Geometry of depth maps: pure functions on arrays.

- `disparity`: depth to disparity and back, and the two kinds of prediction
- `depth_units`: a metric model's output in metres, and its cap as a whole number of units
- `camera`: pinhole intrinsics, ray distance to planar depth
- `intrinsics`: the camera of a picture size: focal lengths, other sizes, turned pictures
- `distortion`: pictures without the distortion of their lens
- `equirectangular`: panoramas: directions of pixels, perspective views that cover the sphere
- `rays`: distance along the rays of pinholes and fisheyes to planar depth
- `stereo`: disparity of a stereo pair to depth
- `points`: depth as points in space, normals, triangles cut where depth jumps
- `alignment`: a prediction of unknown scale and shift brought to the label's unit
- `trimmed_fit`: scale and shift by least trimmed squares, against many wrong pixels
- `picture_motion`: which pixels of two frames show the same, by optical flow on small pictures
- `reprojection`: where the surface points of one view are in another, by depth and poses
- `maps`: checks of maps (one shape, finite or positive inside a mask), values at pixels

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .alignment import (
        align_depth,
        align_disparity,
        align_median,
        fit_robust_scale_and_shift,
        fit_scale_and_shift,
    )
    from .camera import distance_to_planar_depth, pinhole_intrinsics
    from .disparity import PredictionKind, depth_to_disparity, disparity_to_depth
    from .distortion import undistort
    from .equirectangular import equirectangular_directions
    from .intrinsics import CameraIntrinsics
    from .maps import values_at_pixels
    from .points import find_normals, unproject
    from .rays import ray_distance_to_depth
    from .stereo import stereo_disparity_to_depth

_MODULES = {
    "CameraIntrinsics": "intrinsics",
    "PredictionKind": "disparity",
    "align_depth": "alignment",
    "align_disparity": "alignment",
    "align_median": "alignment",
    "depth_to_disparity": "disparity",
    "disparity_to_depth": "disparity",
    "equirectangular_directions": "equirectangular",
    "distance_to_planar_depth": "camera",
    "find_normals": "points",
    "fit_robust_scale_and_shift": "alignment",
    "fit_scale_and_shift": "alignment",
    "pinhole_intrinsics": "camera",
    "ray_distance_to_depth": "rays",
    "stereo_disparity_to_depth": "stereo",
    "undistort": "distortion",
    "unproject": "points",
    "values_at_pixels": "maps",
}

__all__ = [
    "CameraIntrinsics",
    "PredictionKind",
    "align_depth",
    "align_disparity",
    "align_median",
    "depth_to_disparity",
    "disparity_to_depth",
    "distance_to_planar_depth",
    "equirectangular_directions",
    "find_normals",
    "fit_robust_scale_and_shift",
    "fit_scale_and_shift",
    "pinhole_intrinsics",
    "ray_distance_to_depth",
    "stereo_disparity_to_depth",
    "undistort",
    "unproject",
    "values_at_pixels",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
