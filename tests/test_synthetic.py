# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the renderer: exact depth, the same bytes however it is run, and a folder that can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import datasets
import numpy as np
import pytest

from depth_anything_hf.geometry.camera import pinhole_intrinsics
from depth_anything_hf.rendering.builder import Builder
from depth_anything_hf.rendering.dataset import render_dataset
from depth_anything_hf.rendering.scene import IDENTITY, Camera, load_mitsuba, rotation, translation
from depth_anything_hf.rendering.scenes import build_scene
from depth_anything_hf.rendering.view import (
    NEAR_CLIP_METRES,
    choose_camera,
    encode_srgb,
    planar_depth,
    render_view,
    tone_map,
    view_quality,
)


pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")

CAMERAS = [
    Camera((0.0, 0.0, 1.5), yaw_degrees=0, pitch_degrees=0, roll_degrees=0, horizontal_field_of_view_degrees=60),
    Camera((-1.5, 1.0, 0.8), yaw_degrees=25, pitch_degrees=9, roll_degrees=-12, horizontal_field_of_view_degrees=90),
    Camera((2.0, 1.0, 3.0), yaw_degrees=-33, pitch_degrees=-35, roll_degrees=20, horizontal_field_of_view_degrees=35),
    Camera((0.5, 9.0, 1.0), yaw_degrees=175, pitch_degrees=-3, roll_degrees=90, horizontal_field_of_view_degrees=75),
]
BALL_CENTRE, BALL_RADIUS = np.array([0.0, 5.0, 1.0]), 1.0
HALF_GROUND = 2000.0
SMALL: dict[str, Any] = {"height": 24, "width": 32, "samples_per_pixel": 1, "progress": False}


def ray_vectors(camera: Camera, height: int, width: int) -> np.ndarray:
    """Rays through the pixel centres, (H, W, 3), with unit length along the optical axis."""
    intrinsics = pinhole_intrinsics(height, width, camera.horizontal_field_of_view_degrees)
    right, up, forward = camera.axes()
    across = (np.arange(width)[None, :, None] - intrinsics[0, 2]) / intrinsics[0, 0]
    down = (np.arange(height)[:, None, None] - intrinsics[1, 2]) / intrinsics[1, 1]
    return forward + across * right - down * up


def analytic_depth(camera: Camera, height: int, width: int) -> np.ndarray:
    """Planar depth of a ball on a square ground, from the equations of plane and sphere."""
    rays, origin = ray_vectors(camera, height, width), np.asarray(camera.position)
    with np.errstate(divide="ignore"):
        plane = -origin[2] / rays[..., 2]
    hits = origin + np.where(plane > 0, plane, 0)[..., None] * rays
    inside = (plane > 0) & (np.abs(hits[..., :2]) <= HALF_GROUND).all(axis=-1)
    plane = np.where(inside, plane, np.inf)
    offset = origin - BALL_CENTRE
    a, b, c = (rays**2).sum(-1), 2 * rays @ offset, offset @ offset - BALL_RADIUS**2
    discriminant = b**2 - 4 * a * c
    ball = (-b - np.sqrt(np.maximum(discriminant, 0))) / (2 * a)
    return np.minimum(plane, np.where((discriminant > 0) & (ball > 0), ball, np.inf))


def worst_relative_error(depth: np.ndarray, truth: np.ndarray) -> float:
    """Over pixels with truth below 500 m; sky must agree on all but 1 in 1000 pixels."""
    assert (np.isfinite(depth) == np.isfinite(truth)).mean() > 0.999
    compared = np.isfinite(depth) & (truth < 500)
    assert compared.mean() > 0.3
    return float(np.abs(depth[compared] / truth[compared] - 1).max())


