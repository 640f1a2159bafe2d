# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames: which of their files are missing, how many are taken, and sizes that disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.public.frames import Frame, PublicSamples, matches, path_below, require_file, swap_last
from depth_anything_hf.data.samples import Sample


def read_grey(frame: Frame) -> Sample:
    height, width = frame.details
    return {"image": np.zeros((4, 5, 3), np.uint8), "depth": np.full((height, width), 9.0, np.float32)}


def make_samples(root: Path) -> PublicSamples:
    frames = [
        Frame(name, (str(root / f"{name}.png"), str(root / "depth" / f"{name}.npy")), (4, 5)) for name in ("a", "b")
    ]
    return PublicSamples("depth", frames, read_grey)


def test_missing_files_are_listed_once_and_only_of_the_frames_taken(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    samples = make_samples(tmp_path)
    absent = [tmp_path / "depth" / "a.npy", tmp_path / "b.png", tmp_path / "depth" / "b.npy"]
    assert samples.missing_files() == [str(path) for path in absent]
    twice = PublicSamples("depth", [*samples.frames, *samples.frames], read_grey)
    assert twice.missing_files() == samples.missing_files()
    assert samples.shorten(1, None).missing_files() == [str(absent[0])]


def test_depth_beyond_the_largest_is_invalid(tmp_path: Path) -> None:
    samples = make_samples(tmp_path)
    assert (samples[0]["depth"] == 9).all()
    assert np.isnan(samples.shorten(None, 5.0)[0]["depth"]).all()
    assert samples[1]["name"] == "b"


def test_a_label_of_another_size_is_told_with_both_files() -> None:
    samples = PublicSamples("depth", [Frame("a", ("a.png", "a.npy"), (4, 6))], read_grey)
    with pytest.raises(BrokenSampleError, match=r"a\.png is 4 x 5 .*its label a\.npy is 4 x 6; they must agree"):
        samples[0]


def test_tools_for_paths(tmp_path: Path) -> None:
    root = tmp_path / "set [1]"
    for name in ("b/x.png", "a/x.png", "a/y.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert [path_below(root, path) for path in matches(root, "*/*.png", "a/*.png")] == ["a/x.png", "b/x.png"]
    assert swap_last("d_1/d_2.exr", "d_", "l_") == "d_1/l_2.exr"
    assert require_file(root / "a" / "y.txt", "unused") == root / "a" / "y.txt"
    with pytest.raises(FileNotFoundError, match=r"z\.txt: no such file; download it from there"):
        require_file(root / "z.txt", "download it from there")
