# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hypersim: rendered rooms, from distance to planar depth by the camera of each scene."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry.camera import distance_to_planar_depth
from ...utils.option_errors import check_choice
from ...utils.paths import local_path
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample
from .formats import PathLike, centred_matrix, check_exists, read_hdf5
from .frames import Frame, PublicSamples, mask_invalid, matches, require_file
from .spec import PublicDataset


# Cameras outside the walls or inside furniture, and a scene without depth (apple/ml-hypersim, issue 22).
HYPERSIM_BAD_CAMERAS = frozenset(
    {
        ("ai_003_001", "cam_00"),
        ("ai_004_009", "cam_01"),
        ("ai_013_001", "*"),
        ("ai_015_006", "*"),
        ("ai_038_007", "*"),
        ("ai_046_001", "*"),
        ("ai_048_004", "*"),
        ("ai_053_005", "*"),
    }
)
HYPERSIM_DEPTH = re.compile(r"(ai_\d+_\d+)/images/scene_(cam_\d+)_geometry_hdf5/frame\.(\d+)\.depth_meters\.hdf5$")
# Focal length in pixels of a Hypersim image of 1024 x 768, for cameras without a row in the table.
HYPERSIM_FOCAL, HYPERSIM_WIDTH = 886.81, 1024


def open_hypersim(
    root: Path,
    split: str | None,
    *,
    picture: str = "auto",
    camera_table: str | None = None,
    split_table: str | None = None,
    exclude_bad_cameras: bool = True,
) -> PublicSamples:
    """Find the frames of Hypersim.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train", "val" or "test", by the table of splits; None takes all frames of the public release, or all
            frames if that table is not there.
        picture: "preview" reads the authors' JPEG images, "colour" tone-maps the rendered radiance, and "auto" takes
            the preview unless only the radiance is there.
        camera_table: `metadata_camera_parameters.csv`, if it is not in the root.
        split_table: `metadata_images_split_scene_v1.csv`, if it is not in the root.
        exclude_bad_cameras: leave out cameras in walls or furniture, and scenes without depth.

    Raises:
        FileNotFoundError: a table is needed and missing.
        ValueError: an unknown `picture`, or a damaged table.
    """
    check_choice("picture", picture, ("auto", "preview", "colour"))
    public = _hypersim_public_frames(root, split, split_table)
    cameras = local_path(camera_table) if camera_table else root / "metadata_camera_parameters.csv"
    projections = read_hypersim_projections(cameras) if camera_table or cameras.is_file() else {}
    frames, scenes = [], set()
    pattern = "ai_*/images/scene_cam_*_geometry_hdf5/frame.*.depth_meters.hdf5"
    for depth in matches(root, pattern, f"scenes/{pattern}"):
        match = HYPERSIM_DEPTH.search(Path(depth).as_posix())
        if match is None:
            continue
        scene, camera, number = match.groups()
        if public is not None and (scene, camera, int(number)) not in public:
            continue
        if exclude_bad_cameras and {(scene, camera), (scene, "*")} & HYPERSIM_BAD_CAMERAS:
            continue
        scenes.add(scene)
        files = (_hypersim_picture(depth, picture), depth)
        frames.append(Frame(f"{scene}/{camera}/{number}", files, projections.get(scene)))
    _warn_of_hypersim(public, scenes, projections, cameras)
    return PublicSamples("depth", frames, _read_hypersim)


def _hypersim_public_frames(
    root: Path, split: str | None, split_table: str | None
) -> set[tuple[str, str, int]] | None:
    table = local_path(split_table) if split_table else root / "metadata_images_split_scene_v1.csv"
    if split is None and split_table is None and not table.is_file():
        return None
    require_file(
        table, "it assigns frames to splits and is published in apple/ml-hypersim, evermotion_dataset/analysis"
    )
    with table.open(newline="", encoding="utf-8") as rows:
        return {
            (row["scene_name"], row["camera_name"], int(row["frame_id"]))
            for row in csv.DictReader(rows)
            if row["included_in_public_release"] == "True" and split in (None, row["split_partition_name"])
        }


def _hypersim_picture(depth: str, picture: str) -> str:
    preview = depth.replace("_geometry_hdf5", "_final_preview").replace(".depth_meters.hdf5", ".tonemap.jpg")
    colour = depth.replace("_geometry_hdf5", "_final_hdf5").replace(".depth_meters.hdf5", ".color.hdf5")
    if picture == "auto":
        return colour if not os.path.exists(preview) and os.path.exists(colour) else preview
    return preview if picture == "preview" else colour


def _warn_of_hypersim(
    public: set[tuple[str, str, int]] | None, scenes: set[str], projections: Mapping[str, Any], table: Path
) -> None:
    unknown = sorted(scenes - projections.keys())
    if unknown:
        warnings.warn(
            f"{len(unknown)} of {len(scenes)} Hypersim scenes have no camera in {table} (e.g. {unknown[0]}); depth is "
            f"computed with the focal length {HYPERSIM_FOCAL} and a centred principal point, which is off by some "
            "per cent for tilt-shift cameras. Download the table from apple/ml-hypersim, contrib/mikeroberts3000.",
            stacklevel=4,
        )
    absent = {scene for scene, _, _ in public or ()} - scenes
    if scenes and absent:
        warnings.warn(
            f"{len(absent)} of {len(absent | scenes)} scenes of this Hypersim split are not on disk or left out as "
            f"bad, e.g. {min(absent)}",
            stacklevel=4,
        )


