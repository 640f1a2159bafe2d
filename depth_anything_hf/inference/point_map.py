# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The points in space of one picture: depth, colours and camera, as a cloud, a mesh, normals and files."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..geometry.intrinsics import CameraIntrinsics
from ..geometry.points import EDGE_THRESHOLD, Mesh, find_connections, find_normals, make_triangles, unproject
from ..utils.files import atomic_write
from ..utils.option_errors import check_choice, check_count
from ..utils.paths import local_path
from .point_files import POINT_FORMATS, encode_points


# Full HD is whole.
MOST_POINTS = 2_500_000
# Of normals at one time, so that those of large pictures take little memory; and the rows around that they depend on.
ROWS_AT_ONCE, ROWS_AROUND = 256, 2


@dataclass(frozen=True)
class PointMap:
    """A picture's pixels as points in space, in the camera's axes: x to the right, y down, z forward (OpenCV).

    Attributes:
        name: of the picture.
        depth: float32 (H, W) metres along the optical axis; NaN: none.
        image: uint8 (H, W, 3) RGB; without the distortion of its lens, if the camera had one.
        intrinsics: the camera of `image`, and how it is known.
        scale_source: how the metres are known, in words.
        is_scale_assumed: whether the metres are a guess, and the shape with them.
        edge_threshold: relative jump of depth across which no triangle is made, see `find_connections`.
        max_points: of clouds and meshes; where there are more pixels, every n-th of each row and column is taken.
        undistorted_from: the camera before distortion was taken out; None where it had none.

    Raises:
        ValueError: maps of different sizes, or a threshold or number that is not positive.
    """

    name: str
    depth: np.ndarray
    image: np.ndarray
    intrinsics: CameraIntrinsics
    scale_source: str = "given"
    is_scale_assumed: bool = False
    edge_threshold: float = EDGE_THRESHOLD
    max_points: int = MOST_POINTS
    undistorted_from: CameraIntrinsics | None = field(default=None)

    def __post_init__(self) -> None:
        sizes = {self.depth.shape, self.image.shape[:2], (self.intrinsics.height, self.intrinsics.width)}
        if len(sizes) > 1 or self.image.ndim != 3 or self.image.dtype != np.uint8:
            raise ValueError(
                "depth (H, W), a uint8 image (H, W, 3) and intrinsics of one size are expected, got "
                f"{self.depth.shape}, {self.image.dtype} {self.image.shape} and "
                f"{(self.intrinsics.height, self.intrinsics.width)}"
            )
        check_count("max_points", self.max_points)
        if not self.edge_threshold > 0:
            raise ValueError(f"edge_threshold must be above 0 (infinity cuts nothing), got {self.edge_threshold}")

    @property
    def unit(self) -> str:
        """Unit of all lengths."""
        return "metres (assumed)" if self.is_scale_assumed else "metres"

    @cached_property
    def points(self) -> np.ndarray:
        """Point of each pixel, float32 (H, W, 3); NaN without depth."""
        return unproject(self.depth, self.intrinsics.matrix).astype(np.float32)

    @cached_property
    def normals(self) -> np.ndarray:
        """Direction of the surface at each pixel, towards the camera, float32 (H, W, 3), length 1; NaN without."""
        height, width = self.depth.shape
        normals = np.empty((height, width, 3), dtype=np.float32)
        for start in range(0, height, ROWS_AT_ONCE):
            first, end = max(0, start - ROWS_AROUND), start + ROWS_AT_ONCE
            matrix = self.intrinsics.matrix
            matrix[1, 2] -= first
            points = unproject(self.depth[first : end + ROWS_AROUND], matrix)
            normals[start:end] = find_normals(points, self.edge_threshold)[start - first : end - first]
        return normals

    @property
    def valid(self) -> np.ndarray:
        """Pixels that have a point, bool (H, W)."""
        mask: np.ndarray = np.isfinite(self.depth) & (self.depth > 0)
        return mask

    @property
    def step(self) -> int:
        """Of each row and column, every `step`-th pixel is in clouds and meshes; 1: all."""
        return max(1, math.ceil(math.sqrt(self.depth.size / self.max_points)))

    def cloud(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the points that have a depth, float32 (N, 3), and their colours, uint8 (N, 3), row by row."""
        step = self.step
        valid = self.valid[::step, ::step]
        return self._every(step)[valid].astype(np.float32), self.image[::step, ::step][valid]

    def mesh(self) -> Mesh:
        """Return the surface between neighbouring pixels, cut where depth jumps."""
        step, (height, width) = self.step, self.depth.shape
        points = self._every(step)
        faces = make_triangles(*find_connections(points, self.edge_threshold))
        is_used = np.zeros(points.shape[0] * points.shape[1], dtype=bool)
        is_used[faces] = True
        used, number = np.flatnonzero(is_used), np.cumsum(is_used, dtype=np.int64) - 1
        rows, columns = np.divmod(used, points.shape[1])
        coordinates = np.stack([(columns * step + 0.5) / width, 1 - (rows * step + 0.5) / height], axis=-1)
        vertices = points.reshape(-1, 3)[used].astype(np.float32)
        return Mesh(vertices, number[faces], coordinates.astype(np.float32))

    def _every(self, step: int) -> np.ndarray:
        """Return the points of every `step`-th row and column, float64 (h, w, 3)."""
        matrix = self.intrinsics.matrix
        matrix[:2] /= step
        return unproject(self.depth[::step, ::step], matrix)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a `.ply` cloud or a `.glb` mesh, complete or not at all; an older file is replaced.

        Args:
            path: of the file; its folder is made if it does not exist.

        Returns:
            The file.

        Raises:
            ValueError: another suffix, or no pixel with a depth.
            ImportError: trimesh is missing.
            OSError: the file cannot be written.
        """
        path = local_path(path)
        check_choice("the suffix of a file of points", path.suffix.lower(), [f".{each}" for each in POINT_FORMATS])
        atomic_write(path, encode_points(self, path.suffix.lower()[1:]))
        return path
