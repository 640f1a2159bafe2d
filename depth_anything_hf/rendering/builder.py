# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Builder of a Mitsuba scene, piece by piece: materials, primitives, meshes, skies.

Units are metres, z points up. Everything random comes from the builder's generator, in the order of the calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .scene_geometry import Frame, Vector, load_mitsuba, rotation, scaling, translation
from .textures import SEAMLESS_TEXTURES, fractal_noise, make_texture, random_colour


Item = TypeVar("Item")

MATERIAL_TEXTURES = ["plain"] * 8 + ["noise"] * 3 + ["wood"] * 4
MATERIAL_TEXTURES += ["picture", "checker", "stripes", "plaid", "spots", "tiles", "brick"]
# Textures go to Mitsuba as linear values: decoding 8-bit sRGB there is slow.
SRGB_TO_LINEAR = np.array(
    [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.arange(256) / 255],
    dtype=np.float32,
)


class Builder:
    """Collector of a scene description, which `load` makes into a Mitsuba scene.

    Materials are references to named entries of the description; primitives take a frame that places the whole object
    and coordinates within that frame.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.mitsuba = load_mitsuba()
        self.description: dict[str, Any] = {"type": "scene"}
        self._reusable_materials: list[dict[str, str]] = []
        self._shared_materials: dict[str, list[dict[str, str]]] = {}
        self._loaded_materials: dict[str, Any] = {}

    def load(self) -> Any:
        """Return the Mitsuba scene of everything added so far."""
        # Merging of equal objects would shuffle the shapes, lamps among them; a random number would then pick another
        # lamp in every process. Other lights come before the shapes.
        entries = sorted(self.description.items(), key=lambda entry: entry[0].startswith("shape"))
        return self.mitsuba.load_dict(dict(entries), optimize=False)

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from low to high."""
        return float(self.random.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Draw True with this probability."""
        return bool(self.random.random() < probability)

    def count(self, low: int, high: int) -> int:
        """Draw a whole number from low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def choose(self, options: Sequence[Item]) -> Item:
        """Draw one of the options, each equally likely."""
        return options[int(self.random.integers(len(options)))]

    def _add(self, prefix: str, entry: Any) -> str:
        name = f"{prefix}{len(self.description):05d}"
        self.description[name] = entry
        return name

    def _transform(self, frame: Frame) -> Any:
        return self.mitsuba.ScalarTransform4f(frame)

    # Materials

    def texture(self, kind: str, repeats: tuple[float, float] = (1, 1), quarter_turns: int = 0) -> dict[str, Any]:
        """Draw a bitmap texture that repeats this many times along the two directions of the surface."""
        linear = SRGB_TO_LINEAR[make_texture(self.random, kind)]
        to_uv = rotation((0, 0, 1), 90 * quarter_turns) @ scaling(repeats[0], repeats[1], 1)
        return {
            "type": "bitmap",
            "bitmap": self.mitsuba.Bitmap(linear),
            "raw": True,
            "wrap_mode": "repeat" if kind in SEAMLESS_TEXTURES else "mirror",
            "to_uv": self._transform(to_uv),
        }

    def material(
        self, kind: str | None = None, repeats: tuple[float, float] = (1, 1), gloss: float | None = None
    ) -> dict[str, str]:
        """Add a material and return a reference to it.

        Args:
            kind: "glass", "pane" (thin glass), "mirror", "metal", a texture kind, or None for a random opaque one.
            repeats: of the texture, along the two directions of the surface.
            gloss: 0-1; below 0.55 matt, above 0.65 a mix of matt and shiny; None draws it.
        """
        if kind == "glass":
            tint = 0.75 + 0.25 * random_colour(self.random)
            bsdf = {"type": "dielectric", "int_ior": self.uniform(1.3, 1.6), "specular_transmittance": _rgb(tint)}
        elif kind == "pane":
            bsdf = {"type": "thindielectric"}
        elif kind == "mirror":
            bsdf = _two_sided({"type": "conductor", "specular_reflectance": _rgb(self.uniform(0.7, 0.95))})
        elif kind == "metal":
            tint = random_colour(self.random, self.uniform(0, 0.4), 0.9)
            metal = {"type": "roughconductor", "alpha": self.uniform(0.05, 0.4), "specular_reflectance": _rgb(tint)}
            bsdf = _two_sided(metal)
        else:
            texture = self.texture(kind or self.choose(MATERIAL_TEXTURES), repeats, self.count(0, 1))
            bsdf = _two_sided(self._opaque(texture, self.uniform(0, 1) if gloss is None else gloss))
        reference = {"type": "ref", "id": self._add("material", bsdf)}
        if kind is None:
            self._reusable_materials.append(reference)
        return reference

    def _opaque(self, texture: dict[str, Any], gloss: float) -> dict[str, Any]:
        if gloss < 0.55:
            return {"type": "diffuse", "reflectance": texture}
        if gloss < 0.65:
            # Not `roughplastic`: it takes 56 ms to construct, a hundred times more than any other material.
            return {"type": "plastic", "diffuse_reflectance": texture}
        return {
            "type": "principled",
            "base_color": texture,
            "roughness": self.uniform(0.15, 0.9),
            "specular": self.uniform(0.1, 0.8),
            "metallic": self.uniform(0, 0.6) if self.chance(0.3) else 0.0,
        }

    def any_material(self) -> dict[str, str]:
        """Return a random opaque material, often one that the scene already has, as in a furnished home."""
        if len(self._reusable_materials) > 5 and self.chance(0.75):
            return self.choose(self._reusable_materials)
        return self.material(repeats=(self.uniform(0.5, 3),) * 2)

    def shared_material(self, kind: str, repeats: tuple[float, float] = (1, 1), variants: int = 4) -> dict[str, str]:
        """Return one of at most `variants` matt materials of a texture kind, as leaves of one wood share theirs."""
        made = self._shared_materials.setdefault(kind, [])
        if len(made) < variants:
            made.append(self.material(kind, repeats, gloss=0.2))
        return self.choose(made)

    # Primitives

    def box(
        self,
        frame: Frame,
        centre: Vector,
        size: Vector,
        material: dict[str, str],
        turn_degrees: float = 0.0,
        tilt_degrees: float = 0.0,
    ) -> None:
        """Add a box of full edge lengths `size`, tilted about its x axis, then turned about the vertical."""
        turned = rotation((0, 0, 1), turn_degrees) @ rotation((1, 0, 0), tilt_degrees)
        to_world = frame @ translation(*centre) @ turned @ scaling(*(0.5 * edge for edge in size))
        self._add("shape", {"type": "cube", "bsdf": material, "to_world": self._transform(to_world)})

    def rod(self, frame: Frame, start: Vector, end: Vector, radius: float, material: dict[str, str]) -> None:
        """Add an open cylinder between two points."""
        shape = {"type": "cylinder", "p0": list(start), "p1": list(end), "radius": radius}
        self._add("shape", {**shape, "bsdf": material, "to_world": self._transform(frame)})

    def disk(self, frame: Frame, radius: float, material: dict[str, str]) -> None:
        """Add a disk in the xy plane of the frame."""
        to_world = self._transform(frame @ scaling(radius, radius, radius))
        self._add("shape", {"type": "disk", "bsdf": material, "to_world": to_world})

    def can(self, frame: Frame, base: Vector, radius: float, height: float, material: dict[str, str]) -> None:
        """Add a closed upright cylinder that stands on `base`."""
        top = [base[0], base[1], base[2] + height]
        self.rod(frame, base, top, radius, material)
        for end in (base, top):
            self.disk(frame @ translation(*end), radius, material)

    def ball(self, frame: Frame, centre: Vector, diameter: float, material: dict[str, str]) -> None:
        """Add a sphere."""
        radius = diameter / 2
        to_world = frame @ translation(*centre) @ scaling(radius, radius, radius)
        self._add("shape", {"type": "sphere", "bsdf": material, "to_world": self._transform(to_world)})

    def panel(
        self, frame: Frame, size: tuple[float, float], material: dict[str, str], radiance: Vector | None = None
    ) -> None:
        """Add a rectangle in the xy plane of the frame that faces +z; it shines if a radiance is given."""
        to_world = self._transform(frame @ scaling(size[0] / 2, size[1] / 2, 1))
        shape: dict[str, Any] = {"type": "rectangle", "bsdf": material, "to_world": to_world}
        if radiance is not None:
            shape["emitter"] = {"type": "area", "radiance": _rgb(radiance)}
        self._add("shape", shape)

    # Meshes

    def mesh(
        self,
        vertices: np.ndarray,
        faces: np.ndarray,
        texture_positions: np.ndarray,
        material: dict[str, str],
        smooth: bool = False,
    ) -> None:
        """Add a triangle mesh: vertices (V, 3) in the world, faces (F, 3) indices, texture_positions (V, 2)."""
        properties = self.mitsuba.Properties()
        name = material["id"]
        if name not in self._loaded_materials:
            self._loaded_materials[name] = self.mitsuba.load_dict(self.description[name])
        properties["bsdf"] = self._loaded_materials[name]
        mesh = self.mitsuba.Mesh(
            f"mesh{len(self.description)}",
            len(vertices),
            len(faces),
            has_vertex_normals=smooth,
            has_vertex_texcoords=True,
            props=properties,
        )
        parameters = self.mitsuba.traverse(mesh)
        parameters["vertex_positions"] = np.asarray(vertices, dtype=np.float32).ravel()
        parameters["faces"] = np.asarray(faces, dtype=np.uint32).ravel()
        parameters["vertex_texcoords"] = np.asarray(texture_positions, dtype=np.float32).ravel()
        parameters.update()
        self._add("shape", mesh)

    def surface(
        self,
        position: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]],
        steps: int,
        material: dict[str, str],
    ) -> None:
        """Add a smooth mesh of the surface `position(u, v) -> (x, y, z)` with u and v in [0, 1]."""
        u, v = np.meshgrid(np.linspace(0, 1, steps), np.linspace(0, 1, steps))
        vertices = np.stack(np.broadcast_arrays(*position(u, v)), axis=-1).reshape(-1, 3)
        corner = (np.arange(steps - 1)[:, None] * steps + np.arange(steps - 1)).ravel()
        lower = np.stack([corner, corner + 1, corner + steps], axis=1)
        upper = np.stack([corner + 1, corner + steps + 1, corner + steps], axis=1)
        texture_positions = np.stack([u.ravel(), v.ravel()], axis=1)
        self.mesh(vertices, np.concatenate([lower, upper]), texture_positions, material, smooth=True)

    def blob(
        self, frame: Frame, centre: Vector, size: Vector, material: dict[str, str], roughness: float = 0.25
    ) -> None:
        """Add a lumpy ellipsoid with full axes `size`; roughness 0 makes it smooth."""
        phases = self.random.uniform(0, 2 * np.pi, (4, 2))
        waves = self.random.integers(1, 4, (4, 2))
        half = 0.5 * np.asarray(size)

        def position(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            longitude, latitude = 2 * np.pi * u, np.pi * v
            bumps = np.zeros_like(u)
            for (first_phase, second_phase), (around, along) in zip(phases, waves, strict=True):
                across = np.sin(around * longitude + first_phase) * np.sin(latitude)
                bumps += across * np.sin(along * 2 * latitude + second_phase)
            radius = 1 + roughness * bumps / 2
            # Minus: the cross product of the two directions of the surface then points outwards.
            x = -half[0] * radius * np.sin(latitude) * np.cos(longitude)
            y = half[1] * radius * np.sin(latitude) * np.sin(longitude)
            z = half[2] * radius * np.cos(latitude)
            world = np.stack([x, y, z], axis=-1) + np.asarray(centre)
            world = world @ frame[:3, :3].T + frame[:3, 3]
            return world[..., 0], world[..., 1], world[..., 2]

        self.surface(position, 26, material)

    def leaves(
        self, frame: Frame, centre: Vector, size: Vector, count: int, leaf_length: float, material: dict[str, str]
    ) -> None:
        """Add a cloud of randomly turned lozenges in an ellipsoid with full axes `size`, as one mesh."""
        random = self.random
        directions = _unit(random.normal(size=(count, 3)))
        distances = np.sqrt(random.uniform(0.2, 1, (count, 1)))
        middles = np.asarray(centre) + directions * distances * np.asarray(size) / 2
        along = _unit(random.normal(size=(count, 3)))
        across = _unit(np.cross(along, random.normal(size=(count, 3))))
        lengths = leaf_length * random.uniform(0.5, 1.2, (count, 1))
        corners = [-along * lengths, -0.35 * across * lengths, along * lengths, 0.35 * across * lengths]
        vertices = np.stack([middles + corner for corner in corners], axis=1).reshape(-1, 3)
        vertices = vertices @ frame[:3, :3].T + frame[:3, 3]
        first = 4 * np.arange(count)[:, None]
        faces = np.concatenate([first + np.array([[0, 1, 2]]), first + np.array([[0, 2, 3]])])
        self.mesh(vertices, faces, np.tile([[0, 0], [1, 0], [1, 1], [0, 1]], (count, 1)), material)

    # Light from outside

    def sky(self, brightness: float = 1.0) -> None:
        """Add daylight all around: a physical clear sky, or a painted one with clouds, with or without the sun."""
        azimuth, elevation = self.uniform(0, 2 * np.pi), math.radians(self.uniform(15, 75))
        to_sun = np.array(
            [math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation)]
        )
        if self.chance(0.35):
            emitter = {"type": "sunsky", "turbidity": self.uniform(2, 7), "sun_direction": to_sun.tolist()}
            emitter |= {"sun_scale": brightness * self.uniform(0.5, 1), "sky_scale": brightness}
            self._add("emitter", emitter)
            return
        picture = np.ascontiguousarray(self._cloudy_sky() * (0.6 * brightness))
        to_world = rotation((0, 0, 1), self.uniform(0, 360)) @ rotation((1, 0, 0), 90)
        bitmap = self.mitsuba.Bitmap(picture)
        self._add("emitter", {"type": "envmap", "bitmap": bitmap, "to_world": self._transform(to_world)})
        if self.chance(0.7):
            warm = np.array([1.0, self.uniform(0.85, 0.97), self.uniform(0.6, 0.95)])
            irradiance = warm * self.uniform(2, 7) * brightness
            sun = {"type": "directional", "direction": (-to_sun).tolist(), "irradiance": _rgb(irradiance)}
            self._add("emitter", sun)

    def _cloudy_sky(self) -> np.ndarray:
        """Radiance of a painted sky, float32 (128, 256, 3): horizon to zenith, clouds, a dim lower half."""
        rows = 128
        height = np.sin(np.linspace(np.pi / 2, -np.pi / 2, rows, dtype=np.float32))[:, None, None]
        zenith = random_colour(self.random, self.uniform(0.2, 0.7), 0.8) * np.array(
            [0.35, 0.55, 1.0], dtype=np.float32
        )
        horizon = np.array([0.62, 0.74, 0.92], dtype=np.float32) * self.uniform(0.4, 0.9)
        clear = np.where(height > 0, horizon + (zenith - horizon) * np.maximum(height, 0) ** 0.6, horizon * 0.4)
        density = fractal_noise(self.random, octaves=6, cells=2, stretch_down=1.5) * 2.2 - self.uniform(0.6, 1.7)
        clouds = np.clip(density, 0, 1)[..., None] * (height > 0.05)
        clouds = np.concatenate([clouds, clouds[:, ::-1]], axis=1)
        return (clear * (1 - clouds) + clouds * self.uniform(0.7, 1.2)).astype(np.float32)


def _rgb(value: float | Vector | np.ndarray) -> dict[str, Any]:
    return {"type": "rgb", "value": value if isinstance(value, float) else [float(part) for part in value]}


def _two_sided(bsdf: dict[str, Any]) -> dict[str, Any]:
    return {"type": "twosided", "bsdf": bsdf}


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