def _read_hypersim(frame: Frame) -> Sample:
    picture, depth_file = frame.files
    distance = read_hdf5(depth_file, "dataset").astype(np.float64)
    if distance.ndim != 2:
        raise UnreadableImageError(f"{depth_file}: expected a map (H, W), got shape {distance.shape}")
    height, width = distance.shape
    if frame.details is None:
        intrinsics = centred_matrix(HYPERSIM_FOCAL * width / HYPERSIM_WIDTH, height, width)
    else:
        intrinsics = intrinsics_of_projection(frame.details, height, width)
    depth = distance_to_planar_depth(distance, intrinsics)
    image = read_image(picture) if picture.endswith(".jpg") else _hypersim_rendering(picture, depth_file)
    depth = mask_invalid(depth, np.isfinite(depth) & (depth > 0))
    return {"image": image, "depth": depth, "intrinsics": intrinsics}


def _hypersim_rendering(colour_file: str, depth_file: str) -> np.ndarray:
    entities = depth_file.replace(".depth_meters.", ".render_entity_id.")
    rendered = read_hdf5(entities, "dataset") != -1 if os.path.isfile(entities) else None
    return hypersim_tone_map(read_hdf5(colour_file, "dataset"), rendered)


def read_hypersim_projections(table: PathLike) -> dict[str, np.ndarray]:
    """Read `metadata_camera_parameters.csv`: scene -> projection (4, 4) from camera space to clip space.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a column is missing or holds no numbers.
    """
    check_exists(table)
    with open(table, newline="", encoding="utf-8") as rows:
        try:
            return {row["scene_name"]: _projection_of_row(row) for row in csv.DictReader(rows)}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{table}: expected the columns scene_name and M_proj_00 .. M_proj_33 with numbers, got {error!r}"
            ) from error


def _projection_of_row(row: dict[str, str]) -> np.ndarray:
    return np.array([[float(row[f"M_proj_{i}{j}"]) for j in range(4)] for i in range(4)])


def intrinsics_of_projection(projection: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the intrinsics of an OpenGL projection matrix, also of a tilt-shift camera.

    Tilting the image plane equals turning the camera and moving its principal point: pixels = intrinsics @ rotation
    @ point. The intrinsics are the upper triangular factor, so that depth along the normal of the image plane
    and these intrinsics fit together.

    Args:
        projection: (4, 4) from camera space (x right, y up, z backwards) to clip space.
        height: of the image, pixels.
        width: of the image, pixels.

    Returns:
        (3, 3) float64, integer indices are pixel centres.
    """
    clip_to_pixels = np.array([[width / 2, 0, width / 2 - 0.5], [0, -height / 2, height / 2 - 0.5], [0, 0, 1]])
    camera_to_pixels = clip_to_pixels @ projection[[0, 1, 3], :3] @ np.diag([1, -1, -1])
    # camera_to_pixels @ its transpose loses the rotation; Cholesky with both axes reversed gives the upper factor.
    squared = camera_to_pixels @ camera_to_pixels.T
    upper = np.linalg.cholesky(squared[::-1, ::-1])[::-1, ::-1]
    scaled: np.ndarray = upper / upper[2, 2]
    return scaled


def hypersim_tone_map(colour: np.ndarray, rendered: np.ndarray | None = None) -> np.ndarray:
    """Tone-map linear radiance: the 90th percentile of brightness becomes 0.8, gamma 1 / 2.2.

    The rule is that of the previews of Hypersim (apple/ml-hypersim, scene_generate_images_tonemap).

    Args:
        colour: (H, W, 3) linear radiance, >= 0; values that are not finite become black.
        rendered: bool (H, W), pixels that show a surface, and of which the percentile is taken; None takes all.

    Returns:
        uint8 (H, W, 3).
    """
    gamma, percentile, target = 1 / 2.2, 90, 0.8
    colour = np.nan_to_num(colour.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    brightness = colour @ np.array([0.3, 0.59, 0.11])
    seen = brightness if rendered is None else brightness[rendered]
    reference = float(np.percentile(seen, percentile)) if seen.size else 0.0
    # An image that is black almost everywhere has no reference and stays black.
    scale = target ** (1 / gamma) / reference if reference > 1e-4 else 0.0
    return np.rint(np.clip(scale * colour, 0, 1) ** gamma * 255).astype(np.uint8)


HYPERSIM = PublicDataset(
    name="hypersim",
    title="Hypersim",
    license="CC BY-SA 3.0",
    citation=(
        "Roberts et al., Hypersim: A Photorealistic Synthetic Dataset for Holistic Indoor Scene Understanding, "
        "ICCV 2021"
    ),
    homepage="https://github.com/apple/ml-hypersim",
    layout=(
        "ai_001_001/images/scene_cam_00_final_preview/frame.0000.tonemap.jpg\n"
        "ai_001_001/images/scene_cam_00_geometry_hdf5/frame.0000.depth_meters.hdf5\n"
        "metadata_camera_parameters.csv (cameras, from contrib/mikeroberts3000)\n"
        "metadata_images_split_scene_v1.csv (for a split, from evermotion_dataset/analysis)"
    ),
    label="depth",
    unit="metres; the files hold the distance to the camera centre, NaN invalid",
    splits=("train", "val", "test"),
    default_split=None,
    opener=open_hypersim,
    verified="layout by apple/ml-hypersim; depth and camera table with genuine files",
    traps=(
        "Distance becomes planar depth by each scene's own camera, also where it is tilt-shift: along the normal of "
        "the image plane. Without the table one focal length (886.81 at 1024 x 768) stands in. Bad cameras are left "
        "out unless exclude_bad_cameras=False. A split may be on disk in part: a warning counts the absent scenes."
    ),
)
