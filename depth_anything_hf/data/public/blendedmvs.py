# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""BlendedMVS, low resolution: rendered scans without a metric scale."""

from __future__ import annotations

from pathlib import Path

from ..decoding.images import read_image
from ..samples import Sample
from .formats import read_matrix
from .frames import DEPTH_RULES, Frame, PublicSamples, lines_of, matches, require_file
from .spec import PublicDataset


BLENDEDMVS_LISTS = {"train": "training_list.txt", "val": "validation_list.txt"}


def open_blendedmvs(root: Path, split: str | None, *, list_file: str | None = None) -> PublicSamples:
    """Find the frames of BlendedMVS.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "val", by the authors' list of projects in the root; None takes all projects.
        list_file: another list of projects, one id per line.

    Raises:
        FileNotFoundError: the list is missing.
    """
    projects = None
    if list_file or split is not None:
        path = Path(list_file or root / BLENDEDMVS_LISTS[str(split)])
        projects = set(lines_of(require_file(path, "a list of project ids, one per line, from YoYo000/BlendedMVS")))
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


BLENDEDMVS = PublicDataset(
    name="blendedmvs",
    title="BlendedMVS, low resolution",
    license="CC BY 4.0",
    citation="Yao et al., BlendedMVS: A Large-scale Dataset for Generalized Multi-view Stereo Networks, CVPR 2020",
    homepage="https://github.com/YoYo000/BlendedMVS",
    layout=(
        "5a3ca9cb270f0e3f14d0eddb/blended_images/00000000.jpg\n"
        "5a3ca9cb270f0e3f14d0eddb/cams/00000000_cam.txt\n"
        "5a3ca9cb270f0e3f14d0eddb/rendered_depth_maps/00000000.pfm\n"
        "training_list.txt, validation_list.txt (for a split)"
    ),
    label="depth",
    unit="an unknown unit per project, not metres; 0 invalid",
    splits=("train", "val"),
    default_split=None,
    opener=open_blendedmvs,
    verified="layout by the authors' lists; files made by hand",
    traps=(
        "No metric scale: not for metric training. Some maps have no valid pixel. The images named _masked.jpg are "
        "not read."
    ),
)
