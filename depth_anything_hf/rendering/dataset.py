# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Render a folder of images with exact depth: the same bytes with any number of processes, resumable."""

from __future__ import annotations

import concurrent.futures
import importlib.metadata
import json
import multiprocessing
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from tqdm.auto import tqdm

from ..data.haze import add_haze, sample_haze
from ..utils.files import atomic_write, remove_abandoned
from ..utils.option_errors import option_errors
from ..utils.outputs import check_folder, refuse_to_replace
from ..utils.paths import local_path
from ..utils.typed_fields import convert_argument, convert_fields
from ..visualization.encode import encode_png, encode_tiff
from .camera_paths import camera_to_world, choose_path
from .scene_geometry import Camera, Scene, load_mitsuba
from .scenes import (
    CAMERA_STREAM,
    DEFAULT_SAMPLES_PER_PIXEL,
    HAZE_STREAM,
    PICTURE_STREAM,
    SCENE_KINDS,
    SCENES_VERSION,
    Family,
    build_scene,
)
from .view import choose_camera, render_view, resolve_denoise


# The settings of a folder of renders, by which it is known.
RENDER_FILE = "render.json"
# Of a clip, rendered by one process at a time.
FRAMES_PER_PART = 8


@dataclass(frozen=True)
class _RenderSettings:
    """All that decides the content of a rendered folder, except how many images it has."""

    family: Family
    height: int
    width: int
    seed: int
    samples_per_pixel: int
    views_per_scene: int
    first_scene: int
    haze: bool
    depth: bool
    kinds: list[str] | None
    denoise: bool
    clip: bool

    def __post_init__(self) -> None:
        convert_fields(self)


def render_dataset(
    output_dir: str | os.PathLike[str],
    *,
    family: Family = "varied",
    count: int,
    height: int,
    width: int,
    seed: int = 0,
    samples_per_pixel: int | None = None,
    processes: int = 1,
    views_per_scene: int = 1,
    first_scene: int = 0,
    haze: bool = False,
    depth: bool = True,
    kinds: Sequence[str] | None = None,
    denoise: bool | Literal["auto"] = "auto",
    clip: bool = False,
    progress: bool = True,
) -> Path:
    """Render images with exact depth into a folder that `datasets` reads as an `imagefolder`.

    The folder holds `metadata.jsonl`, `images/NNNNNN.png`, `depth/NNNNNN.tiff` (float32 metres, planar z, +inf = sky)
    and `render.json` with the arguments and versions. The same call again renders only what is missing; a larger
    `count` adds images. An image depends on the seed, its scene and its view alone: not on the number of processes,
    the order, or an interruption.

    Image number i shows view `i % views_per_scene` of scene `first_scene + i // views_per_scene`. Disjoint splits of
    one seed come from disjoint scene numbers.

    With several processes the calling script needs the usual `if __name__ == "__main__":` guard, because they are
    spawned; each takes about half a gigabyte.

    Args:
        output_dir: created if absent.
        family: "varied" (rooms, tabletops, streets, nature; path-traced) or "hazy-rooms" (see `hazy_rooms`).
        count: images in the folder when the call returns.
        height: pixels.
        width: pixels.
        seed: of everything.
        samples_per_pixel: of the images; None means 8 for varied scenes and 4 for hazy rooms.
        processes: renderers at work at the same time, one thread each; 1 renders in this process.
        views_per_scene: images of one scene; sharing a scene saves the time to build it.
        first_scene: number of the first scene.
        haze: covers each image with a random haze; the depth stays the same.
        depth: False writes images only.
        kinds: of the varied scenes, some of "room", "tabletop", "street", "nature"; None means all.
        denoise: with Open Image Denoise; "auto" if pyoidn is installed.
        clip: the images are the frames of one clip at 30 frames a second: a hand-held pan through scene `first_scene`
            in one light and one haze. `camera_to_world` in `metadata.jsonl` is the pose of each frame, (4, 4) in
            metres, from OpenCV's axes (x right, y down, z forward).
        progress: show a progress bar.

    Returns:
        The folder.

    Raises:
        ImportError: if Mitsuba, or pyoidn with `denoise=True`, is missing.
        ValueError: if an argument is out of range, the folder was rendered with other arguments or for more images, or
            it holds anything else.
        FileExistsError: files of the user's have the names of further images.
        OSError: no folder can be made there, or it takes no files.
    """
    count, processes = convert_argument("count", count, int), convert_argument("processes", processes, int)
    load_mitsuba()
    settings = _RenderSettings(
        family=family,
        height=height,
        width=width,
        seed=seed,
        samples_per_pixel=samples_per_pixel or DEFAULT_SAMPLES_PER_PIXEL.get(family, 0),
        views_per_scene=views_per_scene,
        first_scene=first_scene,
        haze=haze,
        depth=depth,
        kinds=None if kinds is None else sorted(set(convert_argument("kinds", kinds, list[str]))),
        denoise=resolve_denoise(denoise) and family == "varied",
        clip=clip,
    )
    with option_errors():
        _check_settings(settings, count, processes)
    folder = local_path(output_dir)
    _claim_folder(folder, settings, count)
    records, others = _read_metadata(folder, settings)
    _write_metadata(folder, [*others, *records.values()])
    tasks = _missing_views(settings, count, records)
    with (
        open(folder / "metadata.jsonl", "a", encoding="utf-8", newline="\n") as metadata,
        tqdm(total=count, initial=count - sum(map(len, tasks.values())), unit="image", disable=not progress) as bar,
    ):
        for scene_records in _render_scenes(folder, settings, tasks, processes):
            metadata.writelines(json.dumps(record) + "\n" for record in scene_records)
            metadata.flush()
            records |= {record["file_name"]: record for record in scene_records}
            bar.update(len(scene_records))
    _write_metadata(folder, [*others, *(records[name] for name in sorted(records))])
    return folder


