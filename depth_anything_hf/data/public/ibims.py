# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""iBims-1: scanned rooms with masks and exact edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..decoding.errors import UnreadableImageError
from ..samples import Sample
from .formats import read_matlab
from .frames import Frame, PublicSamples, lines_of, mask_invalid, matches
from .spec import PublicDataset


def open_ibims(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of iBims-1.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "test" or None; there is no other.
    """
    folder = root / "ibims1_core_mat" if (root / "ibims1_core_mat").is_dir() else root
    names = folder / "imagelist.txt"
    if names.is_file():
        stems = [Path(line).stem for line in lines_of(names)]
    else:
        stems = [Path(path).stem for path in matches(folder, "*.mat")]
    return PublicSamples("depth", [Frame(stem, (str(folder / f"{stem}.mat"),)) for stem in stems], _read_ibims)


def _read_ibims(frame: Frame) -> Sample:
    path = frame.files[0]
    try:
        data = read_matlab(path)["data"]
        depth, calibration = np.asarray(data.depth, dtype=np.float32), np.asarray(data.calib, dtype=np.float64)
        # Both masks are 1 where a pixel is good, whatever their names say.
        valid = (np.asarray(data.mask_invalid) > 0) & (np.asarray(data.mask_transp) > 0) & (depth > 0)
        image, edges = np.asarray(data.rgb, dtype=np.uint8), np.asarray(data.edges) > 0
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableImageError(
            f"{path}: expected a structure data with rgb, depth, edges, calib, mask_invalid, mask_transp: {error!r}"
        ) from error
    # MATLAB's camera matrix is transposed, and its pixel indices start at 1.
    intrinsics = calibration.T.copy()
    intrinsics[:2, 2] -= 1
    return {
        "image": image,
        "depth": mask_invalid(depth, valid & np.isfinite(depth)),
        "intrinsics": intrinsics,
        "edges": edges,
    }


IBIMS = PublicDataset(
    name="ibims",
    title="iBims-1",
    license="the authors' own terms: unverified",
    citation="Koch et al., Evaluation of CNN-based Single-Image Depth Estimation Methods, ECCV Workshops 2018",
    homepage="https://www.asg.ed.tum.de/lmf/ibims1",
    layout="ibims1_core_mat/imagelist.txt\nibims1_core_mat/corridor_01.mat",
    label="depth",
    unit="metres; invalid and transparent pixels by the masks",
    splits=("test",),
    default_split=None,
    opener=open_ibims,
    verified="layout by the authors' tools; files made by hand",
    traps="mask_invalid and mask_transp are 1 where a pixel is good. Samples also have the exact edges, bool (H, W).",
)
