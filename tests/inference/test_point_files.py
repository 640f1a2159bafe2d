# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""PLY and GLB of a scene that is known by formulas, read back by trimesh: places, axes, colours, texture, cuts."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analytic_scene import COLOURS, FLOOR_Y, analytic_camera, cast_rays, distances_to_surfaces

from depth_anything_hf.geometry.points import find_normals, unproject
from depth_anything_hf.inference import point_map
from depth_anything_hf.inference.camera_files import read_cameras
from depth_anything_hf.inference.point_files import encode_camera, encode_normals, encode_points
from depth_anything_hf.inference.point_map import PointMap
from depth_anything_hf.visualization.normal_maps import normals_from_picture


trimesh = pytest.importorskip("trimesh", reason="files of points are written with the extra 'points'")


@pytest.fixture(scope="module")
def scene() -> PointMap:
    camera = analytic_camera()
    depth, seen = cast_rays(camera)
    depth[:3, :5] = math.nan
    return PointMap("scene", depth.astype(np.float32), COLOURS[seen], replace(camera, source="formulas, 90°"))


def test_ply_holds_all_points_in_the_axes_of_the_camera(scene: PointMap, tmp_path: Path) -> None:
    read = trimesh.load(scene.save(tmp_path / "made" / "scene.ply"))
    points = np.asarray(read.vertices)
    assert len(points) == scene.depth.size - 15
    assert distances_to_surfaces(points).max() < 1e-3
    np.testing.assert_allclose(points, scene.points[scene.valid], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(read.colors)[:, :3], scene.image[scene.valid])
    # The floor is below the camera, where y is larger, and everything is in front of it.
    assert points[:, 1].max() == pytest.approx(FLOOR_Y, abs=1e-5) and points[:, 2].min() > 0


