# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""TUM RGB-D: rooms seen by a Kinect that moves; colour and depth have times of their own."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from ..decoding.depth_maps import LabelRules
from ..decoding.images import read_image
from ..samples import Sample
from .captures import take_every
from .formats import pinhole_matrix
from .frames import Frame, PublicSamples, lines_of, matches, path_below, require_file
from .spec import PublicDataset


# Of the colour cameras; those of freiburg3 are undistorted.
TUM_INTRINSICS = {
    "freiburg1": pinhole_matrix(517.3, 516.5, 318.6, 255.3),
    "freiburg2": pinhole_matrix(520.9, 521.0, 325.1, 249.7),
    "freiburg3": pinhole_matrix(535.4, 539.2, 320.1, 247.6),
}
TUM_RULES = LabelRules("depth", encoding="tum")
# Seconds, of the authors' associate.py.
MAX_DIFFERENCE = 0.02


def open_tum(
    root: Path, split: str | None, *, max_difference: float = MAX_DIFFERENCE, every: int = 1
) -> PublicSamples:
    """Find the frames of TUM RGB-D: for each sequence, pictures and maps that are nearest in time.

    Args:
        root: a sequence, or a folder of sequences; see `PublicDataset.layout`.
        split: "train" or None; both take everything.
        max_difference: most seconds between a picture and its map.
        every: 10 takes every tenth pair of a sequence.

    Raises:
        FileNotFoundError: a sequence has no list of its maps.
        ValueError: a damaged list, or a difference that is none.
    """
    if not 0 <= max_difference < math.inf:
        raise ValueError(f"max_difference must be a finite number of at least 0, got {max_difference:g} seconds")
    frames = []
    for listed in matches(root, "rgb.txt", "*/rgb.txt"):
        sequence = Path(listed).parent
        depth_list = require_file(sequence / "depth.txt", "it lists the maps with their times, beside rgb.txt")
        pictures, maps = read_times(Path(listed)), read_times(depth_list)
        of_pictures, of_maps = ([time for time, _ in each] for each in (pictures, maps))
        for first, second in take_every(pair_by_time(of_pictures, of_maps, max_difference), every):
            files = (str(sequence / pictures[first][1]), str(sequence / maps[second][1]))
            frames.append(Frame(path_below(root, files[0]), files, _camera_of(sequence)))
    return PublicSamples("depth", frames, _read_tum)


def _camera_of(sequence: Path) -> str | None:
    found = re.search(r"freiburg[123]", sequence.resolve().name)
    return found[0] if found else None


def read_times(path: Path) -> list[tuple[float, str]]:
    """Read a list of seconds and file names, such as rgb.txt, in the order of time; # begins a comment.

    Raises:
        ValueError: a line has no time or no file; the message names it.
    """
    found = []
    for line in lines_of(path):
        if line.startswith("#"):
            continue
        words = line.split()
        try:
            found.append((float(words[0]), words[1]))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path}: expected lines of a time and a file, got {line!r}") from error
    return sorted(found)


def pair_by_time(first: Sequence[float], second: Sequence[float], max_difference: float) -> list[tuple[int, int]]:
    """Pair times, each at most once and the nearest pairs first, as associate.py of the benchmark does.

    Args:
        first: seconds, ascending.
        second: seconds, ascending.
        max_difference: pairs are nearer than this.

    Returns:
        Indices of both, ascending.
    """
    near = []
    for index, time in enumerate(first):
        begin, end = bisect_left(second, time - max_difference), bisect_right(second, time + max_difference)
        near += [(abs(second[other] - time), index, other) for other in range(begin, end)]
    firsts, seconds, pairs = set(), set(), []
    for difference, index, other in sorted(near):
        if difference < max_difference and index not in firsts and other not in seconds:
            firsts.add(index)
            seconds.add(other)
            pairs.append((index, other))
    return sorted(pairs)


def _read_tum(frame: Frame) -> Sample:
    picture, depth = frame.files
    sample: Sample = {"image": read_image(picture), "depth": TUM_RULES.read(depth)}
    if frame.details is not None and sample["image"].shape[:2] == (480, 640):
        sample["intrinsics"] = TUM_INTRINSICS[frame.details].copy()
    return sample


TUM_RGBD = PublicDataset(
    name="tum",
    title="TUM RGB-D",
    license="CC BY 4.0",
    citation="Sturm et al., A Benchmark for the Evaluation of RGB-D SLAM Systems, IROS 2012",
    homepage="https://cvg.cit.tum.de/data/datasets/rgbd-dataset",
    layout=(
        "rgbd_dataset_freiburg1_xyz/rgb.txt, depth.txt (times and files)\n"
        "rgbd_dataset_freiburg1_xyz/rgb/1305031102.175304.png\n"
        "rgbd_dataset_freiburg1_xyz/depth/1305031102.160407.png"
    ),
    label="depth",
    unit="metres, planar; the files hold 1/5000 m, 0 invalid",
    splits=("train",),
    default_split=None,
    opener=open_tum,
    verified=(
        "layout, unit and registration by the benchmark's page on file formats, cameras by public SLAM code; unit "
        "with a genuine map, sequences made by hand"
    ),
    traps=(
        "Picture and map are taken at different times: pairs are those of associate.py, up to 0.02 s apart "
        "(max_difference), and others are left out. Depth is registered to colour. Divided by 1000 the room is five "
        "times as large. Pictures of freiburg1 and freiburg2 have a lens distortion, which the intrinsics leave out. "
        "Whether the published correction of the scale (1.035 for freiburg1) is in the files is unverified."
    ),
)
