# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""MVS-Synth: views of a video game, with its depth in units of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..samples import Sample
from .formats import check_exr, pinhole_matrix, read_json_numbers, read_pair
from .frames import Frame, PublicSamples, matches, path_below
from .spec import PublicDataset


MVS_SYNTH_PER_METRE = 10.0


def open_mvs_synth(root: Path, split: str | None, *, per_metre: float = MVS_SYNTH_PER_METRE) -> PublicSamples:
    """Find the frames of MVS-Synth.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; both take everything.
        per_metre: stored units per metre, which others have measured on cars and people.

    Raises:
        ImportError: EXR files cannot be read here.
    """
    check_exr("MVS-Synth")
    frames = []
    for depth in matches(root, "*/depths/*.exr", "*/*/depths/*.exr"):
        scene, stem = Path(depth).parents[1], Path(depth).stem
        picture, pose = str(scene / "images" / f"{stem}.png"), str(scene / "poses" / f"{stem}.json")
        frames.append(Frame(path_below(root, picture), (picture, pose, depth)))
    rules = LabelRules("depth", encoding=f"exr:scale={float(per_metre)!r}")
    return PublicSamples("depth", frames, partial(_read_mvs_synth, rules=rules))


def _read_mvs_synth(frame: Frame, rules: LabelRules) -> Sample:
    keys = ("f_x", "f_y", "c_x", "c_y")
    camera = read_json_numbers(frame.files[1], lambda told: [told[key] for key in keys], ", ".join(keys))
    return read_pair(Frame(frame.name, frame.files, pinhole_matrix(*camera)), rules)


MVS_SYNTH = PublicDataset(
    name="mvs-synth",
    title="MVS-Synth",
    license="the authors' own terms: unverified",
    citation="Huang et al., DeepMVS: Learning Multi-View Stereopsis, CVPR 2018",
    homepage="https://phuang17.github.io/DeepMVS/mvs-synth.html",
    layout=(
        "GTAV_1080/0000/images/0000.png (or GTAV_720, GTAV_540, or without that folder)\n"
        "GTAV_1080/0000/depths/0000.exr\n"
        "GTAV_1080/0000/poses/0000.json"
    ),
    label="depth",
    unit="metres, a tenth of what is stored; infinite is sky (+inf)",
    splits=("train",),
    default_split=None,
    opener=open_mvs_synth,
    verified=(
        "layout, sky and cameras by MapAnything and CUT3R, the channel Y by the files shown on the Hub; the tenth is "
        "not documented: MapAnything measured it on cars and people, and MoGe takes it too; files made by hand"
    ),
    traps=(
        "As stored, depth is ten times too far. GTAV_1080, GTAV_720 and GTAV_540 are the same frames: give the folder "
        "of one. Depth is EXR: needs OpenEXR where OpenCV reads none."
    ),
)
