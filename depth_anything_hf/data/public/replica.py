# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Replica: scanned rooms, rendered again by NICE-SLAM or Semantic-NeRF."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..decoding.errors import UnreadableImageError
from ..samples import Sample
from .captures import in_order
from .formats import centred_matrix, pinhole_matrix, read_json_numbers, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


CAMERA = "cam_params.json"
REPLICA_CAMERA = (600.0, 600.0, 599.5, 339.5)
REPLICA_PER_METRE = 6553.5
# Semantic-NeRF's pictures are 90 degrees wide.
SEMANTIC_NERF_RULES = LabelRules("depth", encoding="mm:missing=0")


def open_replica(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of Replica, as NICE-SLAM or Semantic-NeRF renders it.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.

    Raises:
        UnreadableImageError: `cam_params.json` is damaged, or of another scale.
    """
    # Beside the scenes, of which the root may be one.
    intrinsics = _replica_camera(root / CAMERA if (root / CAMERA).is_file() else root.resolve().parent / CAMERA)
    frames = []
    for depth in matches(root, "results/depth*.png", "*/results/depth*.png"):
        picture = Path(depth).with_name(Path(depth).stem.replace("depth", "frame") + ".jpg")
        frames.append(Frame(path_below(root, str(picture)), (str(picture), depth), intrinsics))
    if frames:
        return PublicSamples("depth", frames, partial(read_pair, rules=LabelRules("depth", encoding="replica")))
    for depth in in_order(matches(root, "Sequence_*/depth/depth_*.png", "*/Sequence_*/depth/depth_*.png")):
        sequence, stem = Path(depth).parents[1], Path(depth).stem
        picture = sequence / "rgb" / f"rgb_{stem.removeprefix('depth_')}.png"
        frames.append(Frame(path_below(root, str(picture)), (str(picture), depth)))
    return PublicSamples("depth", frames, _read_semantic_nerf)


def _replica_camera(path: Path) -> np.ndarray:
    """Return the intrinsics of NICE-SLAM's camera, which the file beside the scenes may tell otherwise."""
    if not path.is_file():
        return pinhole_matrix(*REPLICA_CAMERA)
    keys = ("fx", "fy", "cx", "cy", "scale")
    *camera, scale = read_json_numbers(
        path, lambda content: [content["camera"][key] for key in keys], f"camera and in it {', '.join(keys)}"
    )
    if scale != REPLICA_PER_METRE:
        raise UnreadableImageError(
            f"{path}: expected the scale {REPLICA_PER_METRE}, got {scale:g}: other renders; read them as a "
            f"folder with encoding: scaled:per_metre={scale:g}"
        )
    return pinhole_matrix(*camera)


def _read_semantic_nerf(frame: Frame) -> Sample:
    sample = read_pair(frame, SEMANTIC_NERF_RULES)
    height, width = sample["depth"].shape
    return {**sample, "intrinsics": centred_matrix(width / 2, height, width)}


REPLICA = PublicDataset(
    name="replica",
    title="Replica, rendered by NICE-SLAM or Semantic-NeRF",
    license="Replica Research Terms of Meta (research only): unverified",
    citation=(
        "Straub et al., The Replica Dataset: A Digital Replica of Indoor Spaces, arXiv 1906.05797; Zhu et al., "
        "NICE-SLAM, CVPR 2022; Zhi et al., Semantic-NeRF, ICCV 2021"
    ),
    homepage="https://github.com/cvg/nice-slam/blob/master/scripts/download_replica.sh",
    layout=(
        "cam_params.json\n"
        "room0/results/frame000000.jpg and depth000000.png (NICE-SLAM)\n"
        "or office_0/Sequence_1/rgb/rgb_0.png and depth/depth_0.png (Semantic-NeRF)"
    ),
    label="depth",
    unit="metres; NICE-SLAM's files hold uint16, 6553.5 per metre, Semantic-NeRF's millimetres, 0 invalid",
    splits=("train",),
    default_split=None,
    opener=open_replica,
    verified="layouts, scales and cameras by loaders of NICE-SLAM's successors and RayFronts; files made by hand",
    traps=(
        "6553.5 per metre and 1000 per metre look alike in a room. Panoramas of Replica (4000 per metre, along rays) "
        "are not read; cut views out of them. 65535 is 10 m or farther."
    ),
)
