# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The scenes by name and number.

To add a scene: write a function `name(builder) -> SampleCamera` in `indoor_scenes` or `outdoor_scenes` that fills the
builder and returns how cameras are drawn, enter it in `SCENE_FUNCTIONS` and `SCENE_KINDS` below, and raise
`SCENES_VERSION`, because the same scene number then gives another scene.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from .builder import Builder
from .hazy_rooms import build_hazy_room
from .indoor_scenes import room, tabletop
from .outdoor_scenes import nature, street
from .scene_geometry import SampleCamera, Scene, ViewRequirements


Family = Literal["varied", "hazy-rooms"]
DEFAULT_SAMPLES_PER_PIXEL = {"varied": 8, "hazy-rooms": 4}

# Raised whenever the same arguments give other pictures than before.
SCENES_VERSION = 1
# How often each kind of varied scene is drawn, in twelfths.
SCENE_KINDS = {"room": 5, "tabletop": 2, "street": 3, "nature": 2}
SCENE_FUNCTIONS: dict[str, Callable[[Builder], SampleCamera]] = {
    "room": room,
    "tabletop": tabletop,
    "street": street,
    "nature": nature,
}
REQUIREMENTS = ViewRequirements(edge_share=0.045)

# Independent random streams of one seed.
SCENE_STREAM, CAMERA_STREAM, PICTURE_STREAM, HAZE_STREAM = range(4)


def build_scene(family: Family, seed: int, scene_number: int, kinds: Sequence[str] | None = None) -> Scene:
    """Build scene `scene_number` of a seed.

    Args:
        family: "varied" or "hazy-rooms".
        seed: of all scenes.
        scene_number: from 0.
        kinds: limits the varied family to some of `SCENE_KINDS`; None means all.

    Raises:
        ImportError: if Mitsuba is missing.
    """
    random = np.random.default_rng([seed, SCENE_STREAM, scene_number])
    if family == "hazy-rooms":
        return build_hazy_room(random)
    shares = {kind: SCENE_KINDS[kind] for kind in kinds or SCENE_KINDS}
    weights = np.array(list(shares.values())) / sum(shares.values())
    return build_varied_scene(str(random.choice(list(shares), p=weights)), random)


def build_varied_scene(kind: str, random: np.random.Generator) -> Scene:
    """Build a scene of one of the `SCENE_KINDS`."""
    builder = Builder(random)
    sample_camera = SCENE_FUNCTIONS[kind](builder)
    return Scene(builder.load(), kind, sample_camera, REQUIREMENTS)
