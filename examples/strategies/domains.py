# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Domains to adapt to: rendered ones that differ from the quickstart's hazy rooms, or data of the user's.

Each is a folder with three sets of images with depth, `pool` (training images are drawn from it), `tuning` and `test`,
and one folder `draws/SIZE-SEED` for each training set, which is a list of images of the pool.
"""

from __future__ import annotations

import colorsys
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from program import run_command
from study_plan import FIRST_TUNING_SEED, METRIC_DOMAIN, Preset

from depth_anything_hf.data.haze import add_haze, sample_haze
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.visualization.encode import encode_png, encode_tiff


SETS = ("pool", "tuning", "test")
# Scenes of their own for each set of each domain, and none of the quickstart's.
FIRST_SCENES = {"pool": 300_000, "tuning": 400_000, "test": 500_000}
VIEWS_PER_SCENE = 2
SIDE = 112
# Numbers of random streams.
CONDITIONS, ORDER, DRAW, OLD = 1, 2, 3, 4
# Enough for rehearsal.
OLD_IMAGES = 400

Conditions = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def add_smoke(image: np.ndarray, depth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Cover an image with thin haze of a strong colour, another one in each image."""
    density_per_metre = math.exp(random.uniform(math.log(0.05), math.log(0.2)))
    colour = colorsys.hsv_to_rgb(random.uniform(), random.uniform(0.6, 1.0), random.uniform(0.5, 1.0))
    return add_haze(image, depth, density_per_metre, np.array(colour, dtype=np.float32))


