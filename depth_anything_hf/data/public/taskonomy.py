# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Taskonomy: scanned buildings, rendered by the authors, as one building or as Omnidata's download."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import centred_matrix, read_json_numbers, read_mask, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


TASKONOMY_RULES = LabelRules("depth", encoding="taskonomy")
DEPTH_DOMAIN = "depth_zbuffer"


def open_taskonomy(root: Path, split: str | None, *, buildings: Sequence[str] | None = None) -> PublicSamples:
    """Find the frames of Taskonomy.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        buildings: names of buildings; None takes all.
    """
    names = f"{DEPTH_DOMAIN}/{{}}*_domain_{DEPTH_DOMAIN}.png"
    found = matches(root, *(names.format(deep) for deep in ("", "*/", "*/*/")), "*/" + names.format(""))
    wanted = (depth for depth in found if buildings is None or _building(depth) in buildings)
    return PublicSamples("depth", [_taskonomy_frame(root, Path(depth)) for depth in wanted], _read_taskonomy)


def _building(depth: str) -> str:
    # Omnidata has folders of buildings below those of domains, the authors' sample has them above.
    folder = Path(depth).parent
    return folder.parent.name if folder.name == DEPTH_DOMAIN else folder.name


def _taskonomy_frame(root: Path, depth: Path) -> Frame:
    parts = list(depth.parts)
    level = len(parts) - 1 - parts[::-1].index(DEPTH_DOMAIN)

    def other(domain: str, ending: str) -> Path:
        name = depth.name.removesuffix(f"{DEPTH_DOMAIN}.png") + ending
        return Path(*parts[:level], domain, *parts[level + 1 : -1], name)

    picture = str(other("rgb", "rgb.png"))
    camera, mask = other("point_info", "point_info.json"), other("mask_valid", f"{DEPTH_DOMAIN}.png")
    further = {key: str(path) for key, path in (("camera", camera), ("mask", mask)) if path.parent.is_dir()}
    return Frame(path_below(root, picture), (picture, *further.values(), str(depth)), further)


def _read_taskonomy(frame: Frame) -> Sample:
    further = frame.details
    sample = read_pair(Frame(frame.name, frame.files), TASKONOMY_RULES)
    height, width = sample["depth"].shape
    if "mask" in further:
        sample["depth"][read_mask(further["mask"], (height, width)) == 0] = np.nan
    if "camera" in further:
        view = float(
            read_json_numbers(further["camera"], lambda told: told["field_of_view_rads"], "field_of_view_rads")
        )
        sample["intrinsics"] = centred_matrix(width / 2 / math.tan(view / 2), height, width)
    return sample


TASKONOMY = PublicDataset(
    name="taskonomy",
    title="Taskonomy",
    license="the authors' own terms: unverified",
    citation="Zamir et al., Taskonomy: Disentangling Task Transfer Learning, CVPR 2018",
    homepage="https://github.com/StanfordVL/taskonomy/tree/master/data",
    layout=(
        "rgb/taskonomy/allensville/point_0_view_0_domain_rgb.png (Omnidata's download, or without taskonomy/)\n"
        "depth_zbuffer/taskonomy/allensville/point_0_view_0_domain_depth_zbuffer.png\n"
        "mask_valid/taskonomy/allensville/point_0_view_0_domain_depth_zbuffer.png (if the folder is there)\n"
        "point_info/taskonomy/allensville/point_0_view_0_domain_point_info.json (if the folder is there, for "
        "intrinsics)\n"
        "or allensville/rgb/, allensville/depth_zbuffer/ and so on"
    ),
    label="depth",
    unit="metres; the files hold uint16, 512 per metre, 0 and 65535 invalid",
    splits=("train",),
    default_split=None,
    opener=open_taskonomy,
    verified="layout, unit and planar depth by the authors' README and public loaders; files made by hand",
    traps=(
        "Only depth_zbuffer is read: depth_euclidean is distance along rays. The files of mask_valid are named like "
        "depth. The official splits are lists of buildings: buildings=[...]."
    ),
)
