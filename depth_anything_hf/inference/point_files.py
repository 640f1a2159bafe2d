# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of points: PLY clouds, GLB meshes, the camera as JSON, pictures of normals.

PLY says nothing of axes: points are in the camera's, as Open3D, COLMAP and OpenCV have them (x to the right, y down, z
forward), and a comment of the file says so. glTF does: y up, and here the camera looks along -z.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ..data.decoding.map_meaning import CAMERA_KIND, MEANING_KEYWORD, POINTS_KIND
from ..geometry.intrinsics import CameraIntrinsics
from ..geometry.points import Mesh
from ..visualization.encode import encode_png
from ..visualization.normal_maps import normals_to_picture


POINT_FORMATS = ("ply", "glb")
CAMERA_VERSION = 1
PLY_AXES = "camera axes: x to the right, y down, z forward (OpenCV)"
GLB_AXES = "x to the right, y up, the camera looks along -z (glTF)"
# From the camera's axes to those of glTF: half a turn about x.
TO_GLTF = np.array([1.0, -1.0, -1.0])
PLY_FORMAT = b"format binary_little_endian 1.0\n"


class _Points(Protocol):
    """What is written of a `PointMap`, which describes it."""

    @property
    def name(self) -> str: ...
    @property
    def image(self) -> np.ndarray: ...
    @property
    def intrinsics(self) -> CameraIntrinsics: ...
    @property
    def undistorted_from(self) -> CameraIntrinsics | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def scale_source(self) -> str: ...
    @property
    def edge_threshold(self) -> float: ...
    @property
    def normals(self) -> np.ndarray: ...
    def cloud(self) -> tuple[np.ndarray, np.ndarray]: ...
    def mesh(self) -> Mesh: ...


def load_trimesh() -> Any:
    """Import trimesh.

    Raises:
        ImportError: it is missing; the message names the extra.
    """
    try:
        import trimesh
    except ImportError as error:
        raise ImportError('files of points need trimesh: pip install "depth_anything_hf[points]"') from error
    return trimesh


def encode_points(points: _Points, form: str) -> bytes:
    """Return the content of a file of points.

    Args:
        points: of one picture.
        form: "ply", a cloud with colours, or "glb", a mesh with the picture as texture.

    Raises:
        ValueError: no pixel has a depth, or none that could be a corner of a triangle.
        ImportError: trimesh is missing.
    """
    return _encode_ply(points) if form == "ply" else _encode_glb(points)


def _encode_ply(points: _Points) -> bytes:
    trimesh = load_trimesh()
    positions, colours = points.cloud()
    if not len(positions):
        raise ValueError(f"{points.name}: no pixel has a depth, so that there are no points to write")
    content: bytes = trimesh.PointCloud(positions, colors=colours).export(file_type="ply")
    comments = [PLY_AXES, f"unit: {points.unit}; {points.scale_source}", f"camera: {_numbers(points.intrinsics)}"]
    comments.append(f"kind: {POINTS_KIND}")
    lines = "".join(f"comment {' '.join(_ascii(each).split())}\n" for each in comments)
    head, separator, body = content.partition(PLY_FORMAT)
    assert separator, "trimesh writes binary PLY"
    return head + separator + lines.encode("ascii") + body


def _encode_glb(points: _Points) -> bytes:
    trimesh = load_trimesh()
    mesh = points.mesh()
    if not len(mesh.faces):
        raise ValueError(f"{points.name}: no three neighbouring pixels are on one surface, so that there is no mesh")
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(points.image), metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True
    )
    surface = trimesh.Trimesh(
        vertices=mesh.vertices * TO_GLTF,
        faces=mesh.faces,
        visual=trimesh.visual.TextureVisuals(uv=mesh.texture_coordinates, material=material),
        process=False,
    )
    scene = trimesh.Scene({"picture": surface})
    scene.metadata = {
        "kind": POINTS_KIND,
        "axes": GLB_AXES,
        "unit": points.unit,
        "scale": points.scale_source,
        "camera": _numbers(points.intrinsics),
        "edge_threshold": points.edge_threshold,
    }
    content: bytes = scene.export(file_type="glb")
    return content


def encode_camera(points: _Points) -> bytes:
    """Return the camera of a picture as JSON, which `--camera` and Open3D read: `intrinsic_matrix` is by columns."""
    camera = points.intrinsics
    record: dict[str, Any] = {
        "kind": CAMERA_KIND,
        "version": CAMERA_VERSION,
        **{name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
        "intrinsic_matrix": camera.matrix.T.ravel().tolist(),
        "field_of_view_degrees": camera.field_of_view_degrees,
        "source": camera.source,
        "notes": list(camera.notes),
        "unit": points.unit,
        "scale": points.scale_source,
        "axes": {"ply": PLY_AXES, "glb": GLB_AXES},
    }
    if points.undistorted_from is not None:
        record["undistorted_from"] = asdict(points.undistorted_from)
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def encode_normals(points: _Points) -> bytes:
    """Return the normals as a PNG, see `normals_to_picture`."""
    text = {"kind": "normals", "picture": "normals", "axes": "x to the right, y up, z towards the camera"}
    return encode_png(normals_to_picture(points.normals), {MEANING_KEYWORD: json.dumps(text)})


def _numbers(camera: CameraIntrinsics) -> str:
    return (
        f"{camera.width} x {camera.height} pixels, fx {camera.fx:.10g}, fy {camera.fy:.10g}, cx {camera.cx:.10g}, "
        f"cy {camera.cy:.10g}; {camera.source}"
    )


def _ascii(text: str) -> str:
    return text.replace("°", " degrees").encode("ascii", "replace").decode()
