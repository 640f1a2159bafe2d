# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Render one view of a scene: choice of the camera, exact planar depth, light, denoising, tone mapping."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..geometry.camera import distance_to_planar_depth, pinhole_intrinsics
from .scene_geometry import Camera, Scene, ViewRequirements, load_mitsuba


NEAR_CLIP_METRES = 0.01
FAR_CLIP_METRES = 1e5
LIGHT_BOUNCES = 4
CAMERA_ATTEMPTS = 60
CAMERA_MAP_WIDTH = 80
SHOULDER = 0.55


@dataclass(frozen=True)
class View:
    """One rendered view.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        depth: float32 (H, W), planar z in metres at the pixel centres, +inf = sky.
        intrinsics: float64 (3, 3), pixels.
    """

    image: np.ndarray
    depth: np.ndarray
    intrinsics: np.ndarray


# Camera and depth


def camera_sensor(camera: Camera, height: int, width: int, pixel_centres: bool = False) -> Any:
    """Make the Mitsuba sensor of a camera; `pixel_centres` sends one ray through the middle of every pixel."""
    mitsuba = load_mitsuba()
    _, up, forward = camera.axes()
    origin = np.asarray(camera.position, dtype=np.float64)
    to_world = mitsuba.ScalarTransform4f().look_at(
        origin=origin.tolist(), target=(origin + forward).tolist(), up=up.tolist()
    )
    # Stratified sampling with one sample and no jitter is the middle of the pixel.
    centred = {"type": "stratified", "sample_count": 1, "jitter": False}
    film = {"type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgb", "component_format": "float32"}
    return mitsuba.load_dict(
        {
            "type": "perspective",
            "fov": camera.horizontal_field_of_view_degrees,
            "fov_axis": "x",
            "near_clip": NEAR_CLIP_METRES,
            "far_clip": FAR_CLIP_METRES,
            "to_world": to_world,
            "film": {**film, "rfilter": {"type": "box"}},
            "sampler": centred if pixel_centres else {"type": "independent"},
        }
    )


def planar_depth(mitsuba_scene: Any, camera: Camera, height: int, width: int) -> np.ndarray:
    """Render exact depth at the pixel centres.

    The first surface along the ray counts, also where it is glass or a mirror, and no pixel mixes two surfaces.

    Args:
        mitsuba_scene: a scene loaded in the `scalar_rgb` variant.
        camera: where to look from.
        height: pixels.
        width: pixels.

    Returns:
        float32 (height, width), metres along the optical axis, +inf where the ray meets nothing.
    """
    mitsuba = load_mitsuba()
    sensor = camera_sensor(camera, height, width, pixel_centres=True)
    # The `depth` integrator: the `aov` one takes thirty times as long in scalar variants.
    integrator = mitsuba.load_dict({"type": "depth"})
    distance = np.array(mitsuba.render(mitsuba_scene, sensor=sensor, integrator=integrator, spp=1, seed=0))[..., 0]
    intrinsics = pinhole_intrinsics(height, width, camera.horizontal_field_of_view_degrees)
    # Mitsuba measures from the near plane, where its rays start, and writes 0 where nothing is hit.
    depth = distance_to_planar_depth(distance, intrinsics) + NEAR_CLIP_METRES
    return np.where(distance > 0, depth, np.inf).astype(np.float32)


def view_quality(depth: np.ndarray, requirements: ViewRequirements) -> float:
    """Return the worst ratio of what a view shows to what is required; at least 1 for a view worth keeping.

    Args:
        depth: (H, W) metres, +inf = sky; 80 pixels wide for the share of edges to mean what it should.
        requirements: the minimum of each quantity.
    """
    finite = depth[np.isfinite(depth)]
    if finite.size < 2:
        return 0.0
    near, far = np.percentile(finite, [3, 95])
    jumps = np.abs(np.diff(np.log(np.minimum(depth, 1e3)), axis=1)) > 0.1
    ratios = [
        finite.size / depth.size / requirements.finite_share,
        near / requirements.near_metres,
        finite.min() / requirements.nearest_metres,
        far / near / requirements.spread,
        jumps.mean() / requirements.edge_share,
    ]
    return float(min(ratios))


def choose_camera(scene: Scene, aspect_ratio: float, seeds: Sequence[int]) -> Camera:
    """Return the first of up to 60 random cameras whose view meets the requirements, else the best of them.

    Views are judged on a small depth map of fixed width, so the choice does not depend on the image size.

    Args:
        scene: draws the cameras.
        aspect_ratio: height / width.
        seeds: of the draws.
    """
    map_height = max(2, round(CAMERA_MAP_WIDTH * aspect_ratio))
    random = np.random.default_rng(seeds)
    camera = best_camera = scene.sample_camera(random)
    best_quality = -1.0
    for _ in range(CAMERA_ATTEMPTS):
        depth = planar_depth(scene.mitsuba_scene, camera, map_height, CAMERA_MAP_WIDTH)
        quality = view_quality(depth, scene.requirements)
        if quality > best_quality:
            best_camera, best_quality = camera, quality
        if quality >= 1:
            break
        camera = scene.sample_camera(random)
    return best_camera