def darken(image: np.ndarray, depth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Photograph a hazy room with next to no light: few photons, the noise of the sensor, values of 0 to 12 of 255."""
    hazy = add_haze(image, depth, *sample_haze(random)).astype(np.float32)
    light = math.exp(random.uniform(math.log(0.01), math.log(0.05)))
    photons = random.poisson(hazy * light * 2.0) / 2.0
    noisy = photons + random.normal(0.0, 0.5, photons.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def see_infrared(image: np.ndarray, depth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Photograph a hazy room by another band of light: one channel, in which bright and dark are exchanged."""
    hazy = add_haze(image, depth, *sample_haze(random)).astype(np.float32) / 255
    grey = (1 - hazy @ random.dirichlet((1.0, 1.0, 1.0))) ** math.exp(random.uniform(-0.7, 0.7))
    noisy = 255 * grey + random.normal(0.0, 3.0, grey.shape)
    return np.repeat(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def unchanged(image: np.ndarray, depth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Leave an image as it was rendered."""
    return image


@dataclass(frozen=True)
class RenderedDomain:
    """What is rendered, and under which conditions it is seen.

    Attributes:
        flags: of `depth-anything-hf render`.
        conditions: changes an image by its depth.
    """

    flags: tuple[str, ...]
    conditions: Conditions


HAZY_ROOMS = ("--family", "hazy-rooms")
RENDERED = {
    "smoke": RenderedDomain(HAZY_ROOMS, add_smoke),
    "infrared": RenderedDomain(HAZY_ROOMS, see_infrared),
    "dark": RenderedDomain(HAZY_ROOMS, darken),
    "streets": RenderedDomain(("--family", "varied", "--kind", "street"), unchanged),
}


def data_of(domain: str) -> str:
    """Return the domain whose images a domain has: a metric target shares them with a relative one."""
    return "smoke" if domain == METRIC_DOMAIN else domain


def render_domain(folder: Path, domain: str, preset: Preset, processes: int) -> None:
    """Render the three sets of a domain, unless they are there."""
    wanted = dict(zip(SETS, (preset.pool_images, preset.tuning_images, preset.test_images), strict=True))
    for number, (name, count) in enumerate(wanted.items()):
        if not _is_complete(folder / name, count):
            renders = folder / f"renders-{name}"
            words = ["render", str(renders), *RENDERED[domain].flags, "--height", str(SIDE), "--width", str(SIDE)]
            words += ["--count", str(count), "--views_per_scene", str(VIEWS_PER_SCENE)]
            words += ["--first_scene", str(FIRST_SCENES[name]), "--processes", str(processes)]
            run_command(words, folder / f"renders-{name}.txt")
            samples = _under_conditions(open_source(str(renders)), RENDERED[domain].conditions, number)
            write_set(folder / name, samples, count)
            shutil.rmtree(renders)


def haze_old_images(folder: Path, renders: str) -> str:
    """Write images of the quickstart's domain as its teacher saw them: its renders have no haze, training adds it."""
    source, count = _with_depth(renders), OLD_IMAGES

    def hazy() -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        step = max(1, len(source) // count)
        for number in range(min(count, len(source))):
            sample = source[number * step]
            haze = sample_haze(np.random.default_rng([number, OLD]))
            yield add_haze(sample["image"], sample["depth"], *haze), sample["depth"], number

    if not _is_complete(folder, min(count, len(source))):
        write_set(folder, hazy(), min(count, len(source)))
    return str(folder)


def copy_domain(folder: Path, data: str, test_data: str | None, preset: Preset) -> None:
    """Copy the images of the user's that the study draws from, as PNG and float32, unless they are there.

    Args:
        folder: of the domain.
        data: source of training and tuning images.
        test_data: source of other images, on which nothing is chosen; None: some of `data`, drawn at random.
        preset: how many.

    Raises:
        ValueError: a source has no depth, or too few images.
    """
    source = _with_depth(data)
    order = np.random.default_rng([0, ORDER]).permutation(len(source))
    held_out = 0 if test_data is not None else preset.test_images
    needed = max(preset.images) + preset.tuning_images + held_out
    if len(order) < needed:
        parts = f"{max(preset.images)} to train on, {preset.tuning_images} to choose rates on, {held_out} to test"
        raise ValueError(
            f"{data} has {len(order)} images, expected at least {needed} ({parts}); give fewer --images, "
            "--tuning_images or --test_images"
        )
    first_of_pool = held_out + preset.tuning_images
    picked = {
        "test": (source, order[:held_out]),
        "tuning": (source, order[held_out:first_of_pool]),
        "pool": (source, order[first_of_pool : first_of_pool + preset.pool_images]),
    }
    if test_data is not None:
        others = _with_depth(test_data)
        step = max(1, len(others) // preset.test_images)
        picked["test"] = (others, np.arange(0, len(others), step)[: preset.test_images])
    for name, (images, indices) in picked.items():
        if not _is_complete(folder / name, len(indices)):
            samples = ((images[int(index)], number) for number, index in enumerate(indices))
            write_set(
                folder / name, ((each["image"], each["depth"], number) for each, number in samples), len(indices)
            )


def draw_images(folder: Path, images: int, seed: int) -> Path:
    """Return the folder of a training set: images drawn from the pool by the seed, without repetition.

    Sets of the tuning are drawn from another half of the pool than those of the comparison, where that has enough.
    """
    drawn = folder / "draws" / f"{images}-{seed}"
    rows = (folder / "pool" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    half = len(rows) // 2
    if half >= images:
        rows = rows[half:] if seed >= FIRST_TUNING_SEED else rows[:half]
    picked = np.random.default_rng([seed, images, DRAW]).permutation(len(rows))[:images]
    lines = []
    for index in sorted(picked):
        row = json.loads(rows[index])
        paths = {key: f"../../pool/{row[key]}" for key in ("file_name", "depth_file_name")}
        lines.append(json.dumps({**row, **paths}) + "\n")
    drawn.mkdir(parents=True, exist_ok=True)
    atomic_write(drawn / "metadata.jsonl", "".join(lines))
    return drawn


def scenes_of(folder: Path) -> list[int]:
    """Return the scene of each image of a set, in the order of the images."""
    rows = (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return [int(json.loads(row)["scene"]) for row in rows]


def write_set(folder: Path, samples: Iterable[tuple[np.ndarray, np.ndarray, int]], count: int) -> None:
    """Write (image, depth, scene) into a folder; its metadata comes last, so that it is complete or not there."""
    for name in ("images", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (image, depth, scene) in enumerate(samples):
        row = {"file_name": f"images/{number:06d}.png", "depth_file_name": f"depth/{number:06d}.tiff", "scene": scene}
        (folder / str(row["file_name"])).write_bytes(encode_png(image))
        (folder / str(row["depth_file_name"])).write_bytes(encode_tiff(depth.astype(np.float32)))
        lines.append(json.dumps(row) + "\n")
    if len(lines) != count:
        raise ValueError(f"{folder}: {len(lines)} images were made, expected {count}")
    atomic_write(folder / "metadata.jsonl", "".join(lines))


def _under_conditions(
    renders: Any, conditions: Conditions, number: int
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    for index in range(len(renders)):
        sample = renders[index]
        random = np.random.default_rng([number, index, CONDITIONS])
        yield conditions(sample["image"], sample["depth"], random), sample["depth"], index // VIEWS_PER_SCENE


def _with_depth(path: str) -> Any:
    source = open_source(path)
    if source.label != "depth":
        raise ValueError(f"{path}: its labels are {source.label or 'none'}, expected depth in metres")
    return source


def _is_complete(folder: Path, count: int) -> bool:
    path = folder / "metadata.jsonl"
    return path.exists() and len(path.read_text(encoding="utf-8").splitlines()) == count
