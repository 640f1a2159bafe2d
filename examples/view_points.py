# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw clouds and meshes from three sides: python examples/view_points.py views.png room/photo.ply room/photo.glb"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from depth_anything_hf.visualization import encode_png, sheet


def load(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return points in the camera's axes and their colours; of a mesh, points spread over it."""
    content: Any = trimesh.load(path)
    if isinstance(content, trimesh.PointCloud):
        return np.asarray(content.vertices), np.asarray(content.colors)[:, :3]
    (mesh,) = content.geometry.values()
    points, faces = trimesh.sample.sample_surface(mesh, 1_500_000, seed=0)
    return points * [1, -1, -1], mesh.visual.to_color().vertex_colors[mesh.faces[faces, 0], :3]


def view(points: np.ndarray, colours: np.ndarray, degrees: float, side: int = 320) -> np.ndarray:
    """Look at the middle of the points, from so many degrees to the right of the camera."""
    middle, angle = [0, 0, np.median(points[:, 2])], np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    x, y, z = turn @ (points - middle).T + 1.15 * np.transpose([middle])
    drawn, places = np.full((side, side, 3), 255, dtype=np.uint8), np.rint(side * (np.stack([y, x]) / z + 0.5))
    order = np.argsort(-z)[: int((z > 0).sum())]  # the nearest last
    order = order[((places >= 0) & (places < side)).all(axis=0)[order]]
    drawn[tuple(places[:, order].astype(int))] = colours[order]
    return drawn


if __name__ == "__main__":
    views = [[view(*load(path), degrees) for degrees in (0, 30, -30)] for path in sys.argv[2:]]
    Path(sys.argv[1]).write_bytes(encode_png(sheet(views)))