# Colour


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Encode linear colour, clipped to [0, 1], as uint8 by the sRGB transfer curve (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def tone_map(radiance: np.ndarray, exposed_for: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Map radiance to an image: random exposure, soft shoulder, sRGB curve.

    Args:
        radiance: (H, W, 3), linear, >= 0.
        exposed_for: bool (H, W); the exposure is set by these pixels. Leave the sky out, or the rest turns black.
        random: draws the exposure.

    Returns:
        uint8 (H, W, 3).
    """
    radiance = np.nan_to_num(np.maximum(radiance, 0), posinf=0)
    luminance = radiance.mean(axis=-1)
    measured = luminance[exposed_for] if exposed_for.any() else luminance
    level = np.percentile(measured, random.uniform(70, 93))
    exposed = radiance * (random.uniform(0.3, 0.7) / max(level, 1e-4))
    # Linear up to the shoulder, then a hyperbola of the same slope that reaches white only at infinity.
    excess = np.maximum(exposed - SHOULDER, 0)
    compressed = SHOULDER + (1 - SHOULDER) * excess / (excess + 1 - SHOULDER)
    return encode_srgb(np.where(exposed > SHOULDER, compressed, exposed))


# One view


def resolve_denoise(denoise: bool | Literal["auto"]) -> bool:
    """Tell whether to denoise: "auto" means if pyoidn is installed.

    Raises:
        ImportError: if denoising is demanded and pyoidn is missing.
    """
    available = importlib.util.find_spec("pyoidn") is not None
    if denoise is True and not available:
        raise ImportError("denoise=True needs Intel Open Image Denoise: pip install pyoidn; or pass denoise=False")
    return available if denoise == "auto" else bool(denoise)


def _trace_light(
    mitsuba_scene: Any, sensor: Any, samples_per_pixel: int, denoise: bool, random: np.random.Generator
) -> np.ndarray:
    """Path-traced radiance, float32 (H, W, 3)."""
    mitsuba = load_mitsuba()
    integrator = mitsuba.load_dict({"type": "path", "max_depth": LIGHT_BOUNCES, "rr_depth": 3})
    seed = int(random.integers(2**31))
    rendered = mitsuba.render(mitsuba_scene, sensor=sensor, integrator=integrator, spp=samples_per_pixel, seed=seed)
    radiance = np.ascontiguousarray(np.nan_to_num(np.array(rendered)[..., :3], posinf=0))
    if denoise:
        import pyoidn

        radiance = pyoidn.denoise(radiance, hdr=True)
    return radiance


def shade_albedo(mitsuba_scene: Any, sensor: Any, samples_per_pixel: int, random: np.random.Generator) -> np.ndarray:
    """Render albedo and normals, lit by an ambient term and one random direction.

    Args:
        mitsuba_scene: the loaded scene.
        sensor: a Mitsuba sensor.
        samples_per_pixel: 4 gives smooth edges.
        random: draws the direction of the light and the places of the samples within the pixels.

    Returns:
        float64 (H, W, 3) linear colour, mostly within [0, 1], without shadows and without noise.
    """
    mitsuba = load_mitsuba()
    light = random.normal(size=3)
    light[2] = abs(light[2]) + 0.3
    light /= np.linalg.norm(light)
    integrator = mitsuba.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:geo_normal"})
    seed = int(random.integers(2**31))
    channels = np.array(
        mitsuba.render(mitsuba_scene, sensor=sensor, integrator=integrator, spp=samples_per_pixel, seed=seed)
    )
    albedo, normal = channels[..., :3], channels[..., 3:6]
    brightness = 0.35 + 0.15 * normal[..., 2] + 0.55 * np.maximum(0, normal @ light)
    shaded: np.ndarray = 1.6 * albedo * brightness[..., None]
    return shaded


def render_view(
    scene: Scene,
    camera: Camera,
    height: int,
    width: int,
    *,
    samples_per_pixel: int = 8,
    denoise: bool | Literal["auto"] = "auto",
    seed: int | Sequence[int] = 0,
) -> View:
    """Render one view of a scene.

    Args:
        scene: from `build_scene`, or your own.
        camera: where to look from, for instance `choose_camera(scene, height / width, [0])`.
        height: pixels.
        width: pixels.
        samples_per_pixel: of the image; the depth is exact with one ray.
        denoise: use Open Image Denoise; "auto" if pyoidn is installed. Scenes without light transport need none.
        seed: of the noise, the exposure and, without light transport, the light.

    Raises:
        ImportError: if Mitsuba, or pyoidn with `denoise=True`, is missing.
    """
    random = np.random.default_rng(seed)
    depth = planar_depth(scene.mitsuba_scene, camera, height, width)
    sensor = camera_sensor(camera, height, width)
    if scene.light_transport:
        use_denoiser = resolve_denoise(denoise)
        radiance = _trace_light(scene.mitsuba_scene, sensor, samples_per_pixel, use_denoiser, random)
        image = tone_map(radiance, np.isfinite(depth), random)
    else:
        image = encode_srgb(shade_albedo(scene.mitsuba_scene, sensor, samples_per_pixel, random))
    return View(image, depth, pinhole_intrinsics(height, width, camera.horizontal_field_of_view_degrees))
