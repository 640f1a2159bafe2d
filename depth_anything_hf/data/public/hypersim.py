# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Openers of the official rendered data sets.

An opener takes (root, split, **options) and gives `PublicSamples`; it looks at folders, not into pictures.
"""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry.camera import distance_to_planar_depth
from ..decoding.depth_maps import LabelRules, exr_is_readable, read_label
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..samples import Sample, check_choice
from .formats import (
    HYPERSIM_FOCAL,
    HYPERSIM_WIDTH,
    centred_matrix,
    hypersim_tone_map,
    intrinsics_of_projection,
    pinhole_matrix,
    read_hdf5,
    read_hypersim_projections,
    read_matrix,
    read_sintel_depth,
    read_sintel_intrinsics,
)
from .frames import (
    DEPTH_RULES,
    Frame,
    PublicSamples,
    below,
    invalid_unless,
    lines_of,
    matches,
    needed_file,
    swap_last,
)


# Hypersim

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


def open_hypersim(
    root: Path,
    split: str | None,
    *,
    picture: str = "auto",
    camera_table: str | None = None,
    split_table: str | None = None,
    exclude_bad_cameras: bool = True,
) -> PublicSamples:
    check_choice("picture", picture, ("auto", "preview", "colour"))
    public = _hypersim_public_frames(root, split, split_table)
    cameras = Path(camera_table).expanduser() if camera_table else root / "metadata_camera_parameters.csv"
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
    table = Path(split_table).expanduser() if split_table else root / "metadata_images_split_scene_v1.csv"
    if split is None and split_table is None and not table.is_file():
        return None
    needed_file(
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
            f"computed with the focal length {HYPERSIM_FOCAL} and a centred principal point, which is wrong by some "
            "per cent for tilt-shift cameras. The table is in apple/ml-hypersim, contrib/mikeroberts3000.",
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
    depth = invalid_unless(depth, np.isfinite(depth) & (depth > 0))
    return {"image": image, "depth": depth, "intrinsics": intrinsics}


def _hypersim_rendering(colour_file: str, depth_file: str) -> np.ndarray:
    entities = depth_file.replace(".depth_meters.", ".render_entity_id.")
    rendered = read_hdf5(entities, "dataset") != -1 if os.path.isfile(entities) else None
    return hypersim_tone_map(read_hdf5(colour_file, "dataset"), rendered)


# Other synthetic sets

VKITTI2_SPLITS = {"train": ("Scene02", "Scene06", "Scene18", "Scene20"), "val": ("Scene01",)}
VKITTI2_RULES = LabelRules("depth", scale=100.0, sky_value=65535)
VKITTI2_INTRINSICS = pinhole_matrix(725.0087, 725.0087, 620.5, 187.0)


def open_vkitti2(
    root: Path, split: str | None, *, cameras: Sequence[str] = ("Camera_0",), variants: Sequence[str] | None = None
) -> PublicSamples:
    rgb_root, depth_root = (
        folder if (folder := root / f"vkitti_2.0.3_{kind}").is_dir() else root for kind in ("rgb", "depth")
    )
    frames = []
    for depth in matches(depth_root, "Scene*/*/frames/depth/Camera_*/depth_*.png"):
        scene, variant, _, _, camera, file_name = Path(depth).parts[-6:]
        is_wanted = camera in cameras and (variants is None or variant in variants)
        if is_wanted and (split is None or scene in VKITTI2_SPLITS[split]):
            number = file_name[len("depth_") : -len(".png")]
            picture = str(rgb_root / scene / variant / "frames" / "rgb" / camera / f"rgb_{number}.jpg")
            frames.append(Frame(f"{scene}/{variant}/{camera}/{number}", (picture, depth)))
    return PublicSamples("depth", frames, _read_vkitti2)


def _read_vkitti2(frame: Frame) -> Sample:
    picture, depth = frame.files
    return {
        "image": read_image(picture),
        "depth": VKITTI2_RULES.read(depth),
        "intrinsics": VKITTI2_INTRINSICS.copy(),
    }


TARTANAIR_SKY_METRES = 1000.0
TARTANAIR_INTRINSICS = pinhole_matrix(320.0, 320.0, 320.0, 240.0)


def open_tartanair(
    root: Path,
    split: str | None,
    *,
    environments: Sequence[str] | None = None,
    exclude_environments: Sequence[str] = ("amusement",),
    sky_depth_metres: float = TARTANAIR_SKY_METRES,
) -> PublicSamples:
    frames = []
    # Some of the archives hold one more folder with the name of the environment.
    pattern = "[EH]a*/P*/depth_left/*_left_depth.npy"
    for depth in matches(root, f"*/{pattern}", f"*/*/{pattern}"):
        environment = Path(depth).parts[-5]
        if environment in exclude_environments or (environments is not None and environment not in environments):
            continue
        picture = swap_last(depth, "depth_left", "image_left").replace("_left_depth.npy", "_left.png")
        frames.append(Frame(below(root, picture), (picture, depth)))
    rules = LabelRules("depth", sky_value=sky_depth_metres)
    return PublicSamples("depth", frames, partial(_read_tartanair, rules=rules))


def _read_tartanair(frame: Frame, rules: LabelRules) -> Sample:
    picture, depth = frame.files
    return {"image": read_image(picture), "depth": rules.read(depth), "intrinsics": TARTANAIR_INTRINSICS.copy()}


IRS_FOCAL_PIXELS, IRS_BASELINE_METRES = 480.0, 0.1


def open_irs(root: Path, split: str | None, *, list_file: str | None = None) -> PublicSamples:
    if not exr_is_readable():
        raise ImportError(
            "IRS stores disparity as EXR, which this OpenCV cannot read; install OpenEXR with: "
            "pip install 'depth_anything_hf[readers]'"
        )
    if list_file:
        rows = [line.split() for line in lines_of(needed_file(list_file, "see lists/ in blackjack2015/IRS"))]
        base = root if (root / "IRSDataset").is_dir() else root.parent
        pairs = [(str(base / row[0]), str(base / row[2])) for row in rows]
    elif split is not None:
        # Without the list the training split would hold the test pictures as well.
        raise FileNotFoundError(
            f"{root}: the {split} split of IRS needs list_file=, IRSDataset_{split.upper()}.list of "
            'blackjack2015/IRS; without a split (split: "" in a data source) all pictures are taken, the test ones too'
        )
    else:
        found = matches(root, "*/*/d_*.exr", "IRSDataset/*/*/d_*.exr")
        pairs = [(swap_last(path, "d_", "l_").replace(".exr", ".png"), path) for path in found]
    frames = [Frame(below(root, picture), (picture, disparity)) for picture, disparity in pairs]
    return PublicSamples("depth", frames, _read_irs)


def _read_irs(frame: Frame) -> Sample:
    picture, disparity_file = frame.files
    disparity = read_label(disparity_file)
    valid = np.isfinite(disparity) & (disparity > 0)
    depth = IRS_FOCAL_PIXELS * IRS_BASELINE_METRES / np.where(valid, disparity, 1.0)
    intrinsics = centred_matrix(IRS_FOCAL_PIXELS, *disparity.shape)
    return {"image": read_image(picture), "depth": invalid_unless(depth, valid), "intrinsics": intrinsics}


BLENDEDMVS_LISTS = {"train": "training_list.txt", "val": "validation_list.txt"}


def open_blendedmvs(root: Path, split: str | None, *, list_file: str | None = None) -> PublicSamples:
    projects = None
    if list_file or split is not None:
        path = Path(list_file or root / BLENDEDMVS_LISTS[str(split)])
        projects = set(lines_of(needed_file(path, "a list of project ids, one per line, from YoYo000/BlendedMVS")))
    frames = []
    for depth in matches(root, "*/rendered_depth_maps/*.pfm"):
        project, _, file_name = Path(depth).parts[-3:]
        if projects is not None and project not in projects:
            continue
        stem = file_name[: -len(".pfm")]
        folder = Path(depth).parents[1]
        files = (str(folder / "blended_images" / f"{stem}.jpg"), str(folder / "cams" / f"{stem}_cam.txt"), depth)
        frames.append(Frame(f"{project}/{stem}", files))
    return PublicSamples("depth", frames, _read_blendedmvs)


def _read_blendedmvs(frame: Frame) -> Sample:
    picture, camera, depth = frame.files
    intrinsics = read_matrix(camera, after="intrinsic")
    return {"image": read_image(picture), "depth": DEPTH_RULES.read(depth), "intrinsics": intrinsics}


def open_sintel(root: Path, split: str | None, *, render_pass: str = "final") -> PublicSamples:
    check_choice("render_pass", render_pass, ("final", "clean", "albedo"))
    frames = []
    for depth in matches(root, "training/depth/*/*.dpt", "depth/*/*.dpt"):
        folder, scene, stem = Path(depth).parents[2], Path(depth).parts[-2], Path(depth).stem
        picture = str(folder / render_pass / scene / f"{stem}.png")
        camera = str(folder / "camdata_left" / scene / f"{stem}.cam")
        frames.append(Frame(f"{render_pass}/{scene}/{stem}", (picture, camera, depth)))
    return PublicSamples("depth", frames, _read_sintel)


def _read_sintel(frame: Frame) -> Sample:
    picture, camera, depth_file = frame.files
    depth = DEPTH_RULES.apply(read_sintel_depth(depth_file), depth_file)
    return {"image": read_image(picture), "depth": depth, "intrinsics": read_sintel_intrinsics(camera)}
