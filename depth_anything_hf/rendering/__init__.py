# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Synthetic data: scenes rendered with Mitsuba, images with exact depth.

- `dataset`: a folder of renders in any number of processes, resumable
- `scenes`: the scenes by name and number; how to add one
- `indoor_scenes`: a room, a tabletop
- `outdoor_scenes`: a street, nature
- `hazy_rooms`: cheap closed rooms on which a small model learns depth in minutes
- `objects`: household clutter, furniture, people
- `outdoor_objects`: cars, buildings, plants, fences, lamps, signs
- `textures`: procedural surface textures
- `builder`: the builder of a scene: materials, primitives, meshes, skies
- `scene_geometry`: what a scene is, cameras, frames; Mitsuba itself
- `camera_paths`: the camera of a clip, a hand-held pan
- `view`: one view of a scene: exact depth, light, denoising, tone mapping

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .builder import Builder
    from .dataset import render_dataset
    from .scene_geometry import Camera, Scene, ViewRequirements, load_mitsuba
    from .scenes import build_scene
    from .view import View, choose_camera, planar_depth, render_view

_MODULES = {
    "Builder": "builder",
    "Camera": "scene_geometry",
    "Scene": "scene_geometry",
    "View": "view",
    "ViewRequirements": "scene_geometry",
    "build_scene": "scenes",
    "choose_camera": "view",
    "load_mitsuba": "scene_geometry",
    "planar_depth": "view",
    "render_dataset": "dataset",
    "render_view": "view",
}

__all__ = [
    "Builder",
    "Camera",
    "Scene",
    "View",
    "ViewRequirements",
    "build_scene",
    "choose_camera",
    "load_mitsuba",
    "planar_depth",
    "render_dataset",
    "render_view",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