def _check_settings(settings: _RenderSettings, count: int, processes: int) -> None:
    if settings.family not in DEFAULT_SAMPLES_PER_PIXEL:
        raise ValueError(f"family must be one of {list(DEFAULT_SAMPLES_PER_PIXEL)}, got {settings.family!r}.")
    if settings.kinds is not None:
        if settings.family != "varied":
            raise ValueError("kinds cannot be combined with family='hazy-rooms'; it chooses among the varied scenes.")
        unknown = [kind for kind in settings.kinds if kind not in SCENE_KINDS]
        if unknown or not settings.kinds:
            raise ValueError(f"kinds must be some of {list(SCENE_KINDS)}, got {settings.kinds}.")
    if settings.clip and settings.views_per_scene != 1:
        raise ValueError("views_per_scene cannot be combined with clip; all frames of a clip show one scene.")
    at_least_one = ("height", "width", "samples_per_pixel", "views_per_scene")
    limits = {name: (getattr(settings, name), 1) for name in at_least_one}
    limits |= {"seed": (settings.seed, 0), "first_scene": (settings.first_scene, 0)}
    limits |= {"count": (count, 1), "processes": (processes, 1)}
    for name, (value, minimum) in limits.items():
        if value < minimum:
            raise ValueError(f"{name} must be at least {minimum}, got {value}.")


def _claim_folder(folder: Path, settings: _RenderSettings, count: int) -> None:
    """Write render.json, or compare it with the current settings."""
    wanted: dict[str, Any] = {**asdict(settings), "scenes_version": SCENES_VERSION}
    wanted["mitsuba"] = importlib.metadata.version("mitsuba")
    wanted["pyoidn"] = importlib.metadata.version("pyoidn") if settings.denoise else None
    check_folder(folder)
    path = folder / RENDER_FILE
    if path.exists():
        # Folders of earlier versions hold no clips.
        found = {"clip": False, **_read_settings(path)}
        found_count = found.pop("count", None)
        if found != wanted:
            names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
            differences = ", ".join(f"{name} was {found.get(name)!r}, now {wanted.get(name)!r}" for name in names)
            raise ValueError(
                f"{folder} was rendered with other arguments ({differences}); repeat them, or choose another folder."
            )
        if found_count is not None and found_count > count:
            raise ValueError(
                f"{folder} was rendered for {found_count} images, got count {count}; count may grow, not shrink."
            )
        new = range(count if found_count is None else found_count, count)
        refuse_to_replace(_files_of(folder, new), "move them away, or choose another folder")
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(
            f"{folder} has files but no render.json, so it is not a rendered folder; choose a new or an empty one."
        )
    (folder / "images").mkdir(parents=True, exist_ok=True)
    if settings.depth:
        (folder / "depth").mkdir(exist_ok=True)
    remove_abandoned(folder, folder / "images", folder / "depth")
    atomic_write(path, (json.dumps({"count": count, **wanted}, indent=2) + "\n"))


def _read_settings(path: Path) -> dict[str, Any]:
    """Return what render.json says.

    Raises:
        ValueError: it is not as this module writes it.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or "scenes_version" not in found:
        raise ValueError(f"{path} is not as `render` writes it: it is damaged, or yours; choose another folder.")
    return found


def _read_metadata(folder: Path, settings: _RenderSettings) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the records of the complete images by file name, and those that the user has added.

    A record torn by an interruption is dropped, and so is one of an image that is gone.
    """
    path = folder / "metadata.jsonl"
    records, others = {}, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if not isinstance(record, dict) or not _IMAGE_NAME.fullmatch(str(record.get("file_name"))):
            others.append(record)
            continue
        names = [record["file_name"], record.get("depth_file_name")] if settings.depth else [record["file_name"]]
        if all(name is not None and (folder / name).is_file() for name in names):
            records[record["file_name"]] = record
    return records, others