@pytest.fixture(scope="module")
def glass_ball_on_ground() -> Any:
    builder = Builder(np.random.default_rng(0))
    builder.panel(IDENTITY, (2 * HALF_GROUND, 2 * HALF_GROUND), builder.material("plain"))
    builder.ball(IDENTITY, BALL_CENTRE, 2 * BALL_RADIUS, builder.material("glass"))
    return builder.load()


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_is_planar_and_exact(glass_ball_on_ground: Any, camera: Camera) -> None:
    height, width = 45, 64
    depth = planar_depth(glass_ball_on_ground, camera, height, width)
    truth = analytic_depth(camera, height, width)
    assert depth.dtype == np.float32 and depth.shape == (height, width)
    assert worst_relative_error(depth, truth) < 1e-3
    ray_lengths = np.linalg.norm(ray_vectors(camera, height, width), axis=-1)
    assert worst_relative_error(depth * ray_lengths, truth) > 1e-2
    assert worst_relative_error(depth - NEAR_CLIP_METRES, truth) > 1e-3


def test_first_surface_counts_for_glass_and_mirrors() -> None:
    builder = Builder(np.random.default_rng(0))
    builder.box(IDENTITY, (0, 8, 0), (20, 0.2, 20), builder.material("plain"))
    builder.ball(IDENTITY, (0, 3, 0), 1.0, builder.material("glass"))
    builder.box(IDENTITY, (-1.5, 4, 0), (1, 0.02, 1), builder.material("pane"))
    builder.box(IDENTITY, (1.5, 4, 0), (1, 0.02, 1), builder.material("mirror"))
    depth = planar_depth(builder.load(), Camera((0, 0, 0), 0, 0, 0, 60), 33, 65)
    row = depth[16]
    assert row[32] == pytest.approx(2.5, abs=1e-4)
    focal = pinhole_intrinsics(33, 65, 60)[0, 0]
    for x in (-1.5, 1.5):
        assert row[round(32 + focal * x / 4)] == pytest.approx(3.99, abs=1e-4)
    assert row[0] == pytest.approx(7.9, abs=1e-4)


def test_no_pixel_mixes_two_surfaces() -> None:
    builder = Builder(np.random.default_rng(0))
    builder.box(IDENTITY, (0, 6, 0), (40, 2, 40), builder.material("plain"))
    tilted = translation(0.3, 3, 0) @ rotation((0, 1, 0), 27)
    builder.box(tilted, (0, 0, 0), (0.8, 2, 1.1), builder.material("plain"))
    camera = Camera((0, 0, 0), 0, 0, 0, 70)
    scene = builder.load()
    depth = planar_depth(scene, camera, 61, 80)
    to_a_surface = np.minimum(np.abs(depth - 2), np.abs(depth - 5))
    assert to_a_surface.max() < 1e-4
    assert 0.02 < (depth < 3).mean() < 0.9


@pytest.mark.parametrize("camera", CAMERAS)
def test_camera_axes_are_a_right_handed_frame(camera: Camera) -> None:
    right, up, forward = camera.axes()
    axes = np.stack([right, up, forward])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(right, forward), up, atol=1e-12)


