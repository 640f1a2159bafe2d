# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw clouds and meshes from three sides: python examples/view_points.py views.png room/photo.ply room/photo.glb"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from depth_anything_hf.visualization import draw_points, encode_png, sheet


def load(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return points in the camera's axes and their colours; of a mesh, points spread over it."""
    content: Any = trimesh.load(path)
    if isinstance(content, trimesh.PointCloud):
        return np.asarray(content.vertices), np.asarray(content.colors)[:, :3]
    (mesh,) = content.geometry.values()
    points, faces = trimesh.sample.sample_surface(mesh, 1_500_000, seed=0)
    return points * [1, -1, -1], mesh.visual.to_color().vertex_colors[mesh.faces[faces, 0], :3]


if __name__ == "__main__":
    views = [[draw_points(*load(path), degrees) for degrees in (0, 30, -30)] for path in sys.argv[2:]]
    Path(sys.argv[1]).write_bytes(encode_png(sheet(views)))