@pytest.mark.parametrize("rows", [1, 7])
def test_normals_by_bands_of_rows_are_those_of_the_whole(
    scene: PointMap, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(point_map, "ROWS_AT_ONCE", rows)
    whole = find_normals(unproject(scene.depth, scene.intrinsics.matrix))
    np.testing.assert_allclose(replace(scene).normals, whole, atol=1e-6)


def test_the_header_of_ply_says_axes_unit_and_camera(scene: PointMap) -> None:
    head = encode_points(scene, "ply").split(b"end_header\n")[0].decode("ascii")
    assert head.startswith(
        "ply\nformat binary_little_endian 1.0\ncomment camera axes: x to the right, y down, z forward"
    )
    assert "comment unit: metres; given\n" in head and "formulas, 90 degrees" in head and "fx 121.6," in head


def test_glb_is_a_textured_mesh_with_y_up_that_the_camera_sees_along_minus_z(scene: PointMap, tmp_path: Path) -> None:
    read = trimesh.load(scene.save(tmp_path / "scene.glb"), process=False)
    (surface,) = read.geometry.values()
    vertices = np.asarray(surface.vertices)
    # Back by half a turn about x.
    assert distances_to_surfaces(vertices * [1, -1, -1]).max() < 1e-3
    assert vertices[:, 1].min() == pytest.approx(-FLOOR_Y, abs=1e-5) and vertices[:, 2].max() < 0
    corners = vertices[surface.faces]
    outwards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((outwards * corners.mean(axis=1)).sum(-1) < 0).all()
    assert read.metadata["unit"] == "metres" and "looks along -z" in read.metadata["axes"]


def test_each_vertex_of_glb_has_the_pixel_that_it_came_from(scene: PointMap) -> None:
    read = trimesh.load(io.BytesIO(encode_points(scene, "glb")), file_type="glb", process=False)
    (surface,) = read.geometry.values()
    texture = np.asarray(surface.visual.material.baseColorTexture.convert("RGB"))
    np.testing.assert_array_equal(texture, scene.image)
    height, width = scene.depth.shape
    columns = np.asarray(surface.visual.uv)[:, 0] * width - 0.5
    rows = (1 - np.asarray(surface.visual.uv)[:, 1]) * height - 0.5
    points = np.asarray(surface.vertices) * [1, -1, -1]
    camera = scene.intrinsics
    np.testing.assert_allclose(columns, points[:, 0] / points[:, 2] * camera.fx + camera.cx, atol=1e-2)
    np.testing.assert_allclose(rows, points[:, 1] / points[:, 2] * camera.fy + camera.cy, atol=1e-2)


def test_the_mesh_is_cut_where_depth_jumps_and_not_with_an_infinite_threshold(scene: PointMap) -> None:
    mesh, whole = scene.mesh(), replace(scene, edge_threshold=math.inf).mesh()
    depths = mesh.vertices[mesh.faces][..., 2]
    assert (depths.max(axis=1) / depths.min(axis=1)).max() < 1.15
    assert len(whole.faces) > len(mesh.faces)
    assert (
        whole.vertices[whole.faces][..., 2].max(axis=1) / whole.vertices[whole.faces][..., 2].min(axis=1)
    ).max() > 1.5


def test_larger_pictures_are_thinned_out_evenly(scene: PointMap) -> None:
    thin = replace(scene, max_points=scene.depth.size // 4)
    assert thin.step == 2
    points, colours = thin.cloud()
    np.testing.assert_array_equal(points, scene.points[::2, ::2][scene.valid[::2, ::2]])
    np.testing.assert_array_equal(colours, scene.image[::2, ::2][scene.valid[::2, ::2]])
    mesh = thin.mesh()
    assert len(mesh.vertices) <= scene.depth.size / 4 and distances_to_surfaces(mesh.vertices).max() < 1e-3
    assert (replace(scene, max_points=scene.depth.size).step, replace(scene, max_points=1).step) == (1, 111)


def test_the_camera_file_is_read_by_its_own_reader_and_has_the_columns_of_open3d(
    scene: PointMap, tmp_path: Path
) -> None:
    (tmp_path / "scene_camera.json").write_bytes(encode_camera(scene))
    (stored,) = read_cameras(tmp_path / "scene_camera.json")
    again = stored.for_picture(*scene.depth.shape)
    np.testing.assert_allclose(again.matrix, scene.intrinsics.matrix, rtol=1e-12)
    record: dict[str, Any] = json.loads((tmp_path / "scene_camera.json").read_text())
    assert record["intrinsic_matrix"][6:8] == [again.cx, again.cy] and record["source"] == "formulas, 90°"
    assert record["unit"] == "metres" and "undistorted_from" not in record
    assert again.source == "scene_camera.json: formulas, 90°"
    noted = replace(scene, intrinsics=replace(again, notes=("scaled", "turned")))
    for _ in range(2):
        (tmp_path / "scene_camera.json").write_bytes(encode_camera(noted))
        noted = replace(
            scene, intrinsics=read_cameras(tmp_path / "scene_camera.json")[0].for_picture(*scene.depth.shape)
        )
        assert noted.intrinsics.source == "scene_camera.json: formulas, 90°; scaled; turned"


def test_normals_come_back_from_their_picture(scene: PointMap) -> None:
    from PIL import Image

    restored = normals_from_picture(np.asarray(Image.open(io.BytesIO(encode_normals(scene)))))
    known = np.isfinite(scene.normals).all(axis=-1)
    np.testing.assert_allclose(restored[known], scene.normals[known], atol=1 / 127)
    assert np.isnan(restored[0, 0]).all()


def test_what_has_no_points_is_refused(scene: PointMap, tmp_path: Path) -> None:
    empty = replace(scene, depth=np.full_like(scene.depth, np.nan))
    with pytest.raises(ValueError, match="scene: no pixel has a depth"):
        encode_points(empty, "ply")
    with pytest.raises(ValueError, match="scene: no three neighbouring pixels"):
        encode_points(empty, "glb")
    with pytest.raises(ValueError, match=r"must be one of \['.ply', '.glb'\], got '.obj'"):
        scene.save(tmp_path / "scene.obj")
    with pytest.raises(ValueError, match="of one size are expected"):
        replace(scene, depth=scene.depth[1:])
    with pytest.raises(ValueError, match="edge_threshold must be above 0"):
        replace(scene, edge_threshold=0.0)