def test_rotation_about_any_axis_is_rigid() -> None:
    turned = rotation((3.0, -1.0, 2.0), 77)[:3, :3]
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1)
    np.testing.assert_allclose(rotation((0, 0, 5), 90)[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_exposure_ignores_the_sky() -> None:
    radiance = np.full((10, 10, 3), 0.2)
    has_depth = np.zeros((10, 10), dtype=bool)
    has_depth[5:] = True
    darker, brighter = radiance.copy(), radiance.copy()
    darker[:5], brighter[:5] = 0.5, 500.0
    images = [tone_map(sky, has_depth, np.random.default_rng(3)) for sky in (darker, brighter)]
    np.testing.assert_array_equal(images[0][5:], images[1][5:])
    assert 100 < images[0][9, 9, 0] < 230
    assert images[1][0, 0, 0] >= 254


def test_srgb_curve_at_known_points() -> None:
    linear = np.array([-1.0, 0.0, 0.0031308, 0.2158605, 1.0, 7.0])
    np.testing.assert_array_equal(encode_srgb(linear), [0, 0, 10, 128, 255, 255])


@pytest.mark.parametrize("family", ["varied", "hazy-rooms"])
def test_chosen_views_meet_the_requirements_at_any_size(family: Any) -> None:
    scene = build_scene(family, seed=1, scene_number=0)
    cameras = [choose_camera(scene, 0.75, [view]) for view in range(3)]
    assert len(set(cameras)) == 3
    for camera in cameras:
        assert view_quality(planar_depth(scene.mitsuba_scene, camera, 60, 80), scene.requirements) >= 1
    assert choose_camera(scene, 0.75, [1]) == cameras[1]
    options: dict[str, Any] = {"samples_per_pixel": 1, "denoise": False}
    small, large = (render_view(scene, cameras[0], size, size, **options) for size in (16, 48))
    # The middle of a pixel is the middle of the central one of the three that a three times finer image has there.
    np.testing.assert_allclose(large.depth[1::3, 1::3], small.depth, rtol=1e-3, atol=0)


def test_a_scene_with_several_lamps_is_lit_the_same_whenever_it_is_built() -> None:
    images = []
    for _ in range(3):
        scene = build_scene("varied", seed=0, scene_number=7)
        assert sum(shape.is_emitter() for shape in scene.mitsuba_scene.shapes()) == 3
        camera = choose_camera(scene, 0.75, [0])
        images.append(render_view(scene, camera, 24, 32, samples_per_pixel=1, denoise=False).image)
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


# Folders


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def read_depth(path: Path) -> np.ndarray:
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert depth is not None
    return depth


@pytest.mark.parametrize("family", ["varied", "hazy-rooms"])
def test_same_bytes_with_one_and_two_processes(tmp_path: Path, family: Any) -> None:
    alone = render_dataset(tmp_path / "alone", family=family, count=5, views_per_scene=2, **SMALL)
    together = render_dataset(tmp_path / "together", family=family, count=5, views_per_scene=2, processes=2, **SMALL)
    assert digests(alone) == digests(together)
    rows = records(alone)
    assert [row["file_name"] for row in rows] == [f"images/{index:06d}.png" for index in range(5)]
    assert [(row["scene"], row["view"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert len({digest for name, digest in digests(alone).items() if name.startswith("images")}) == 5


def test_folder_is_an_imagefolder_with_exact_depth(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", count=2, kinds=["street"], **SMALL)
    table = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(table) == 2
    for index, row in enumerate(table):
        depth = read_depth(folder / f"depth/{index:06d}.tiff")
        assert depth.dtype == np.float32 and depth.shape == (24, 32)
        np.testing.assert_array_equal(np.asarray(row["depth"]), depth)
        assert np.asarray(row["image"]).shape == (24, 32, 3)
        assert row["kind"] == "street" and row["cx"] == 15.5 and row["cy"] == 11.5


def test_sky_is_infinitely_far(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", count=3, kinds=["street", "nature"], **SMALL)
    depths = np.stack([read_depth(path) for path in sorted(folder.glob("depth/*.tiff"))])
    assert not np.isnan(depths).any() and (depths > 0).all()
    upper, lower = np.isposinf(depths[:, :6]), np.isposinf(depths[:, -6:])
    assert upper.mean() > 0.2 and lower.mean() < 0.02
    assert np.isfinite(depths).mean() > 0.4


def test_resume_renders_only_what_is_missing(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"family": "hazy-rooms", "views_per_scene": 2, **SMALL}
    folder = render_dataset(tmp_path / "renders", count=4, **arguments)
    complete = digests(folder)
    times = {name: (folder / name).stat().st_mtime_ns for name in complete if name.startswith(("images", "depth"))}
    (folder / "images/000001.png").unlink()
    (folder / "depth/000002.tiff").unlink()
    lines = (folder / "metadata.jsonl").read_text().splitlines(keepends=True)
    (folder / "metadata.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    render_dataset(folder, count=4, **arguments)
    assert digests(folder) == complete
    untouched = {"images/000000.png", "depth/000000.tiff"}
    assert all((folder / name).stat().st_mtime_ns == times[name] for name in untouched)
    assert all((folder / name).stat().st_mtime_ns > times[name] for name in ("images/000001.png", "images/000003.png"))

    larger = render_dataset(folder, count=5, **arguments)
    fresh = render_dataset(tmp_path / "fresh", count=5, **arguments)
    assert digests(larger) == digests(fresh)


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from depth_anything_hf.rendering.dataset import render_dataset\n"
        "if __name__ == '__main__':\n"
        f"    render_dataset({str(tmp_path / 'killed')!r}, family='hazy-rooms', count=400, processes=2,\n"
        "        height=24, width=32, samples_per_pixel=1, progress=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("killed/images/*.png")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        # The renderers hold the other end of this pipe, so it closes when the last of them is gone.
        process.communicate(timeout=30)
    assert len(list(tmp_path.glob("killed/images/*.png"))) < 400


def test_other_arguments_into_the_same_folder_are_refused(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", family="hazy-rooms", count=1, **SMALL)
    before = digests(folder)
    with pytest.raises(ValueError, match="seed was 0, now 1"):
        render_dataset(folder, family="hazy-rooms", count=1, seed=1, **SMALL)
    with pytest.raises(ValueError, match="family was 'hazy-rooms'"):
        render_dataset(folder, count=1, **SMALL)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"no render\.json"):
        render_dataset(tmp_path / "notes", count=1, **SMALL)
    assert digests(folder) == before


def test_a_smaller_count_is_refused(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", family="hazy-rooms", count=2, **SMALL)
    with pytest.raises(ValueError, match="2 images, asked for 1"):
        render_dataset(folder, family="hazy-rooms", count=1, **SMALL)


def test_haze_changes_the_image_and_not_the_depth(tmp_path: Path) -> None:
    clean = render_dataset(tmp_path / "clean", family="hazy-rooms", count=2, **SMALL)
    hazy = render_dataset(tmp_path / "hazy", family="hazy-rooms", count=2, haze=True, **SMALL)
    first, second = digests(clean), digests(hazy)
    for index in range(2):
        assert first[f"images/{index:06d}.png"] != second[f"images/{index:06d}.png"]
        assert first[f"depth/{index:06d}.tiff"] == second[f"depth/{index:06d}.tiff"]
    densities = [row["haze_density_per_metre"] for row in records(hazy)]
    assert len(set(densities)) == 2 and all(0.08 <= density <= 0.35 for density in densities)


def test_scene_numbers_make_disjoint_splits(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"family": "hazy-rooms", "views_per_scene": 2, **SMALL}
    both = digests(render_dataset(tmp_path / "both", count=4, **arguments))
    second = render_dataset(tmp_path / "second", count=2, first_scene=1, depth=False, **arguments)
    assert not (second / "depth").exists()
    assert all("depth_file_name" not in row and row["scene"] == 1 for row in records(second))
    for index in range(2):
        assert digests(second)[f"images/{index:06d}.png"] == both[f"images/{index + 2:06d}.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "rooms"}, "family must be one of"),
        ({"kinds": ["beach"]}, "kinds must be some of"),
        ({"family": "hazy-rooms", "kinds": ["room"]}, "cannot be combined with family='hazy-rooms'"),
        ({"count": 0}, "count must be at least 1"),
        ({"processes": 0}, "processes must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        render_dataset(tmp_path / "renders", **{"count": 1, **SMALL, **arguments})
    assert not (tmp_path / "renders").exists()


def test_missing_mitsuba_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(ImportError, match=r"depth_anything_hf\[render\]"):
        load_mitsuba()
