# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""IRS: rendered rooms in stereo, from disparity to depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..decoding.depth_maps import read_label
from ..decoding.images import read_image
from ..samples import Sample
from .formats import centred_matrix, check_exr
from .frames import Frame, PublicSamples, lines_of, mask_invalid, matches, path_below, require_file, swap_last
from .spec import PublicDataset


IRS_FOCAL_PIXELS, IRS_BASELINE_METRES = 480.0, 0.1


def open_irs(root: Path, split: str | None, *, list_file: str | None = None) -> PublicSamples:
    """Find the frames of IRS.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "test", which need the list; None takes all images.
        list_file: `IRSDataset_TRAIN.list` or `IRSDataset_TEST.list` of the authors.

    Raises:
        FileNotFoundError: a split without its list.
        ImportError: EXR files cannot be read here.
    """
    check_exr("IRS")
    if list_file:
        rows = [line.split() for line in lines_of(require_file(list_file, "see lists/ in blackjack2015/IRS"))]
        base = root if (root / "IRSDataset").is_dir() else root.parent
        pairs = [(str(base / row[0]), str(base / row[2])) for row in rows]
    elif split is not None:
        # Without the list the training split would hold the test images as well.
        raise FileNotFoundError(
            f"{root}: the {split} split of IRS needs list_file=, IRSDataset_{split.upper()}.list of "
            'blackjack2015/IRS; without a split (split: "" in a data source) all images are taken, the test ones too'
        )
    else:
        found = matches(root, "*/*/d_*.exr", "IRSDataset/*/*/d_*.exr")
        pairs = [(swap_last(path, "d_", "l_").replace(".exr", ".png"), path) for path in found]
    frames = [Frame(path_below(root, picture), (picture, disparity)) for picture, disparity in pairs]
    return PublicSamples("depth", frames, _read_irs)


def _read_irs(frame: Frame) -> Sample:
    picture, disparity_file = frame.files
    disparity = read_label(disparity_file)
    valid = np.isfinite(disparity) & (disparity > 0)
    depth = IRS_FOCAL_PIXELS * IRS_BASELINE_METRES / np.where(valid, disparity, 1.0)
    intrinsics = centred_matrix(IRS_FOCAL_PIXELS, *disparity.shape)
    return {"image": read_image(picture), "depth": mask_invalid(depth, valid), "intrinsics": intrinsics}


IRS = PublicDataset(
    name="irs",
    title="IRS",
    license="Apache-2.0 by the repository's LICENSE, other terms by Depth Pro's table 15: unverified",
    citation="Wang et al., IRS: A Large Naturalistic Indoor Robotics Stereo Dataset, ICME 2021",
    homepage="https://github.com/blackjack2015/IRS",
    layout="Home/ArchVizKitchen/l_1.png\nHome/ArchVizKitchen/d_1.exr\n(or the same below IRSDataset/)",
    label="depth",
    unit="metres, 48 / disparity (focal length 480 px, baseline 0.1 m); disparity <= 0 invalid",
    splits=("train", "test"),
    default_split=None,
    opener=open_irs,
    verified="layout by the authors' lists; files made by hand",
    traps=(
        "Disparity is EXR: needs the package OpenEXR. The official splits are lists: list_file=IRSDataset_TRAIN.list "
        "or _TEST.list; without a split all images are taken, those of the test split as well. "
        "Some images do not match their label."
    ),
)