def _missing_views(
    settings: _RenderSettings, count: int, records: dict[str, dict[str, Any]]
) -> dict[int, list[tuple[int, int]]]:
    """Return the (image index, view) still to render, by scene number."""
    tasks: dict[int, list[tuple[int, int]]] = {}
    for index in range(count):
        if _image_name(index) not in records:
            scene_number = settings.first_scene + (0 if settings.clip else index // settings.views_per_scene)
            view = index if settings.clip else index % settings.views_per_scene
            tasks.setdefault(scene_number, []).append((index, view))
    return tasks


def _render_scenes(
    folder: Path, settings: _RenderSettings, tasks: dict[int, list[tuple[int, int]]], processes: int
) -> Iterator[list[dict[str, Any]]]:
    """Render every scene of the tasks, or parts of a clip, and yield the records of each as it is done."""
    parts = list(tasks.items())
    if settings.clip:
        parts = [
            (scene_number, views[first : first + FRAMES_PER_PART])
            for scene_number, views in parts
            for first in range(0, len(views), FRAMES_PER_PART)
        ]
    if processes == 1 or len(parts) <= 1:
        for scene_number, views in parts:
            yield _render_scene(folder, settings, scene_number, views)
        return
    executor = concurrent.futures.ProcessPoolExecutor(
        max_workers=min(processes, len(parts)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_set_up_worker,
    )
    with executor:
        futures = [executor.submit(_render_scene, folder, settings, *part) for part in parts]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _set_up_worker() -> None:
    """Use one thread, and end with the parent: a worker whose parent is killed would wait for ever."""
    import drjit

    drjit.set_thread_count(1)
    cv2.setNumThreads(1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _render_scene(
    folder: Path, settings: _RenderSettings, scene_number: int, views: list[tuple[int, int]]
) -> list[dict[str, Any]]:
    """Render and write some views of one scene; return their records."""
    scene = build_scene(settings.family, settings.seed, scene_number, settings.kinds)
    aspect_ratio = settings.height / settings.width
    records = []
    if settings.clip:
        path = choose_path(scene, aspect_ratio, [settings.seed, CAMERA_STREAM, scene_number])
    for index, view in views:
        if settings.clip:
            camera = path.camera(view)
        else:
            camera = choose_camera(scene, aspect_ratio, [settings.seed, CAMERA_STREAM, scene_number, view])
        records.append(_render_image(folder, settings, scene, camera, scene_number, index, view))
    return records


def _render_image(
    folder: Path,
    settings: _RenderSettings,
    scene: Scene,
    camera: Camera,
    scene_number: int,
    index: int,
    view: int,
) -> dict[str, Any]:
    # One light, exposure and haze in all frames of a clip.
    drawn_for = 0 if settings.clip else view
    rendered = render_view(
        scene,
        camera,
        settings.height,
        settings.width,
        samples_per_pixel=settings.samples_per_pixel,
        denoise=settings.denoise,
        seed=[settings.seed, PICTURE_STREAM, scene_number, drawn_for],
    )
    record: dict[str, Any] = {"file_name": _image_name(index)}
    if settings.depth:
        record["depth_file_name"] = f"depth/{index:06d}.tiff"
    focal, centre_x, centre_y = (float(rendered.intrinsics[place]) for place in ((0, 0), (0, 2), (1, 2)))
    record |= {"scene": scene_number, "view": view, "kind": scene.kind}
    record |= {"fx": focal, "fy": focal, "cx": centre_x, "cy": centre_y}
    if settings.clip:
        record["camera_to_world"] = camera_to_world(camera).tolist()
    image = rendered.image
    if settings.haze:
        density_per_metre, airlight = sample_haze(
            np.random.default_rng([settings.seed, HAZE_STREAM, scene_number, drawn_for])
        )
        image = add_haze(image, rendered.depth, density_per_metre, airlight)
        record |= {"haze_density_per_metre": density_per_metre, "haze_airlight": [float(part) for part in airlight]}
    atomic_write(folder / record["file_name"], encode_png(image))
    if settings.depth:
        atomic_write(folder / record["depth_file_name"], encode_tiff(rendered.depth))
    return record


# Files


_IMAGE_NAME = re.compile(r"images/\d{6,}\.png")


def _image_name(index: int) -> str:
    return f"images/{index:06d}.png"


def _files_of(folder: Path, indices: range) -> list[Path]:
    """Return the files that images of these numbers have already, sorted."""
    found = [path for name in ("images", "depth") for path in folder.glob(f"{name}/*")]
    return sorted(path for path in found if path.stem.isdigit() and int(path.stem) in indices)


def _write_metadata(folder: Path, records: Iterable[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    atomic_write(folder / "metadata.jsonl", lines)
